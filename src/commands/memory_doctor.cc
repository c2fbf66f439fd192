// See memory_doctor.h.
#include "commands/memory_doctor.h"

#include <string_view>

namespace millrace::commands {
namespace {

constexpr uint64_t kUsedMin = 5 * 1024 * 1024;
constexpr int64_t kExcessMin = 10 * 1024 * 1024;
constexpr uint64_t kClientBytesMax = 200 * 1024;

constexpr std::string_view kTooSmall =
    "Hi Sam, this instance is empty or is using very little memory, so there is nothing yet that could be judged. Come "
    "back when it holds some data.\n";
constexpr std::string_view kHealthy =
    "Hi Sam, I can't find any memory issue in your instance. That is as far as the figures tell.\n";
constexpr std::string_view kUnwell = "Sam, I detected a few issues in this Redis instance memory implants:\n\n";

bool exceeds(uint64_t whole, uint64_t part, double ratio_max) {
  return ratio(whole, part) > ratio_max && difference(whole, part) > kExcessMin;
}

struct Complaint {
  bool (*applies)(const MemoryOverview& of, size_t clients);
  std::string_view text;
};

constexpr Complaint kComplaints[] = {
    {[](const MemoryOverview& of, size_t) { return ratio(of.peak, of.report.used) > 1.5; },
     " * Peak memory: at some time more than one and a half times as much was used as now. The allocator may keep what "
     "was freed since, so the process can look larger than its data. MEMORY PURGE gives back what it can.\n\n"},
    {[](const MemoryOverview& of, size_t) { return exceeds(of.report.process_resident, of.report.used, 1.4); },
     " * High total RSS: the process takes over 1.4 times the memory that it uses. The allocator keeps the rest, or "
     "something beside it does; the figures of INFO memory tell which.\n\n"},
    {[](const MemoryOverview& of, size_t) { return exceeds(of.report.active, of.report.used, 1.1); },
     " * High allocator fragmentation: the pages in use are filled to less than nine tenths, as happens when many "
     "values of changing sizes come and go. A restart makes them dense again.\n\n"},
    {[](const MemoryOverview& of, size_t) { return exceeds(of.report.resident, of.report.active, 1.1); },
     " * High allocator RSS overhead: the allocator keeps many pages that nothing is in. It gives them back by and by, "
     "or at once with MEMORY PURGE.\n\n"},
    {[](const MemoryOverview& of, size_t) { return exceeds(of.report.process_resident, of.report.resident, 1.1); },
     " * High process RSS overhead: much of the process's memory is not the allocator's.\n\n"},
    {[](const MemoryOverview& of, size_t clients) { return clients != 0 && of.clients / clients > kClientBytesMax; },
     " * Big client buffers: the clients take over 200 kB each on average. Look for those that read too slowly with "
     "CLIENT LIST (omem, qbuf), and see client-output-buffer-limit and maxmemory-clients.\n\n"},
};

}  // namespace

std::string memory_diagnosis(const MemoryOverview& overview, size_t client_count) {
  if (overview.report.used < kUsedMin) return std::string(kTooSmall);
  std::string complaints;
  for (const Complaint& complaint : kComplaints) {
    if (complaint.applies(overview, client_count)) complaints += complaint.text;
  }
  if (complaints.empty()) return std::string(kHealthy);
  return std::string(kUnwell) + complaints + "I'm here to keep you safe, Sam. I want to help you.\n";
}

}  // namespace millrace::commands
