// Inbox: what other cores have to tell this one. The only way anything crosses to a core's own half.
//
// Any thread posts; the owner drains once a turn. A core that sleeps is woken only for messages that cannot wait (see
// Core::post): delivery never does that, administration does.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/ref.h"
#include "core/connection.h"

namespace millrace::core {

struct Message {
  enum class Kind : uint8_t {
    kResume,          // the connection's blocked command was answered from another core
    kClose,           // close the connection now
    kCloseAfterSend,  // ... once what is queued has left
    kFlush,           // send these outboxes, which another core has put something in
    kSettled,         // a send of a connection being closed, started elsewhere, is over
    kLookAgain,       // CLIENT PAUSE or a setting changed
    kSaveAndEnd,      // make the final snapshot
    kRequestEnd,      // ask for the end of the server: all that this core had to send before is on its way
    kStop,            // leave the run loop
  };
  Kind kind = Kind::kLookAgain;
  Ref<Connection> connection;
  std::vector<Ref<Connection>> connections = {};  // kFlush
};

class Inbox {
 public:
  void push(Message message) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    messages_.push_back(std::move(message));
  }
  // False, and nothing done, if the owner sleeps. It announces that before its last look into the inbox: whoever sees
  // it awake here has the message found.
  bool push_if_awake(Message& message, const std::atomic<bool>& sleeping) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (sleeping.load(std::memory_order_seq_cst)) return false;
    messages_.push_back(std::move(message));
    return true;
  }
  bool empty() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return messages_.empty();
  }
  // Exchanges the content with `taken`, which must be empty.
  void take(std::vector<Message>& taken) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    messages_.swap(taken);
  }

 private:
  Mutex mutex_;
  std::vector<Message> messages_ GUARDED_BY(mutex_);
};

}  // namespace millrace::core
