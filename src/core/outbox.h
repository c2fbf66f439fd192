// Outbox: the output half of a connection - reply bytes on their way to one client. Any core may append to it, and any
// core may send it; that is how a message reaches a client whose own core sleeps without waking it.
//
//   kIdle  --append-->  kScheduled  --flush-->  kSending  --sent, nothing more queued-->  kIdle
//                       (someone's turn will    (one send in flight, on the
//                        end with a flush)       ring of whoever flushed)
//                            |                       |
//                          flush                   sent, the rest waits for the journal
//                            v                       v
//                          kHeld  --flush, the journal has acknowledged something-->  kSending
//                          (in the journal's list, which gives it to someone's turn)
//
// Bytes leave in the order of the appends. Those that wait for the journal begin at marks: from `begin` on nothing
// leaves before the journal acknowledges `journal_offset`. What stands before the first mark that is not covered does.
//
//   queued   | free to go | waits for 700 ......... | waits for 900 .. |
//                         ^ mark                    ^ mark
//
// While the client's EXEC replies, pushes from wherever may have to wait until it is done (hold_pushes): then they are
// kept apart, in each form they may have to take.
//
// A connection that is shut while it is held is idle at once; the flush that comes later finds nothing to do. Replies
// are appended together with the protocol they are in, and what the server says unasked (push) takes the form of that
// protocol: after a HELLO a message is in the new form exactly if it comes behind the HELLO's reply. At most one send
// is in flight, so a connection is one ordered stream whoever writes to it. After shut() nothing is sent any more; the
// socket may be closed once the state is kIdle.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "base/optional_mutex.h"
#include "base/ref.h"
#include "commands/client_memory.h"
#include "io/backend.h"
#include "resp/push_message.h"

namespace millrace::core {

class Connection;
class Core;

// client-output-buffer-limit for one class of clients; 0 = none.
struct OutboxLimits {
  uint64_t hard_bytes = 0;
  uint64_t soft_bytes = 0;
  int64_t soft_ns = 0;
};

// What decides the form of a push: how the client stands at one point of its output.
struct Reception {
  resp::Protocol protocol = resp::Protocol::kResp2;
  bool listens = false;  // to any channel or pattern
};

class Outbox final : private io::SendOperation {
 public:
  enum class Appended {
    kQueued,     // somebody else is about to send it
    kMustFlush,  // the caller must flush() at the end of its turn
    kOverLimit,  // dropped, and the outbox is shut: the client is beyond its limit, or there is no memory for more, and
                 // it has to be closed
    kShut,       // dropped: the connection is being closed
  };

  // Alone: there is only one core.
  Outbox(Connection& owner, bool is_alone) : owner_(owner), mutex_(!is_alone) {}

  // The client's own replies, and how it stands from here on. Takes the bytes; may exchange a large buffer
  // instead of copying it. `bytes` is empty afterwards. They, and what is queued behind them, are not sent before the
  // journal may acknowledge `journal_offset` (0: at once).
  Appended append(Buffer& bytes, Reception reception, uint64_t journal_offset, const OutboxLimits& limits,
                  int64_t now_ns) EXCLUDES(mutex_);
  Appended append(std::string_view bytes, uint64_t journal_offset, const OutboxLimits& limits, int64_t now_ns)
      EXCLUDES(mutex_);
  // The client may stand otherwise now, though it wants no reply.
  void receive_as(Reception reception) EXCLUDES(mutex_);
  Appended push(resp::PushMessage& message, const OutboxLimits& limits, int64_t now_ns) EXCLUDES(mutex_);
  // From hold_pushes() to release_pushes() what others append or push waits: it comes behind the client's own replies
  // of that time, in the form that suits their end. By the client's core, while its commands run.
  void hold_pushes() EXCLUDES(mutex_);
  bool holds_pushes() EXCLUDES(mutex_);
  Appended release_pushes(const OutboxLimits& limits, int64_t now_ns) EXCLUDES(mutex_);
  // Starts sending from `core`, or has the core hold it if all of it waits for the journal. REQUIRES: append() said
  // kMustFlush to this core, or the journal gave it back to this core, or another core handed it over. `owner` becomes
  // the reference by which the connection outlives the send.
  void flush(Core& core, Ref<Connection> owner) EXCLUDES(mutex_);

