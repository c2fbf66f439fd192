// See snapshot.h.
#include "core/snapshot.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "base/check.h"
#include "commands/info_sections.h"
#include "core/core.h"

namespace millrace::core {
namespace {

using commands::SnapshotKind;
using io::error_text;

constexpr int64_t kSliceNs = 500'000;
constexpr size_t kBlockBytes = 1024 * 1024;
// Between two looks at the clock.
constexpr size_t kPieceBytes = 32 * 1024;
// Of nodes and pending entries, taken from a partition at once, with the partition held.
constexpr size_t kTakeMax = 1024;
constexpr int64_t kQueuedLookNs = 1'000'000;
constexpr int64_t kNsPerSecond = 1'000'000'000;

}  // namespace

Snapshot::Snapshot(Core& core, io::Disk* disk)
    : core_(core),
      disk_(disk),
      shared_(core.server().snapshots),
      locks_(core.server().keyspace),
      cut_(core.server().keyspace) {}

Snapshot::~Snapshot() {
  CHECK(is_idle());
}

bool Snapshot::is_final(SnapshotKind kind) {
  return kind == SnapshotKind::kFinal || kind == SnapshotKind::kFinalForced;
}

bool Snapshot::must_give_up() const {
  return is_leaving_ || (!is_final(kind_) && shared_.give_up.load(std::memory_order_relaxed));
}

// ---- the start

bool Snapshot::start(SnapshotKind kind, Ref<commands::SnapshotWait> wait) {
  if (disk_ == nullptr || is_leaving_ || queued_ || shared_.holds_writes.load(std::memory_order_relaxed)) return false;
  if (is_idle() && claim()) {
    begin({kind, std::move(wait)});
    return true;
  }
  if (!is_final(kind)) return false;
  queued_ = Wish{kind, std::move(wait)};
  shared_.give_up.store(true, std::memory_order_relaxed);
  if (is_idle()) wait_for_turn();
  return true;
}

bool Snapshot::start(SnapshotKind kind) {
  locks_.hold_all();
  const bool started = start(kind, nullptr);
  locks_.release();
  return started;
}

bool Snapshot::claim() {
  return !shared_.is_going.exchange(true, std::memory_order_acq_rel);
}

void Snapshot::wait_for_turn() {
  step_ = Step::kQueued;
  shared_.give_up.store(true, std::memory_order_relaxed);
  core_.timers().arm(*this, core_.now().monotonic_ns + kQueuedLookNs);
}

void Snapshot::begin(Wish wish) {
  kind_ = wish.kind;
  wait_ = std::move(wish.wait);
  commands::Server& server = core_.server();
  const Instant now = core_.now();
  cut_.start(now);
  if (is_final(kind_)) shared_.holds_writes.store(true, std::memory_order_relaxed);
  shared_.give_up.store(false, std::memory_order_relaxed);
  shared_.is_background.store(kind_ == SnapshotKind::kBackground, std::memory_order_relaxed);
  shared_.started_monotonic_ns.store(now.monotonic_ns, std::memory_order_relaxed);
  shared_.last_try_s.store(now.unix_ms / 1000, std::memory_order_relaxed);
  shared_.preserved_bytes_peak.store(0, std::memory_order_relaxed);
  shared_.keys_done.store(0, std::memory_order_relaxed);
  uint64_t keys = 0;
  for (const keyspace::Cut::Counts& counts : cut_.counts()) keys += counts.keys;
  shared_.keys_total.store(keys, std::memory_order_relaxed);
  changes_ = commands::total_of(server, &commands::CoreStatistics::changes);

  path_ = server.settings.snapshot_path();
  temporary_path_ = io::directory_of(path_) + "/temp-" + std::to_string(server.facts.process_id) + ".rdb";
  next_partition_ = 0;
  next_item_ = 0;
  is_in_item_ = is_encoded_ = is_writing_ = false;
  offset_ = 0;
  bytes_ = 0;
  failure_.clear();
  if (kind_ == SnapshotKind::kBackground) core_.log().notice("Background saving started");
  start_task(Step::kOpening);
}

void Snapshot::give_up() {
  is_leaving_ = true;
  queued_.reset();
  if (step_ != Step::kQueued) return;
  core_.timers().disarm(*this);
  step_ = Step::kIdle;
}

void Snapshot::expired() {
  if (step_ == Step::kWriting) return write_slice();
  CHECK(step_ == Step::kQueued);
  locks_.hold_all();
  if (claim()) {
    begin(*std::exchange(queued_, std::nullopt));
  } else {
    wait_for_turn();
  }
  locks_.release();
}

// ---- writing

// Not before the partitions are let go: what the file says about the server takes a while to measure.
void Snapshot::begin_encoding() {
  encoder_.emplace(core_.server(), std::vector<keyspace::Cut::Counts>(cut_.counts().begin(), cut_.counts().end()));
  encoder_->begin(cut_.moment_ms() / 1000);
}

void Snapshot::write_slice() {
  if (must_give_up()) {
    if (!is_writing_) fail("given up");
    return;
  }
  const int64_t end_ns = core_.backend().now().monotonic_ns + kSliceNs;
  while (!is_encoded_ && encoder_->pending_bytes() < kBlockBytes) {
    if (!encode_some()) end_encoding();
    if (core_.backend().now().monotonic_ns >= end_ns) break;
  }
  const bool block_is_full = is_encoded_ || encoder_->pending_bytes() >= kBlockBytes;
  if (block_is_full && !is_writing_) write_block();
  // Else the end of the write that is in flight goes on here.
  if (!is_encoded_ && encoder_->pending_bytes() < kBlockBytes) core_.timers().arm(*this, core_.now().monotonic_ns);
}

// False if there is nothing left to encode.
bool Snapshot::encode_some() {
  if (next_item_ == items_.size()) {
    if (next_partition_ == core_.server().keyspace.partition_count()) return false;
    take_items();
    return true;
  }
  keyspace::CutItem& item = items_[next_item_];
  if (!is_in_item_) encoder_->add(item.database, item.key, item.expire_at_ms, *item.value.stream());
  is_in_item_ = !encoder_->advance(kPieceBytes);
  if (is_in_item_) return true;
  ++next_item_;
  shared_.keys_done.fetch_add(1, std::memory_order_relaxed);
  return true;
}

void Snapshot::take_items() {
  items_.clear();
  next_item_ = 0;
  const uint64_t preserved = cut_.preserved_bytes();
  if (preserved > shared_.preserved_bytes_peak.load(std::memory_order_relaxed)) {
    shared_.preserved_bytes_peak.store(preserved, std::memory_order_relaxed);
  }
  locks_.hold_one(next_partition_);
  if (cut_.take(next_partition_, kTakeMax, items_)) ++next_partition_;
  locks_.release();
}

void Snapshot::end_encoding() {
  encoder_->end();
  is_encoded_ = true;
  header_ = encoder_->header_to_correct();
  cut_.finish(locks_);
}

void Snapshot::write_block() {
  block_ = encoder_->take();
  is_writing_ = true;
  core_.backend().write_file(file_, fd_, block_, offset_);
}

void Snapshot::file_done(int64_t result) {
  core_.awake();
  if (step_ == Step::kSyncing) {
    return result < 0 ? fail("could not sync " + temporary_path_ + ": " + error_text(result))
                      : start_task(Step::kPublishing);
  }
  block_written(result == 0 ? -EIO : result);
}

void Snapshot::block_written(int64_t result) {
  is_writing_ = false;
  if (result < 0) return fail("could not write " + temporary_path_ + ": " + error_text(result));
  if (must_give_up()) return fail("given up");
  offset_ += result;
  if (step_ == Step::kWriting) bytes_ += static_cast<uint64_t>(result);
  block_.remove_prefix(static_cast<size_t>(result));
  if (!block_.empty()) {
    is_writing_ = true;
    return core_.backend().write_file(file_, fd_, block_, offset_);
  }
  if (step_ == Step::kWriting && (!is_encoded_ || encoder_->pending_bytes() > 0)) {
    return core_.timers().arm(*this, core_.now().monotonic_ns);
  }
  if (step_ == Step::kWriting && !header_.empty()) {
    step_ = Step::kHeader;
    block_ = header_;
    offset_ = 0;
    is_writing_ = true;
    return core_.backend().write_file(file_, fd_, block_, offset_);
  }
  step_ = Step::kSyncing;
  core_.backend().sync_file(file_, fd_);
}

// ---- on a helper thread

void Snapshot::start_task(Step step) {
  step_ = step;
  core_.backend().run_elsewhere(task_);
}

void Snapshot::run_task() {
  if (step_ == Step::kOpening) return open_file();
  if (step_ == Step::kPublishing) return publish();
  discard();
}

void Snapshot::open_file() {
  fd_ = disk_->open(temporary_path_, io::OpenMode::kCreateEmpty);
  if (fd_ < 0) failure_ = "could not open " + temporary_path_ + ": " + error_text(fd_);
}

void Snapshot::publish() {
  const int closed = disk_->close(std::exchange(fd_, -1));
  if (closed < 0) {
    failure_ = "could not close " + temporary_path_ + ": " + error_text(closed);
    return;
  }
  if (const int renamed = disk_->rename(temporary_path_, path_); renamed < 0) {
    failure_ = "could not rename " + temporary_path_ + " to " + path_ + ": " + error_text(renamed);
    return;
  }
  if (const int synced = disk_->sync_directory(io::directory_of(path_)); synced < 0) {
    failure_ = "could not sync the directory of " + path_ + ": " + error_text(synced);
  }
}

void Snapshot::discard() {
  if (fd_ >= 0) disk_->close(std::exchange(fd_, -1));
  disk_->remove(temporary_path_);
}

void Snapshot::task_done() {
  core_.awake();
  if (step_ == Step::kDiscarding) return finish(false);
  if (!failure_.empty()) return fail(failure_);
  if (step_ == Step::kPublishing) return finish(true);
  if (must_give_up()) return fail("given up");
  begin_encoding();
  step_ = Step::kWriting;
  core_.timers().arm(*this, core_.now().monotonic_ns);
}

// ---- the end

void Snapshot::fail(std::string why) {
  failure_ = std::move(why);
  core_.timers().disarm(*this);
  start_task(Step::kDiscarding);
}

void Snapshot::finish(bool succeeded) {
  if (cut_.is_going()) cut_.finish(locks_);
  items_.clear();
  items_.shrink_to_fit();
  encoder_.reset();
  step_ = Step::kIdle;
  note_end(succeeded);
  const bool ends_server = is_final(kind_) && (succeeded || kind_ == SnapshotKind::kFinalForced);
  if (!ends_server) shared_.holds_writes.store(false, std::memory_order_relaxed);
  shared_.is_going.store(false, std::memory_order_release);
  answer(succeeded);
  if (ends_server && !is_leaving_) return core_.shut_down();
  if (queued_) wait_for_turn();
}

void Snapshot::note_end(bool succeeded) {
  const Instant now = core_.now();
  const int64_t ns = now.monotonic_ns - shared_.started_monotonic_ns.load(std::memory_order_relaxed);
  if (kind_ == SnapshotKind::kBackground) {
    shared_.last_background_s.store(ns / kNsPerSecond, std::memory_order_relaxed);
    shared_.preserved_bytes_last.store(shared_.preserved_bytes_peak.load(std::memory_order_relaxed),
                                       std::memory_order_relaxed);
  }
  if (succeeded) {
    shared_.last_failed.store(false, std::memory_order_relaxed);
    shared_.last_save_s.store(now.unix_ms / 1000, std::memory_order_relaxed);
    shared_.saves.fetch_add(1, std::memory_order_relaxed);
    shared_.changes_saved.store(changes_, std::memory_order_relaxed);
  } else if (kind_ == SnapshotKind::kBackground && !must_give_up()) {
    shared_.last_failed.store(true, std::memory_order_relaxed);
  }
  commands::update_refusal(core_.server());
  say_end(succeeded, ns);
}

void Snapshot::say_end(bool succeeded, int64_t ns) {
  if (!succeeded) {
    core_.log().warning("Snapshot failed: " + failure_);
    if (kind_ == SnapshotKind::kFinal) core_.log().warning("The keys could not be saved, so the server stays.");
    return;
  }
  char text[128];
  const double seconds = std::max(static_cast<double>(ns) / kNsPerSecond, 1e-9);
  const double megabytes = static_cast<double>(bytes_) / (1024 * 1024);
  std::snprintf(text, sizeof text, "Snapshot saved: %llu keys, %.1f MB in %.3f s (%.0f MB/s)",
                static_cast<unsigned long long>(shared_.keys_done.load(std::memory_order_relaxed)), megabytes, seconds,
                megabytes / seconds);
  core_.log().notice(text);
}

// Whoever ends the server gets no reply, its connection ends.
void Snapshot::answer(bool succeeded) {
  const Ref<commands::SnapshotWait> wait = std::exchange(wait_, nullptr);
  if (!wait || !wait->claim()) return;
  if (!wait->is_mute() && !(is_final(kind_) && succeeded)) {
    Buffer bytes;
    resp::ReplyWriter reply(bytes, wait->protocol());
    wait->write_outcome(succeeded, reply);
    core_.deliver(wait->client(), bytes.view(), 0);
  }
  core_.resume(wait->client());
}

}  // namespace millrace::core
