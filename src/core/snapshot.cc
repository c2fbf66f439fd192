// See snapshot.h.
#include "core/snapshot.h"

#include <cerrno>
#include <utility>

#include "base/check.h"
#include "core/core.h"

namespace millrace::core {
namespace {

using commands::SnapshotKind;
using io::error_text;

constexpr int64_t kSliceNs = 500'000;
constexpr int64_t kShortSliceNs = 100'000;  // while clients are active: there was a command not long ago
constexpr int64_t kRestNs = 100'000;
constexpr int64_t kActiveNs = 20'000'000;
constexpr size_t kBlockBytes = 1024 * 1024;
constexpr int64_t kEarlySyncBytes = 16 * 1024 * 1024;
// Between two looks at the clock.
constexpr size_t kPieceBytes = 32 * 1024;
// Of keys, groups, consumers, producers and slab pages: taken from a partition at once, with the partition held.
constexpr size_t kTakeMax = 1024;
constexpr int64_t kQueuedLookNs = 1'000'000;
constexpr std::string_view kGivenUp = "given up";

}  // namespace

Snapshot::Snapshot(Core& core, io::Disk* disk)
    : core_(core),
      disk_(disk),
      dump_(core.server(), disk),
      base_(core, disk),
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
  return is_leaving_ || (!is_final(kind_) && shared_.give_up.load(std::memory_order_relaxed)) ||
         destination_->is_pointless();
}

// ---- the start

