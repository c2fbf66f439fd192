// See load_progress.h.
#include "core/load_progress.h"

#include <algorithm>
#include <cstdio>

namespace millrace::core {
namespace {

constexpr size_t kBlockBytes = 256 * 1024;
constexpr int64_t kReportNs = 2'000'000'000;
constexpr double kMegabyte = 1024 * 1024;
constexpr double kNsPerSecond = 1e9;

double megabytes_per_second(uint64_t bytes, int64_t ns) {
  return static_cast<double>(bytes) / kMegabyte * kNsPerSecond / static_cast<double>(std::max<int64_t>(ns, 1));
}

}  // namespace

LoadProgress::LoadProgress(const LoadEnvironment& environment)
    : environment_(environment),
      started_(environment.read_clock()),
      began_ns_(started_.monotonic_ns),
      reported_ns_(started_.monotonic_ns) {
  commands::LoadingState& state = environment_.server.loading;
  state.started_unix_s.store(started_.unix_ms / 1000, std::memory_order_relaxed);
  state.started_monotonic_ns.store(started_.monotonic_ns, std::memory_order_relaxed);
}

void LoadProgress::begin(std::string_view verb, uint64_t total_bytes) {
  verb_ = verb;
  total_bytes_ = total_bytes;
  bytes_ = 0;
  began_ns_ = environment_.read_clock().monotonic_ns;
  environment_.server.loading.total_bytes.store(total_bytes, std::memory_order_relaxed);
  environment_.server.loading.loaded_bytes.store(0, std::memory_order_relaxed);
}

bool LoadProgress::advance(uint64_t bytes) {
  bytes_ += bytes;
  environment_.server.loading.loaded_bytes.store(bytes_, std::memory_order_relaxed);
  const int64_t now_ns = environment_.read_clock().monotonic_ns;
  if (now_ns - reported_ns_ >= kReportNs) report(now_ns);
  return !environment_.must_stop || !environment_.must_stop();
}

// "12 keys, 345 commands"
std::string LoadProgress::done() const {
  const std::string text = std::to_string(keys) + " keys";
  return commands == 0 ? text : text + ", " + std::to_string(commands) + " commands";
}

void LoadProgress::report(int64_t now_ns) {
  reported_ns_ = now_ns;
  const double share = static_cast<double>(bytes_) / static_cast<double>(std::max<uint64_t>(total_bytes_, 1));
  char text[96];
  std::snprintf(text, sizeof text, ": %.0f%%, %s, %.0f MB/s", std::min(100.0 * share, 100.0), done().c_str(),
                megabytes_per_second(bytes_, now_ns - began_ns_));
  environment_.server.log.notice(std::string(verb_) + text);
}

std::string LoadProgress::summary() const {
  const int64_t ns = environment_.read_clock().monotonic_ns - began_ns_;
  char text[128];
  std::snprintf(text, sizeof text, ", %.1f MB in %.3f s (%.0f MB/s)", static_cast<double>(bytes_) / kMegabyte,
                static_cast<double>(ns) / kNsPerSecond, megabytes_per_second(bytes_, ns));
  return done() + text;
}

LoadSource::LoadSource(const LoadEnvironment& environment, int fd, uint64_t begin, LoadProgress& progress)
    : progress_(progress),
      blocks_(environment.disk, fd, begin, kBlockBytes, environment.reads_ahead, environment.prepare_memory) {}

std::string_view LoadSource::next_block() {
  if (is_stopped_) return {};
  const std::string_view block = blocks_.next();
  if (!block.empty()) is_stopped_ = !progress_.advance(block.size());
  return is_stopped_ ? std::string_view() : block;
}

std::string LoadSource::error() const {
  if (blocks_.error() != 0) return "reading failed: " + io::error_text(blocks_.error());
  return is_stopped_ ? "the server is to end" : "";
}

}  // namespace millrace::core
