/**
 * @file turns.h
 * @brief A recursive mutex that host threads get in the order in which they came.
 *
 * A thread that has made a call and comes back for the next waits behind those that came meanwhile. So the calls of
 * threads that are at it at once take turns: two of one thread that must not be parted are, each time.
 */
#ifndef TERNARY_SOFTGPU_RUNTIME_TURNS_H_
#define TERNARY_SOFTGPU_RUNTIME_TURNS_H_

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

namespace ternary::softgpu {

class Turns {
 public:
  void lock() {
    std::unique_lock<std::mutex> lock(mutex_);
    if (owner_ != std::this_thread::get_id()) {
      const uint64_t turn = last_++;
      ended_.wait(lock, [&] { return turn == now_; });
      owner_ = std::this_thread::get_id();
    }
    ++depth_;
  }

  void unlock() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (--depth_ > 0) return;
    owner_ = {};
    ++now_;
    ended_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  std::thread::id owner_;
  uint64_t last_ = 0, now_ = 0;
  int depth_ = 0;
};

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_RUNTIME_TURNS_H_