bool Snapshot::start(SnapshotKind kind, Ref<commands::SnapshotWait> wait) {
  if (disk_ == nullptr || is_leaving_ || shared_.holds_writes.load(std::memory_order_relaxed)) return false;
  if (kind == SnapshotKind::kJournal && !base_.is_possible()) return false;
  if (core_.server().loading.is_loading.load(std::memory_order_relaxed)) return false;
  if (is_idle() && claim()) {
    begin({kind, std::move(wait)});
    return true;
  }
  return enqueue({kind, std::move(wait)});
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

// The end of the server does not wait for a SAVE that waits.
bool Snapshot::enqueue(Wish wish) {
  const bool may_wait = is_final(wish.kind) || (wish.kind == SnapshotKind::kForeground && !queued_ &&
                                                core_.server().journal_state.is_rewriting.load());
  if (!may_wait || (queued_ && is_final(queued_->kind))) return false;
  const std::optional<Wish> replaced = std::exchange(queued_, std::move(wish));
  if (replaced) answer(replaced->wait, false, false);
  if (is_final(queued_->kind)) shared_.give_up.store(true, std::memory_order_relaxed);
  if (is_idle()) wait_for_turn();
  return true;
}

void Snapshot::wait_for_turn() {
  step_ = Step::kQueued;
  if (is_final(queued_->kind)) shared_.give_up.store(true, std::memory_order_relaxed);
  core_.timers().arm(*this, core_.now().monotonic_ns + kQueuedLookNs);
}

void Snapshot::begin(Wish wish) {
  kind_ = wish.kind;
  wait_ = std::move(wish.wait);
  destination_ = kind_ == SnapshotKind::kJournal ? static_cast<SnapshotDestination*>(&base_) : &dump_;
  const Instant now = core_.now();
  shared_.give_up.store(false, std::memory_order_relaxed);
  shared_.is_background.store(kind_ == SnapshotKind::kBackground, std::memory_order_relaxed);
  shared_.started_monotonic_ns.store(now.monotonic_ns, std::memory_order_relaxed);
  shared_.preserved_bytes_peak.store(0, std::memory_order_relaxed);
  shared_.keys_done.store(0, std::memory_order_relaxed);
  shared_.keys_total.store(0, std::memory_order_relaxed);
  next_partition_ = 0;
  next_item_ = 0;
  is_in_item_ = is_encoded_ = is_file_busy_ = is_syncing_early_ = false;
  offset_ = early_synced_ = 0;
  bytes_ = 0;
  failure_.clear();
  destination_->begin(kind_, now);
  if (kind_ != SnapshotKind::kJournal) take_cut();
  start_task(Step::kPreparing);
}

// REQUIRES: all partitions are held.
void Snapshot::take_cut() {
  if (SnapshotDestination::Problem problem = destination_->cut()) {
    failure_ = *std::move(problem);
    return;
  }
  Instant moment = core_.now();
  moment_s_ = moment.unix_ms / 1000;
  // In the journal a key expires by an effect of its own, which is to come; others may still refer to the key.
  if (kind_ == SnapshotKind::kJournal) moment.unix_ms = 0;
  cut_.start(moment);
  if (is_final(kind_)) shared_.holds_writes.store(true, std::memory_order_relaxed);
  uint64_t keys = 0;
  for (const keyspace::Cut::Counts& counts : cut_.counts()) keys += counts.keys;
  shared_.keys_total.store(keys, std::memory_order_relaxed);
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
  if (shared_.is_going.load(std::memory_order_relaxed)) return wait_for_turn();
  locks_.hold_all();
  if (claim()) {
    step_ = Step::kIdle;
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
  encoder_->begin(moment_s_, kind_ == SnapshotKind::kJournal);
}

bool Snapshot::has_active_clients(int64_t now_ns) {
  const uint64_t commands = core_.statistics().commands_processed.get();
  if (commands != commands_seen_) clients_rest_at_ns_ = now_ns + kActiveNs;
  commands_seen_ = commands;
  return now_ns < clients_rest_at_ns_;
}

void Snapshot::write_slice() {
  if (must_give_up()) {
    if (!is_file_busy_) fail(kGivenUp);
    return;
  }
  const int64_t began_ns = core_.read_stopwatch();
  int64_t now_ns = core_.backend().now().monotonic_ns;
  const bool is_active = !is_final(kind_) && has_active_clients(now_ns);  // who writes waits for a final one
  const int64_t end_ns = now_ns + (is_active ? kShortSliceNs : kSliceNs);
  while (!is_encoded_ && encoder_->pending_bytes() < kBlockBytes) {
    if (!encode_some()) end_encoding();
    now_ns = core_.backend().now().monotonic_ns;
    if (now_ns >= end_ns) break;
  }
  core_.note_latency("snapshot-slice", began_ns);
  const bool block_is_full = is_encoded_ || encoder_->pending_bytes() >= kBlockBytes;
  if (block_is_full && !is_file_busy_) write_block();
  // Else the end of the write that is in flight goes on here.
  if (!is_encoded_ && encoder_->pending_bytes() < kBlockBytes)
    core_.timers().arm(*this, now_ns + (is_active ? kRestNs : 0));
}

// False if there is nothing left to encode.
bool Snapshot::encode_some() {
  if (next_item_ == items_.size()) {
    if (next_partition_ == core_.server().keyspace.partition_count()) return false;
    take_items();
    return true;
  }
  keyspace::CutItem& item = items_[next_item_];
  if (!is_in_item_) encoder_->add(item.database, item.key, item.expire_at_ms, item.value);
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
  write(encoder_->take(), offset_);
}

void Snapshot::write(std::string_view bytes, int64_t offset) {
  block_ = bytes;
  offset_ = offset;
  is_file_busy_ = true;
  core_.backend().write_file(file_, destination_->fd(), block_, offset_);
}

void Snapshot::sync() {
  step_ = Step::kSyncing;
  is_file_busy_ = true;
  core_.backend().sync_file(file_, destination_->fd());
}

void Snapshot::file_done(int64_t result) {
  core_.awake();
  is_file_busy_ = false;
  if (!failure_.empty()) return fail(failure_);
  if (step_ != Step::kSyncing) return block_written(result == 0 ? -EIO : result);
  if (result < 0) return fail("could not sync " + destination_->temporary_path() + ": " + error_text(result));
  start_task(Step::kPublishing);
}

void Snapshot::block_written(int64_t result) {
  if (result < 0) return fail("could not write " + destination_->temporary_path() + ": " + error_text(result));
  if (must_give_up()) return fail(kGivenUp);
  const int64_t behind = offset_ + result;
  if (step_ == Step::kWriting) bytes_ += static_cast<uint64_t>(result);
  block_.remove_prefix(static_cast<size_t>(result));
  if (!block_.empty()) return write(block_, behind);
  offset_ = behind;
  if (step_ == Step::kWriting && (!is_encoded_ || encoder_->pending_bytes() > 0)) {
    sync_early();
    return core_.timers().arm(*this, core_.now().monotonic_ns);
  }
  if (step_ == Step::kHeader || header_.empty()) return sync();
  step_ = Step::kHeader;
  write(header_, 0);
}

void Snapshot::sync_early() {
  if (is_syncing_early_ || offset_ - early_synced_ < kEarlySyncBytes) return;
  is_syncing_early_ = true;
  early_synced_ = offset_;
  core_.backend().sync_file(early_sync_, destination_->fd());
}

// A failure is taken up at once, or by whatever else is in flight when it ends.
void Snapshot::early_sync_done(int64_t result) {
  core_.awake();
  is_syncing_early_ = false;
  const bool closes = step_ == Step::kPublishing || step_ == Step::kDiscarding;
  if (result < 0 && step_ != Step::kDiscarding) {
    failure_ = "could not sync " + destination_->temporary_path() + ": " + error_text(result);
    if (!is_file_busy_) fail(failure_);
    return;
  }
  if (closes) core_.backend().run_elsewhere(task_);
}

// ---- on a helper thread

// What closes the file waits for a sync that is going on.
void Snapshot::start_task(Step step) {
  step_ = step;
  if (!is_syncing_early_) core_.backend().run_elsewhere(task_);
}

void Snapshot::run_task() {
  if (step_ == Step::kDiscarding) return destination_->discard();
  SnapshotDestination::Problem problem = step_ == Step::kPreparing ? destination_->prepare() : destination_->publish();
  if (problem && failure_.empty()) failure_ = *std::move(problem);
}

void Snapshot::task_done() {
  core_.awake();
  if (step_ == Step::kDiscarding) return finish(false);
  if (step_ == Step::kPreparing && !cut_.is_going()) prepared();
  if (!failure_.empty()) return fail(failure_);
  if (step_ == Step::kPublishing) return finish(true);
  if (must_give_up()) return fail(kGivenUp);
  begin_encoding();
  step_ = Step::kWriting;
  core_.timers().arm(*this, core_.now().monotonic_ns);
}

// The cut of a snapshot that had to be prepared first.
void Snapshot::prepared() {
  locks_.hold_all();
  if (failure_.empty() && !must_give_up()) {
    take_cut();
  } else {
    destination_->keep();
  }
  locks_.release();
}

// ---- the end

void Snapshot::fail(std::string_view why) {
  if (failure_ != why) failure_ = why;
  core_.timers().disarm(*this);
  if (kind_ == SnapshotKind::kJournal) {
    locks_.hold_all();
    destination_->withdraw();
    locks_.release();
  }
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
  answer(std::exchange(wait_, nullptr), is_final(kind_) && succeeded, succeeded);
  if (ends_server && !is_leaving_) return core_.shut_down();
  if (queued_) wait_for_turn();
}

void Snapshot::note_end(bool succeeded) {
  const Instant now = core_.now();
  destination_->end({.kind = kind_,
                     .succeeded = succeeded,
                     .was_given_up = failure_ == kGivenUp,
                     .failure = failure_,
                     .keys = shared_.keys_done.load(std::memory_order_relaxed),
                     .bytes = bytes_,
                     .ns = now.monotonic_ns - shared_.started_monotonic_ns.load(std::memory_order_relaxed),
                     .ended = now});
}

// Whoever ends the server gets no reply, its connection ends.
void Snapshot::answer(Ref<commands::SnapshotWait> wait, bool ends_server, bool succeeded) {
  if (!wait || !wait->claim()) return;
  if (!wait->is_mute() && !ends_server) {
    Buffer bytes;
    resp::ReplyWriter reply(bytes, wait->protocol());
    wait->write_outcome(succeeded, reply);
    core_.deliver(wait->client(), bytes.view(), 0);
  }
  core_.resume(wait->client());
}

}  // namespace millrace::core
