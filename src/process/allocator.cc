// See allocator.h. One of: jemalloc, the allocator of a sanitizer, that of the C library.
#include "process/allocator.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstddef>
#include <string_view>

#if MILLRACE_JEMALLOC
#include <jemalloc/jemalloc.h>

// Most nodes of streams take 4096 bytes, which jemalloc would otherwise get page by page, at some 0.7 us each. Eight
// at a time, as it has it for the sizes around, that is 0.1 us.
#define MILLRACE_SLABS "slab_sizes:4096-4096:8"
__attribute__((used, visibility("default"))) const char* malloc_conf = MILLRACE_SLABS;

namespace {

// Addresses that are not in use any more are kept, and asked for in larger and larger pieces, which a limit (ulimit -v)
// does not leave room for: there they are given back. jemalloc reads its options when something is allocated for the
// first time, so this has to come before the constructors of libraries.
void choose_options(int, char**, char**) {
  rlimit addresses{};
  if (getrlimit(RLIMIT_AS, &addresses) != 0 || addresses.rlim_cur == RLIM_INFINITY) return;
  malloc_conf = MILLRACE_SLABS ",retain:false,narenas:1";
}
__attribute__((used, section(".preinit_array"))) void (*const preinit)(int, char**, char**) = choose_options;

}  // namespace
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
extern "C" {  // not every compiler comes with the header
size_t __sanitizer_get_current_allocated_bytes();
size_t __sanitizer_get_heap_size();
}
#else
#include <malloc.h>
#endif

namespace millrace::process {

#if MILLRACE_JEMALLOC
namespace {

// More takes longer than loading what fits into it; less is used up before the next time. And of a free piece of more
// than 64 times what it needs the allocator takes nothing, so as not to break it up.
constexpr size_t kPreparedBytes = 512 * 1024;

uint64_t figure(const char* name) {
  size_t value = 0;
  size_t size = sizeof value;
  return mallctl(name, &value, &size, nullptr, 0) == 0 ? value : 0;
}

// jemalloc refreshes its figures only when the epoch moves.
void refresh_figures() {
  uint64_t epoch = 1;
  size_t size = sizeof epoch;
  mallctl("epoch", &epoch, &size, &epoch, size);
}

// As the program sees it: what its threads keep ready for it in their caches is not in use. REQUIRES: fresh figures.
uint64_t in_use() {
  static const std::string kCached = "stats.arenas." + std::to_string(MALLCTL_ARENAS_ALL) + ".tcache_bytes";
  return figure("stats.allocated") - figure(kCached.c_str());
}

const uint64_t* thread_counter(const char* name) {
  uint64_t* counter = nullptr;
  size_t size = sizeof counter;
  return mallctl(name, &counter, &size, nullptr, 0) == 0 ? counter : nullptr;
}

void append_text(void* text, const char* piece) {
  *static_cast<std::string*>(text) += piece;
}

}  // namespace

void report_allocator(commands::MemoryReport& report) {
  refresh_figures();
  report.allocator = "jemalloc-" + std::to_string(JEMALLOC_VERSION_MAJOR) + "." +
                     std::to_string(JEMALLOC_VERSION_MINOR) + "." + std::to_string(JEMALLOC_VERSION_BUGFIX);
  report.used = in_use();
  report.active = figure("stats.active");
  report.resident = figure("stats.resident");
}

uint64_t used_memory() {
  refresh_figures();
  return in_use();
}

commands::ThreadMemory thread_memory() {
  const uint64_t* const taken = thread_counter("thread.allocatedp");
  const uint64_t* const given_back = thread_counter("thread.deallocatedp");
  if (taken == nullptr || given_back == nullptr) return {};
  return {.taken = taken, .given_back = given_back};
}

bool purge_memory() {
  const std::string name = "arena." + std::to_string(MALLCTL_ARENAS_ALL) + ".purge";
  return mallctl(name.c_str(), nullptr, nullptr, nullptr, 0) == 0;
}

std::function<void()> memory_preparation() {
  unsigned arena = 0;
  size_t size = sizeof arena;
  if (mallctl("thread.arena", &arena, &size, nullptr, 0) != 0) return {};
  const auto page_bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const int where = static_cast<int>(MALLOCX_ARENA(arena)) | MALLOCX_TCACHE_NONE;
  return [where, pages = where | MALLOCX_ALIGN(page_bytes)] {
    void* const memory = mallocx(kPreparedBytes, pages);
    if (memory == nullptr) return;
    madvise(memory, kPreparedBytes, MADV_POPULATE_WRITE);  // a system that cannot does it page by page, as before
    dallocx(memory, where);
  };
}

std::string allocator_statistics() {
  std::string text;
  malloc_stats_print(append_text, &text, nullptr);
  return text;
}

#else
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::string_view kName = "sanitizer";
uint64_t taken_bytes() {
  return __sanitizer_get_current_allocated_bytes();
}
uint64_t kept_bytes() {
  return __sanitizer_get_heap_size();
}
#else
constexpr std::string_view kName = "libc";
uint64_t taken_bytes() {
  const struct mallinfo2 figures = mallinfo2();
  return figures.uordblks + figures.hblkhd;
}
uint64_t kept_bytes() {
  const struct mallinfo2 figures = mallinfo2();
  return figures.arena + figures.hblkhd;
}
#endif

}  // namespace

void report_allocator(commands::MemoryReport& report) {
  report.allocator = kName;
  report.used = taken_bytes();
  report.active = kept_bytes();
  report.resident = report.active;
}

uint64_t used_memory() {
  return taken_bytes();
}

commands::ThreadMemory thread_memory() {
  return {};
}

bool purge_memory() {
  return true;
}

std::function<void()> memory_preparation() {
  return {};
}

std::string allocator_statistics() {
  return {};
}
#endif

}  // namespace millrace::process
