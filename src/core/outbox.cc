// See outbox.h.
#include "core/outbox.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "core/connection.h"
#include "core/core.h"
#include "core/try_reserve.h"

namespace millrace::core {
namespace {

// Beyond this an empty outbox exchanges buffers with the writer instead of copying.
constexpr size_t kExchangeBytesMin = 32 * 1024;
// What a connection may keep of a buffer for the next batch, while batches follow each other and after that.
constexpr size_t kBusyBytesMax = 8 * 1024;
constexpr size_t kIdleBytesMax = 1024;

void release_beyond(Buffer& buffer, size_t bytes_max) {
  if (buffer.empty() && buffer.capacity() > bytes_max) buffer.release();
}

}  // namespace

Outbox::Appended Outbox::admit(size_t count, const OutboxLimits& limits, int64_t now_ns) {
  if (shut_ || close_when_drained_) return Appended::kShut;
  const uint64_t held = bytes_held() + count;
  if (limits.hard_bytes != 0 && held > limits.hard_bytes) {
    drop();
    return Appended::kOverLimit;
  }
  if (limits.soft_bytes != 0 && held > limits.soft_bytes) {
    if (over_soft_since_ns_ == 0) over_soft_since_ns_ = now_ns;
  }
  if (state_ != State::kIdle) return Appended::kQueued;
  state_ = State::kScheduled;
  return Appended::kMustFlush;
}

// Offsets that do not ascend need no mark: what stands before them waits for more.
void Outbox::mark(uint64_t journal_offset) {
  if (journal_offset == 0) return;
  if (marks_.empty() || journal_offset > marks_.back().journal_offset)
    marks_.push_back({queued_.size(), journal_offset});
}

Outbox::Appended Outbox::take(std::string_view bytes, uint64_t journal_offset, const OutboxLimits& limits,
                              int64_t now_ns) {
  if (!shut_ && !try_reserve(queued_, bytes.size())) {
    drop();
    publish_size();
    return Appended::kOverLimit;
  }
  const Appended outcome = admit(bytes.size(), limits, now_ns);
  if (outcome == Appended::kQueued || outcome == Appended::kMustFlush) {
    mark(journal_offset);
    queued_.append(bytes);
  }
  publish_size();
  return outcome;
}

Outbox::Appended Outbox::append(std::string_view bytes, uint64_t journal_offset, const OutboxLimits& limits,
                                int64_t now_ns) {
  OptionalMutexLock lock(mutex_);
  if (!held_pushes_) return take(bytes, journal_offset, limits, now_ns);
  CHECK(journal_offset == 0);  // no answer to a blocked command: the client runs one
  return keep_apart([bytes](const Reception&) { return bytes; }, limits);
}

template <typename BytesFor>
Outbox::Appended Outbox::keep_apart(const BytesFor& bytes_for, const OutboxLimits& limits) {
  if (shut_) return Appended::kShut;
  for (HeldPushes& held : *held_pushes_) {
    const std::string_view bytes = bytes_for(held.reception);
    const uint64_t size = bytes_held() + held.bytes.size() + bytes.size();
    if ((limits.hard_bytes != 0 && size > limits.hard_bytes) || !try_reserve(held.bytes, bytes.size())) {
      drop();
      publish_size();
      return Appended::kOverLimit;
    }
    held.bytes.append(bytes);
  }
  return Appended::kQueued;
}

void Outbox::receive_as(Reception reception) {
  OptionalMutexLock lock(mutex_);
  reception_ = reception;
}

Outbox::Appended Outbox::push(resp::PushMessage& message, const OutboxLimits& limits, int64_t now_ns) {
  OptionalMutexLock lock(mutex_);
  const auto bytes_for = [&message](const Reception& as) { return message.bytes(as.protocol, as.listens); };
  if (held_pushes_) return keep_apart(bytes_for, limits);
  const std::string_view bytes = bytes_for(reception_);
  return bytes.empty() ? Appended::kQueued : take(bytes, 0, limits, now_ns);
}

void Outbox::hold_pushes() {
  OptionalMutexLock lock(mutex_);
  if (held_pushes_) return;
  held_pushes_ = std::make_unique<AllHeldPushes>();
  (*held_pushes_)[0].reception = {resp::Protocol::kResp2, false};
  (*held_pushes_)[1].reception = {resp::Protocol::kResp2, true};
  (*held_pushes_)[2].reception = {resp::Protocol::kResp3, true};
}

bool Outbox::holds_pushes() {
  OptionalMutexLock lock(mutex_);
  return held_pushes_ != nullptr;
}

Outbox::Appended Outbox::release_pushes(const OutboxLimits& limits, int64_t now_ns) {
  OptionalMutexLock lock(mutex_);
  const std::unique_ptr<AllHeldPushes> all = std::move(held_pushes_);
  const auto is_in_form = [now = reception_](const HeldPushes& held) {
    const bool is_resp3 = now.protocol == resp::Protocol::kResp3;
    return held.reception.protocol == now.protocol && (is_resp3 || held.reception.listens == now.listens);
  };
  const std::string_view bytes = std::find_if(all->begin(), all->end(), is_in_form)->bytes.view();
  return bytes.empty() ? Appended::kQueued : take(bytes, 0, limits, now_ns);
}

Outbox::Appended Outbox::append(Buffer& bytes, Reception reception, uint64_t journal_offset, const OutboxLimits& limits,
                                int64_t now_ns) {
  OptionalMutexLock lock(mutex_);
  reception_ = reception;
  if (!queued_.empty() || bytes.size() < kExchangeBytesMin) {
    const Appended outcome = take(bytes.view(), journal_offset, limits, now_ns);
    bytes.clear();
    return outcome;
  }
  const Appended outcome = admit(bytes.size(), limits, now_ns);
  if (outcome == Appended::kQueued || outcome == Appended::kMustFlush) {
    mark(journal_offset);
    queued_.swap(bytes);
  }
  bytes.clear();
  publish_size();
  return outcome;
}

uint64_t Outbox::begin_batch(Core& core) {
  CHECK(sending_.empty());
  size_t count = queued_.size();
  if (!marks_.empty()) {
    const uint64_t acknowledged = core.acknowledged();
    const auto waiting = std::find_if(marks_.begin(), marks_.end(),
                                      [&](const Mark& mark) { return mark.journal_offset > acknowledged; });
    marks_.erase(marks_.begin(), waiting);
    if (!marks_.empty()) count = marks_.front().begin;
  }
  if (count == 0 && !marks_.empty()) {
    state_ = State::kHeld;
    return marks_.front().journal_offset;
  }
  // What has to stay is short as a rule: the last turn's replies.
  sending_.swap(queued_);
  queued_.append(sending_.view().substr(count));
  sending_.truncate(count);
  for (Mark& mark : marks_) mark.begin -= count;
  state_ = State::kSending;
  return 0;
}

// From here on nothing is sent any more.
void Outbox::drop() {
  shut_ = true;
  queued_.release();
  marks_ = {};
  if (state_ == State::kHeld) state_ = State::kIdle;
}

void Outbox::flush(Core& core, Ref<Connection> owner) {
  std::string_view bytes;
  uint64_t awaited = 0;
  {
    OptionalMutexLock lock(mutex_);
    if (state_ == State::kIdle) return;  // shut while it was held
    CHECK(state_ != State::kSending);
    if (shut_) {
      state_ = State::kIdle;
    } else {
      sent_bytes_ = 0;
      awaited = begin_batch(core);
      bytes = sending_.view();
      publish_size();
    }
  }
  if (awaited != 0) return core.hold(std::move(owner), awaited);
  if (bytes.empty()) return core.settled(owner_);
  kept_ = std::move(owner);
  sender_ = &core;
  core.send_started();
  core.backend().send(*this, owner_.fixed.fd, bytes);
}

// Runs on the core that started the send.
void Outbox::sent(int result) {
  Core& core = *sender_;
  // Once the state is kIdle the next send may be started, on another core.
  Ref<Connection> kept = std::move(kept_);
  core.note_send(result);
  std::string_view more;
  uint64_t awaited = 0;
  bool drained_to_close = false;
  bool settled = false;
  {
    OptionalMutexLock lock(mutex_);
    if (result > 0) {
      sent_bytes_ += static_cast<size_t>(result);
      owner_.card.output_bytes.add(static_cast<uint64_t>(result));
    }
    if (result <= 0 || shut_) drop();
    if (!shut_ && sent_bytes_ < sending_.size()) {
      more = sending_.view().substr(sent_bytes_);
    } else {
      sending_.clear();
      sent_bytes_ = 0;
      release_beyond(sending_, kBusyBytesMax);
      is_busy_ = true;
      if (!queued_.empty()) {
        awaited = begin_batch(core);
        more = sending_.view();
      } else {
        state_ = State::kIdle;
        over_soft_since_ns_ = 0;
        settled = shut_;
        drained_to_close = close_when_drained_;
      }
    }
    publish_size();
  }
  if (!more.empty()) {
    kept_ = std::move(kept);
    return core.backend().send(*this, owner_.fixed.fd, more);
  }
  core.send_ended();
  if (awaited != 0) {
    core.hold(std::move(kept), awaited);
  } else if (settled) {
    core.settled(owner_);
  } else if (drained_to_close) {
    core.kill(owner_, false);
  }
}

bool Outbox::close_when_drained() {
  OptionalMutexLock lock(mutex_);
  close_when_drained_ = true;
  return state_ == State::kIdle;
}

bool Outbox::shut() {
  OptionalMutexLock lock(mutex_);
  drop();
  publish_size();
  return state_ == State::kIdle;
}

bool Outbox::waits_beyond(uint64_t journal_offset) {
  OptionalMutexLock lock(mutex_);
  return !marks_.empty() && marks_.back().journal_offset > journal_offset;
}

bool Outbox::is_idle() {
  OptionalMutexLock lock(mutex_);
  return state_ == State::kIdle;
}

bool Outbox::look_after(const OutboxLimits& limits, int64_t now_ns) {
  OptionalMutexLock lock(mutex_);
  if (state_ == State::kIdle && !is_busy_) {
    release_beyond(queued_, kIdleBytesMax);
    release_beyond(sending_, kIdleBytesMax);
    owner_.card.output_peak_bytes.store(0, std::memory_order_relaxed);
  }
  publish_size();
  is_busy_ = false;
  return is_over_soft_limit(limits, now_ns);
}

bool Outbox::is_over_soft_limit(const OutboxLimits& limits, int64_t now_ns) {
  if (over_soft_since_ns_ == 0) return false;
  if (limits.soft_bytes == 0 || bytes_held() <= limits.soft_bytes) {
    over_soft_since_ns_ = 0;
    return false;
  }
  return now_ns - over_soft_since_ns_ > limits.soft_ns;
}

void Outbox::publish_size() {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  commands::Client::Card& card = owner_.card;
  const uint64_t held = bytes_held();
  const uint64_t capacity = queued_.capacity() + sending_.capacity();
  card.output_buffer_bytes.store(held, kRelaxed);
  card.output_capacity_bytes.store(capacity, kRelaxed);
  card.output_batches.store((queued_.empty() ? 0 : 1) + (sending_.empty() ? 0 : 1), kRelaxed);
  card.is_sending.store(state_ == State::kSending, kRelaxed);
  if (held > card.output_peak_bytes.load(kRelaxed)) card.output_peak_bytes.store(held, kRelaxed);
  counted_.set(owner_.client_memory(), capacity);
}

void Outbox::count_no_memory() {
  OptionalMutexLock lock(mutex_);
  queued_.release();
  sending_.release();
  publish_size();
}

}  // namespace millrace::core
