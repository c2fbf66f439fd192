// Mutex and SharedMutex with clang's thread-safety annotations (checked by the fuzz preset's compiler).
//
// Mutex spins briefly before it sleeps: the sections it guards are short, but a thread that holds it may be
// descheduled at any time, so pure spinning is out.
#pragma once

#include <pthread.h>

#if defined(__clang__)
#define MILLRACE_ANNOTATION(x) __attribute__((x))
#else
#define MILLRACE_ANNOTATION(x)
#endif

#define CAPABILITY(x) MILLRACE_ANNOTATION(capability(x))
#define SCOPED_CAPABILITY MILLRACE_ANNOTATION(scoped_lockable)
#define GUARDED_BY(x) MILLRACE_ANNOTATION(guarded_by(x))
#define REQUIRES(...) MILLRACE_ANNOTATION(requires_capability(__VA_ARGS__))
#define ACQUIRE(...) MILLRACE_ANNOTATION(acquire_capability(__VA_ARGS__))
#define RELEASE(...) MILLRACE_ANNOTATION(release_capability(__VA_ARGS__))
#define EXCLUDES(...) MILLRACE_ANNOTATION(locks_excluded(__VA_ARGS__))
#define REQUIRES_SHARED(...) MILLRACE_ANNOTATION(requires_shared_capability(__VA_ARGS__))
#define ACQUIRE_SHARED(...) MILLRACE_ANNOTATION(acquire_shared_capability(__VA_ARGS__))
#define RELEASE_SHARED(...) MILLRACE_ANNOTATION(release_shared_capability(__VA_ARGS__))
#define ASSERT_CAPABILITY(x) MILLRACE_ANNOTATION(assert_capability(x))
// For the one class that holds a set of locks known only at run time (keyspace/partition_locks.h).
#define NO_THREAD_SAFETY_ANALYSIS MILLRACE_ANNOTATION(no_thread_safety_analysis)

namespace millrace {

class CAPABILITY("mutex") Mutex {
 public:
  Mutex() {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ADAPTIVE_NP);
    pthread_mutex_init(&mutex_, &attributes);
    pthread_mutexattr_destroy(&attributes);
  }
  ~Mutex() { pthread_mutex_destroy(&mutex_); }
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void lock() ACQUIRE() { pthread_mutex_lock(&mutex_); }
  void unlock() RELEASE() { pthread_mutex_unlock(&mutex_); }
  // Tells the analysis that the caller holds the lock through a PartitionLocks set; checks nothing at run time.
  void assert_held() const ASSERT_CAPABILITY(this) {}

 private:
  pthread_mutex_t mutex_;
};

class SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() RELEASE() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Many readers or one writer. A waiting writer goes before new readers, so that readers who come without end cannot
// keep it out; hence a reader must not take the lock a second time.
class CAPABILITY("mutex") SharedMutex {
 public:
  SharedMutex() {
    pthread_rwlockattr_t attributes;
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&mutex_, &attributes);
    pthread_rwlockattr_destroy(&attributes);
  }
  ~SharedMutex() { pthread_rwlock_destroy(&mutex_); }
  SharedMutex(const SharedMutex&) = delete;
  SharedMutex& operator=(const SharedMutex&) = delete;

  void lock() ACQUIRE() { pthread_rwlock_wrlock(&mutex_); }
  void unlock() RELEASE() { pthread_rwlock_unlock(&mutex_); }
  void lock_shared() ACQUIRE_SHARED() { pthread_rwlock_rdlock(&mutex_); }
  void unlock_shared() RELEASE_SHARED() { pthread_rwlock_unlock(&mutex_); }

 private:
  pthread_rwlock_t mutex_;
};

class SCOPED_CAPABILITY SharedMutexLock {
 public:
  explicit SharedMutexLock(SharedMutex& mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~SharedMutexLock() RELEASE() { mutex_.unlock(); }
  SharedMutexLock(const SharedMutexLock&) = delete;
  SharedMutexLock& operator=(const SharedMutexLock&) = delete;

 private:
  SharedMutex& mutex_;
};

class SCOPED_CAPABILITY SharedReaderLock {
 public:
  explicit SharedReaderLock(SharedMutex& mutex) ACQUIRE_SHARED(mutex) : mutex_(mutex) { mutex_.lock_shared(); }
  ~SharedReaderLock() RELEASE() { mutex_.unlock_shared(); }
  SharedReaderLock(const SharedReaderLock&) = delete;
  SharedReaderLock& operator=(const SharedReaderLock&) = delete;

 private:
  SharedMutex& mutex_;
};

}  // namespace millrace
