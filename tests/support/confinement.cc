// See confinement.h.
#include "support/confinement.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstdlib>
#include <iterator>
#include <string_view>

#include "base/check.h"

namespace millrace::test {
namespace {

struct Named {
  std::string_view name;
  Confinement confinement;
};

constexpr Named kConfinements[] = {
    {"", {}},
    {"io_uring_eperm", {.io_uring_error = EPERM}},
    {"io_uring_enosys", {.io_uring_error = ENOSYS}},
    {"small", {.one_processor = true, .address_space_bytes = 64ull * 1024 * 1024}},
};

bool refuse_io_uring(int error) {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{.len = std::size(program), .filter = program};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

// The first of those we may use.
bool keep_one_processor() {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return false;
  int processor = 0;
  while (!CPU_ISSET(processor, &allowed)) ++processor;
  CPU_ZERO(&allowed);
  CPU_SET(processor, &allowed);
  return sched_setaffinity(0, sizeof allowed, &allowed) == 0;
}

bool limit_address_space(uint64_t bytes) {
  const rlimit limit{.rlim_cur = bytes, .rlim_max = bytes};
  return setrlimit(RLIMIT_AS, &limit) == 0;
}

}  // namespace

Confinement confinement_of_run() {
  const char* const variable = std::getenv("MILLRACE_TEST_CONFINEMENT");
  const std::string_view wanted = variable == nullptr ? "" : variable;
  for (const auto& [name, confinement] : kConfinements) {
    if (name == wanted) return confinement;
  }
  CHECK(wanted == "a known confinement");
  return {};
}

bool confine(const Confinement& confinement) {
  if (confinement.io_uring_error != 0 && !refuse_io_uring(confinement.io_uring_error)) return false;
  if (confinement.one_processor && !keep_one_processor()) return false;
  return confinement.address_space_bytes == 0 || limit_address_space(confinement.address_space_bytes);
}

}  // namespace millrace::test
