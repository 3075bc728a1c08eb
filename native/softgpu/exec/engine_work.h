/**
 * @file engine_work.h
 * @brief What the copy engines and tensor cores of a cluster have been given to do and have not done.
 *
 * Hardware may do it at any time between the instruction and whatever waits for it. So when it is done here is the
 * schedule's choice: results must not depend on it, and what a kernel forgot to wait for shows under one of them.
 */
#ifndef TERNARY_SOFTGPU_EXEC_ENGINE_WORK_H_
#define TERNARY_SOFTGPU_EXEC_ENGINE_WORK_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <random>
#include <vector>

namespace ternary::softgpu {

struct Cta;

enum class Schedule : uint8_t {
  lazy,         ///< nothing is done before no warp can go on without it
  eager,        ///< at once
  late_mma,     ///< copies at once, the tensor core's work as with lazy
  late_copies,  ///< the other way round
  random
};
inline constexpr int kSchedules = 5;

class EngineWork {
 public:
  enum class Engine : uint8_t { copy, tensor_core };
  struct Item {
    Engine engine = Engine::copy;
    Cta* by = nullptr;  ///< whose engine; a tensor core does its work in order
    /// Whose shared or tensor memory must be there until it is done. What only reads a CTA's own memory is left out:
    /// CUTLASS's kernels end with their last store in flight, and the hardware lets them.
    std::vector<Cta*> touches;
    int line = 0;  ///< of the PTX
    std::function<void()> run;
  };

  explicit EngineWork(std::mt19937_64* random) : random_(random) {}

  void choose(Schedule schedule) { schedule_ = schedule; }
  /** Returns the item's number. */
  uint64_t add(Item item);
  /** A warp has run for a while: does what the schedule wants by now. True if that was anything. */
  bool tick();
  /** No warp can go on: does one item. False if there is none. */
  bool advance();
  /** Does this one, if it is not done yet. */
  void finish(uint64_t number);
  /** Does all that is left. */
  void finish_all();
  /** The CTA ends. Throws Fault if an engine is still at its memory. */
  void check_end(const Cta& cta) const;

  /** Counts whatever may change the answer to a try_wait. */
  uint64_t events = 1;

 private:
  struct Numbered {
    uint64_t number;
    Item item;
  };
  /** True if nothing must be done before the item. */
  bool is_first(size_t index) const;
  bool is_prompt(const Item& item) const;
  void run(size_t index);
  bool run_one(const std::function<bool(const Item&)>& wanted);

  std::mt19937_64* random_;
  Schedule schedule_ = Schedule::lazy;
  uint64_t next_ = 1;
  uint32_t idle_ticks_ = 0;
  std::deque<Numbered> items_;
};

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_EXEC_ENGINE_WORK_H_
