// See journal.h.
#include "core/journal.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/check.h"
#include "core/connection.h"
#include "core/core.h"
#include "persistence/journal_format.h"

namespace millrace::core {
namespace {

using settings::AppendFsync;

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kSyncEveryNs = kSecondNs;
constexpr int64_t kLateNs = 2 * kSecondNs;
constexpr int64_t kRetryNs = kSecondNs;
// What is larger, or was this slow, is no matter of microseconds. Slow writes in a row put the next try off for longer.
constexpr size_t kAtOnceBytesMax = 64 * 1024;
constexpr int64_t kSlowNs = 2'000'000;
constexpr int64_t kPutOffNsMin = 10 * kSecondNs;
constexpr int64_t kPutOffNsMax = 600 * kSecondNs;
// The next sync waits for company as long as the last one took, at most so long.
constexpr int64_t kGatheringNsMax = 1'000'000;
// Buffers beyond this are given back after use.
constexpr size_t kKeptBytesMax = 1024 * 1024;

void append_select(Buffer& out, int database) {
  const std::string number = std::to_string(database);
  out.append("*2\r\n$6\r\nSELECT\r\n$" + std::to_string(number.size()) + "\r\n" + number + "\r\n");
}

}  // namespace

Journal::Journal(commands::Server& server, io::Disk& disk)
    : server_(server), state_(server.journal_state), disk_(disk) {}

Journal::~Journal() {
  CHECK(!write_.is_in_flight() && !sync_.is_in_flight() && closing_.core == nullptr);
}

// ---- files

void Journal::add_segment(JournalFile file) {
  segments_.push_back({.file = std::move(file)});
  database_ = kNoDatabase;
  needs_look_.store(true, std::memory_order_relaxed);
}

void Journal::open(JournalFile file) {
  MutexLock lock(mutex_);
  CHECK(!is_on());
  add_segment(std::move(file));
  turn(true);
}

void Journal::switch_to(JournalFile file) {
  MutexLock lock(mutex_);
  CHECK(is_on());
  segments_.back().end = appended_;
  segments_.back().is_ended = true;
  add_segment(std::move(file));
}

void Journal::end() {
  MutexLock lock(mutex_);
  CHECK(is_on());
  turn(false);
  segments_.back().end = appended_;
  segments_.back().is_ended = true;
  if (write_error_ != 0 || segments_.front().sync_error != 0) drop_through(appended_);
  needs_look_.store(true, std::memory_order_relaxed);
}

void Journal::healed(Core& core, uint64_t offset) {
  std::vector<std::string> news;
  {
    MutexLock lock(mutex_);
    drop_through(offset);
    conclude(core, core.now().monotonic_ns, news);
  }
  tell_log(news);
}

void Journal::drop_through(uint64_t offset) {
  for (Segment& segment : segments_) {
    if (!segment.is_ended || segment.end > offset || segment.is_dropped) continue;
    segment.is_dropped = true;
    if (&segment == &segments_.front()) write_error_ = 0;
    written_ = std::max(written_, segment.end);
    synced_.store(std::max(synced(), segment.end), std::memory_order_release);
  }
  needs_look_.store(true, std::memory_order_relaxed);
}

bool Journal::is_drained(const Segment& segment) const {
  return segment.is_ended && segment.pending.empty() && !has_block_;
}

bool Journal::wants_fence(const Segment& segment) const {
  return is_drained(segment) && !segment.has_fence && segment.file.synced == segment.file.bytes;
}

bool Journal::is_finished(const Segment& segment) const {
  if (segment.is_dropped) return !write_.is_in_flight() && !sync_.is_in_flight();
  return is_drained(segment) && segment.has_fence && segment.file.synced == segment.file.bytes;
}

void Journal::retire_segments() {
  while (!segments_.empty() && is_finished(segments_.front())) {
    to_close_.push_back(segments_.front().file.fd);
    segments_.pop_front();
    block_.clear();
    has_block_ = false;
  }
}

void Journal::Closing::run() {
  for (const int fd : fds) journal_.disk_.close(fd);
}

void Journal::Closing::done() {
  core->awake();
  fds.clear();
  MutexLock lock(journal_.mutex_);
  core = nullptr;
  journal_.needs_look_.store(true, std::memory_order_relaxed);
}

bool Journal::begin_closing(Core& core) {
  if (to_close_.empty() || closing_.core != nullptr) return false;
  closing_.fds.swap(to_close_);
  closing_.core = &core;
  return true;
}

// ---- appending

uint64_t Journal::append(std::string_view commands, int first_database, int last_database) {
  MutexLock lock(mutex_);
  CHECK(is_on() && !commands.empty());
  Buffer& pending = segments_.back().pending;
  const size_t before = pending.size();
  if (database_ != first_database) append_select(pending, first_database);
  database_ = last_database;
  pending.append(commands);
  ++appends_;
  appended_ += pending.size() - before;
  state_.appended_offset.store(appended_, std::memory_order_relaxed);
  state_.buffered_bytes.store(appended_ - written_, std::memory_order_relaxed);
  needs_look_.store(true, std::memory_order_relaxed);
  return appended_;
}

uint64_t Journal::appended() const {
  MutexLock lock(mutex_);
  return appended_;
}

// ---- a core's turn

// What is appended is seen by the core that did so at the latest, and what ended by the core on which it ended: nothing
// is left lying while all cores sleep. A block that is written at once is followed by another look, for its sync and
// for what others appended meanwhile, who saw that somebody writes and may sleep by now: the second such look is the
// next turn's.
void Journal::flush(Core& core) {
  bool has_written = true;
  for (int looks = 0; looks < 2 && has_written; ++looks) {
    if (!needs_look_.load(std::memory_order_relaxed)) return;
    has_written = look(core);
  }
  if (has_written) core.turn_at(core.now().monotonic_ns);
}

void Journal::look_after(Core& core) {
  look(core);
  server_.sync_waits.answer(core, server_);
}

// True if a block was written at once.
bool Journal::look(Core& core) {
  const int64_t now_ns = core.now().monotonic_ns;
  std::vector<std::string> news;
  bool writes = false;
  bool syncs = false;
  bool closes = false;
  bool at_once = false;
  int fd = -1;
  int64_t offset = 0;
  {
    MutexLock lock(mutex_);
    needs_look_.store(false, std::memory_order_relaxed);
    retire_segments();
    closes = begin_closing(core);
    if (!segments_.empty()) {
      writes = begin_block(core, now_ns);
      at_once = writes && may_write_at_once(now_ns);
      syncs = begin_sync(core, now_ns);
      fd = segments_.front().file.fd;
      offset = static_cast<int64_t>(segments_.front().file.bytes + block_written_bytes_);
    }
    conclude(core, now_ns, news);
    if (is_gathering(now_ns)) {
      needs_look_.store(true, std::memory_order_relaxed);
      core.turn_at(gathers_until_ns_);
    }
  }
  if (writes) write_block(core, fd, offset, at_once);
  if (syncs) start_sync(core, fd);
  if (closes) core.backend().run_elsewhere(closing_);
  tell_log(news);
  return at_once;
}

void Journal::write_block(Core& core, int fd, int64_t offset, bool at_once) {
  if (is_raw_) encode_block(core.now().unix_ms / 1000);
  const std::string_view bytes = block_.view().substr(block_written_bytes_);
  if (!at_once || bytes.size() > kAtOnceBytesMax) return core.backend().write_file(write_, fd, bytes, offset);
  const int64_t began_ns = core.read_stopwatch();
  const int64_t result = disk_.write_at(fd, offset, bytes);
  const int64_t ns = core.note_latency("aof-write", began_ns);
  if (ns >= kSlowNs) note_slow_write(core.backend().now().monotonic_ns);
  write_done(core, result);
}

bool Journal::may_write_at_once(int64_t now_ns) const {
  if (sync_.is_in_flight() || write_error_ != 0 || now_ns < at_once_from_ns_) return false;
  return !server_.snapshots.is_going.load(std::memory_order_relaxed);
}

void Journal::note_slow_write(int64_t now_ns) {
  const bool is_again = now_ns - at_once_from_ns_ < put_off_ns_;
  put_off_ns_ = is_again ? std::min(2 * put_off_ns_, kPutOffNsMax) : kPutOffNsMin;
  at_once_from_ns_ = now_ns + put_off_ns_;
}

bool Journal::is_idle(const Core& core) const {
  MutexLock lock(mutex_);
  return !write_.is_on(core) && !sync_.is_on(core) && closing_.core != &core;
}

// ---- writing

bool Journal::begin_block(Core& core, int64_t now_ns) {
  Segment& front = segments_.front();
  if (write_.is_in_flight() || front.is_dropped) return false;
  if (write_error_ != 0 && now_ns < retry_at_ns_) return false;
  if (must_wait_for_sync(now_ns)) return false;
  if (!has_block_) {
    if (front.pending.empty() && !wants_fence(front)) return false;
    take_block(front);
  }
  write_.start_on(core);
  return true;
}

void Journal::take_block(Segment& front) {
  is_fence_ = front.pending.empty();
  block_.swap(front.pending);
  block_end_ = front.is_ended ? front.end : appended_;
  block_synced_ = front.file.synced;
  block_written_bytes_ = 0;
  has_block_ = is_raw_ = true;
}

void Journal::encode_block(int64_t unix_s) {
  is_raw_ = false;
  const bool has_timestamps = server_.settings.aof_timestamp_enabled.load(std::memory_order_relaxed) != 0;
  if (has_timestamps && unix_s > last_timestamp_s_ && !block_.empty()) {
    Buffer stamped;
    persistence::append_timestamp(stamped, unix_s);
    stamped.append(block_.view());
    block_.swap(stamped);
    last_timestamp_s_ = unix_s;
  }
  persistence::append_annotation(block_, block_.view(), block_synced_);
}

void Journal::write_done(Core& core, int64_t result) {
  core.awake();
  const int64_t now_ns = core.now().monotonic_ns;
  std::vector<std::string> news;
  {
    MutexLock lock(mutex_);
    write_.end();
    needs_look_.store(true, std::memory_order_relaxed);
    if (result <= 0) {
      note_write_error(result == 0 ? EIO : static_cast<int>(-result), now_ns);
    } else {
      block_written_bytes_ += static_cast<size_t>(result);
      retry_at_ns_ = now_ns;
      if (block_written_bytes_ == block_.size()) block_written(segments_.front());
    }
    conclude(core, now_ns, news);
  }
  tell_log(news);
}

void Journal::block_written(Segment& front) {
  front.file.bytes += block_.size();
  front.has_fence = is_fence_;
  written_ = std::max(written_, block_end_);
  state_.current_bytes.fetch_add(block_.size(), std::memory_order_relaxed);
  block_.clear();
  if (block_.capacity() > kKeptBytesMax) block_.release();
  has_block_ = false;
  if (write_error_ == 0) return;
  write_error_ = 0;
  say("The journal " + front.file.path + " can be written again");
}

void Journal::note_write_error(int error, int64_t now_ns) {
  const Segment& front = segments_.front();
  retry_at_ns_ = now_ns + kRetryNs;
  if (front.is_dropped) return;
  if (write_error_ == 0) {
    say("Writing the journal " + front.file.path + " failed: " + io::error_text(-error) +
        ". Commands that write are refused until it works again; it is tried every second");
  }
  write_error_ = error;
  if (!is_on()) drop_through(appended_);
}

// ---- syncing

// No syncs while the journal is rewritten: so the user wants it.
bool Journal::rests() const {
  return state_.is_rewriting.load(std::memory_order_relaxed) &&
         server_.settings.no_appendfsync_on_rewrite.load(std::memory_order_relaxed) != 0;
}

bool Journal::wants_sync(int64_t now_ns) const {
  const Segment& front = segments_.front();
  if (sync_.is_in_flight() || front.is_dropped || front.sync_error != 0) return false;
  if (front.file.synced == front.file.bytes) return false;
  if (is_drained(front)) return true;
  if (rests()) return false;
  switch (server_.settings.append_fsync()) {
    case AppendFsync::kAlways:
      return !is_gathering(now_ns);
    case AppendFsync::kEverysec:
      return now_ns - sync_began_ns_ >= kSyncEveryNs;
    case AppendFsync::kNo:
      return false;
  }
  return false;
}

bool Journal::begin_sync(Core& core, int64_t now_ns) {
  if (!wants_sync(now_ns)) return false;
  sync_began_ns_ = now_ns;
  sync_covers_ = written_;
  sync_covers_bytes_ = segments_.front().file.bytes;
  sync_.start_on(core);
  return true;
}

void Journal::start_sync(Core& core, int fd) {
  const bool always = server_.settings.append_fsync() == AppendFsync::kAlways;
  if (!always || !core.only_waits()) return core.backend().sync_file(sync_, fd);
  const int64_t began_ns = core.read_stopwatch();
  const int result = disk_.sync_data(fd);
  core.time_has_passed();
  core.note_latency("aof-fsync-always", began_ns);
  sync_done(core, result);
}

void Journal::sync_done(Core& core, int64_t result) {
  core.awake();
  const int64_t now_ns = core.now().monotonic_ns;
  std::vector<std::string> news;
  {
    MutexLock lock(mutex_);
    sync_.end();
    needs_look_.store(true, std::memory_order_relaxed);
    if (result < 0) {
      note_sync_error(static_cast<int>(-result));
    } else {
      segments_.front().file.synced = sync_covers_bytes_;
      synced_.store(std::max(synced(), sync_covers_), std::memory_order_release);
    }
    conclude(core, now_ns, news);
    if (result >= 0) begin_gathering(now_ns);
  }
  tell_log(news);
  server_.sync_waits.answer(core, server_);
}

void Journal::begin_gathering(int64_t now_ns) {
  if (server_.settings.append_fsync() != AppendFsync::kAlways) return;
  gathered_appends_ = appends_ + answered_;
  gathers_until_ns_ = now_ns + std::min(now_ns - sync_began_ns_, kGatheringNsMax);
}

bool Journal::is_gathering(int64_t now_ns) const {
  return now_ns < gathers_until_ns_ && appends_ < gathered_appends_;
}

bool Journal::must_wait_for_sync(int64_t now_ns) const {
  if (server_.settings.append_fsync() != AppendFsync::kAlways || rests()) return false;
  return sync_.is_in_flight() || is_gathering(now_ns);
}

void Journal::note_sync_error(int error) {
  Segment& front = segments_.front();
  if (front.is_dropped) return;
  front.sync_error = error;
  say("Syncing the journal " + front.file.path + " failed: " + io::error_text(-error) +
      ". What of it is on the disk is unknown; commands that write are refused until it has been rewritten");
  if (!is_on()) drop_through(appended_);
}

void Journal::watch_lateness(int64_t now_ns) {
  const bool is_late = sync_.is_in_flight() && server_.settings.append_fsync() == AppendFsync::kEverysec &&
                       now_ns - sync_began_ns_ > kLateNs;
  if (is_late == is_late_) return;
  is_late_ = is_late;
  if (is_late) {
    state_.delayed_syncs.fetch_add(1, std::memory_order_relaxed);
    say("A sync of the journal takes more than two seconds (is the disk busy?): replies to commands that write wait "
        "for its end");
  } else {
    say("The sync of the journal that was late has ended after " +
        std::to_string((now_ns - sync_began_ns_) / 1'000'000) + " ms");
  }
}

// ---- acknowledging

void Journal::conclude(Core& core, int64_t now_ns, std::vector<std::string>& news) {
  watch_lateness(now_ns);
  acknowledge(core);
  publish();
  news.swap(news_);
}

uint64_t Journal::may_be_acknowledged() const {
  if (segments_.empty()) return written_;
  if (segments_.front().sync_error != 0 && !segments_.front().is_dropped) return synced();
  switch (server_.settings.append_fsync()) {
    case AppendFsync::kAlways:
      return rests() ? written_ : synced();
    case AppendFsync::kEverysec:
      return is_late_ ? synced() : written_;
    case AppendFsync::kNo:
      return written_;
  }
  return synced();
}

void Journal::acknowledge(Core& core) {
  const uint64_t offset = may_be_acknowledged();
  if (offset <= acknowledged()) return;
  acknowledged_.store(offset, std::memory_order_release);
  answered_ = 0;
  while (!held_.empty() && held_.front().journal_offset <= offset) {
    std::pop_heap(held_.begin(), held_.end());
    core.flush_later(std::move(held_.back().connection));
    held_.pop_back();
    ++answered_;
  }
}

void Journal::hold(std::vector<HeldOutbox>& held, std::vector<Ref<Connection>>& ready) {
  MutexLock lock(mutex_);
  for (HeldOutbox& outbox : held) {
    if (outbox.journal_offset <= acknowledged()) {
      ready.push_back(std::move(outbox.connection));
    } else {
      held_.push_back({outbox.journal_offset, std::move(outbox.connection)});
      std::push_heap(held_.begin(), held_.end());
    }
  }
  held.clear();
}

void Journal::publish() {
  const Segment* front = segments_.empty() || segments_.front().is_dropped ? nullptr : &segments_.front();
  const int sync_error = front == nullptr ? 0 : front->sync_error;
  state_.write_error.store(sync_error != 0 ? sync_error : write_error_, std::memory_order_relaxed);
  state_.must_rewrite.store(sync_error != 0, std::memory_order_relaxed);
  state_.buffered_bytes.store(appended_ - written_, std::memory_order_relaxed);
  state_.synced_offset.store(synced(), std::memory_order_relaxed);
  state_.is_syncing.store(sync_.is_in_flight(), std::memory_order_relaxed);
}

void Journal::tell_log(const std::vector<std::string>& news) {
  for (const std::string& text : news) server_.log.warning(text);
}

// ---- the end

std::optional<std::string> Journal::close() {
  std::vector<Held> held;
  std::optional<std::string> failure;
  MutexLock lock(mutex_);
  CHECK(!write_.is_in_flight() && !sync_.is_in_flight() && closing_.core == nullptr);
  if (is_on()) {
    turn(false);
    segments_.back().end = appended_;
    segments_.back().is_ended = true;
  }
  held.swap(held_);
  for (Segment& segment : segments_) {
    // What comes behind something that is missing must not be there either.
    const int result = failure ? 0 : finish(segment);
    if (result < 0) failure = segment.file.path + ": " + io::error_text(result);
    to_close_.push_back(segment.file.fd);
  }
  segments_.clear();
  block_.clear();
  has_block_ = false;
  for (const int fd : std::exchange(to_close_, {})) disk_.close(fd);
  publish();
  return failure;
}

// 0 or -errno.
int Journal::finish(Segment& segment) {
  if (segment.is_dropped) return 0;
  int result = has_block_ ? write_rest(segment) : 0;
  if (result == 0 && !segment.pending.empty()) {
    take_block(segment);
    result = write_rest(segment);
  }
  if (result == 0) result = sync_rest(segment);
  if (result == 0 && !segment.has_fence) {
    take_block(segment);
    result = write_rest(segment);
    if (result == 0) result = sync_rest(segment);
  }
  return result;
}

int Journal::write_rest(Segment& segment) {
  if (is_raw_) encode_block(last_timestamp_s_);
  const auto offset = static_cast<int64_t>(segment.file.bytes + block_written_bytes_);
  const int result = io::write_fully(disk_, segment.file.fd, offset, block_.view().substr(block_written_bytes_));
  if (result == 0) block_written(segment);
  return result;
}

int Journal::sync_rest(Segment& segment) {
  if (segment.sync_error != 0) return -segment.sync_error;
  if (segment.file.synced == segment.file.bytes) return 0;
  const int result = disk_.sync_data(segment.file.fd);
  if (result < 0) return result;
  segment.file.synced = segment.file.bytes;
  synced_.store(std::max(synced(), written_), std::memory_order_release);
  return 0;
}

}  // namespace millrace::core
