// OptionalMutex: the mutex of what several threads share in one process and a single thread has for itself in another,
// as the cores of a server and the only core of a server. It is told which at the start. Alone it locks nothing: a
// locked instruction waits for every store before it, which after a copy into cold memory is most of its price.
#pragma once

#include "base/mutex.h"

namespace millrace {

class CAPABILITY("mutex") OptionalMutex {
 public:
  explicit OptionalMutex(bool is_shared) : is_shared_(is_shared) {}
  OptionalMutex(const OptionalMutex&) = delete;
  OptionalMutex& operator=(const OptionalMutex&) = delete;

  void lock() ACQUIRE() NO_THREAD_SAFETY_ANALYSIS {
    if (is_shared_) mutex_.lock();
  }
  void unlock() RELEASE() NO_THREAD_SAFETY_ANALYSIS {
    if (is_shared_) mutex_.unlock();
  }

 private:
  const bool is_shared_;
  Mutex mutex_;
};

class SCOPED_CAPABILITY OptionalMutexLock {
 public:
  explicit OptionalMutexLock(OptionalMutex& mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~OptionalMutexLock() RELEASE() { mutex_.unlock(); }
  OptionalMutexLock(const OptionalMutexLock&) = delete;
  OptionalMutexLock& operator=(const OptionalMutexLock&) = delete;

 private:
  OptionalMutex& mutex_;
};

}  // namespace millrace
