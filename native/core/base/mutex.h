/**
 * @file mutex.h
 * @brief A mutex that needs no libstdc++ of a certain age: with a static one, std::mutex asks for weak pthread symbols.
 */
#ifndef TERNARY_CORE_BASE_MUTEX_H_
#define TERNARY_CORE_BASE_MUTEX_H_

#include <pthread.h>

namespace ternary {

class Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;
  void lock() { pthread_mutex_lock(&mutex_); }
  void unlock() { pthread_mutex_unlock(&mutex_); }

 private:
  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
};

/** Holds a mutex for a scope. */
class MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace ternary

#endif  // TERNARY_CORE_BASE_MUTEX_H_