  // Takes nothing more. The connection is closed as soon as nothing is queued or in flight; true if that is so already.
  bool close_when_drained() EXCLUDES(mutex_);
  // Drops what is queued. True if nothing is in flight or scheduled: the socket may be closed at once.
  bool shut() EXCLUDES(mutex_);
  bool is_idle() EXCLUDES(mutex_);
  // Something in it waits until the journal may acknowledge more than that.
  bool waits_beyond(uint64_t journal_offset) EXCLUDES(mutex_);
  // To be called now and then. True if more than the soft limit has been queued for longer than it allows. A client to
  // which nothing was sent since the last call gives the memory of its buffers back.
  bool look_after(const OutboxLimits& limits, int64_t now_ns) EXCLUDES(mutex_);
  // Its memory counts no more (ClientMemory). REQUIRES: it is shut and idle.
  void count_no_memory() EXCLUDES(mutex_);

 private:
  enum class State : uint8_t { kIdle, kScheduled, kSending, kHeld };
  struct Mark {
    size_t begin;
    uint64_t journal_offset;
  };
  struct HeldPushes {
    Reception reception;
    Buffer bytes;
  };
  using AllHeldPushes = std::array<HeldPushes, 3>;  // RESP2, RESP2 of a client that listens, RESP3

  void sent(int result) override;
  Appended take(std::string_view bytes, uint64_t journal_offset, const OutboxLimits& limits, int64_t now_ns)
      REQUIRES(mutex_);
  // While pushes are held: the bytes of each form, up to the limit.
  template <typename BytesFor>
  Appended keep_apart(const BytesFor& bytes_for, const OutboxLimits& limits) REQUIRES(mutex_);
  void mark(uint64_t journal_offset) REQUIRES(mutex_);
  // Moves what may leave from `queued_` to `sending_`. 0, or what the journal has to acknowledge before anything may.
  uint64_t begin_batch(Core& core) REQUIRES(mutex_);
  void drop() REQUIRES(mutex_);
  bool is_over_soft_limit(const OutboxLimits& limits, int64_t now_ns) REQUIRES(mutex_);
  Appended admit(size_t count, const OutboxLimits& limits, int64_t now_ns) REQUIRES(mutex_);
  void publish_size() REQUIRES(mutex_);
  size_t bytes_held() const REQUIRES(mutex_) { return queued_.size() + sending_.size() - sent_bytes_; }

  Connection& owner_;
  // Of the send in flight; touched by that core only.
  Core* sender_ = nullptr;  // on whose ring it is
  Ref<Connection> kept_;    // until it has ended

  OptionalMutex mutex_;
  State state_ GUARDED_BY(mutex_) = State::kIdle;
  bool close_when_drained_ GUARDED_BY(mutex_) = false;
  bool shut_ GUARDED_BY(mutex_) = false;
  Reception reception_ GUARDED_BY(mutex_);  // behind everything queued so far
  std::unique_ptr<AllHeldPushes> held_pushes_ GUARDED_BY(mutex_);
  Buffer queued_ GUARDED_BY(mutex_);
  std::vector<Mark> marks_ GUARDED_BY(mutex_);  // in queued_, both ascending
  // Changed only while nothing is in flight, by whoever starts or ends a send.
  Buffer sending_ GUARDED_BY(mutex_);
  size_t sent_bytes_ GUARDED_BY(mutex_) = 0;
  bool is_busy_ GUARDED_BY(mutex_) = false;            // something was sent since the last look_after()
  int64_t over_soft_since_ns_ GUARDED_BY(mutex_) = 0;  // 0 = not over it
  commands::CountedBytes counted_ GUARDED_BY(mutex_);  // the memory of both buffers
};

}  // namespace millrace::core
