/* Preloaded into a server, makes every fdatasync and fsync take 200 ms longer: a disk under other load. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>

static void wait_200_ms(void) {
  struct timespec left = {0, 200000000};
  while (nanosleep(&left, &left) != 0) {
  }
}

int fdatasync(int fd) {
  wait_200_ms();
  return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd);
}

int fsync(int fd) {
  wait_200_ms();
  return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd);
}
