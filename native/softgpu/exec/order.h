/**
 * @file order.h
 * @brief Which accesses of the warps of a cluster are ordered: vector clocks, for race detection.
 *
 * Each warp (an agent) counts epochs. A clock says of every agent up to which epoch its accesses come before what happens
 * next. Behind a barrier all count on from the largest: shared memory keeps one epoch for all readers of a byte, and one
 * that fences more often than others would leave an epoch that those never reach. Barriers join the clocks of those who
 * meet; an mbarrier keeps the joined clocks of those who arrived and joins it into those who waited.
 */
#ifndef TERNARY_SOFTGPU_EXEC_ORDER_H_
#define TERNARY_SOFTGPU_EXEC_ORDER_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ternary::softgpu {

using Clock = std::vector<uint32_t>;

class Order {
 public:
  explicit Order(size_t agents);

  size_t agents() const { return clocks_.size(); }
  /** The epoch that accesses of the agent carry now. */
  uint32_t epoch(size_t agent) const { return clocks_[agent][agent]; }
  /** True if what `agent` did up to `epoch` comes before what `later` does now. */
  bool before(size_t agent, uint32_t epoch, size_t later) const {
    return agent == later || clocks_[later][agent] >= epoch;
  }

  /** What the agent has done or knows of, joined into `clock`; what it does next is not in it. */
  void release(size_t agent, Clock* clock);
  /** All in `clock` comes before what the agent does next. */
  void acquire(size_t agent, const Clock& clock);
  /** A barrier at which the agents met. */
  void meet(const std::vector<size_t>& agents);

  /** A fence of a cluster or more: what the agent has done or knows of goes out with its next relaxed arrival. */
  void fence(size_t agent);
  /** A fence of its CTA's shared memory alone: does that only if the agent touched nothing else since the last fence(). */
  void fence_own_shared(size_t agent);
  /** The agent accessed a peer's shared memory, or wrote to memory that is not shared. */
  void touch_other(size_t agent) { touched_other_[agent] = true; }
  /** What the agent has fenced, joined into `clock`. */
  void release_fenced(size_t agent, Clock* clock) const;

 private:
  std::vector<Clock> clocks_, fenced_;
  std::vector<bool> touched_other_;
};

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_EXEC_ORDER_H_
