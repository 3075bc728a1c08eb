/**
 * @file order.h
 * @brief Which accesses of the warps of a cluster are ordered: vector clocks, for race detection.
 *
 * Each warp (an agent) counts epochs. A clock says of every agent up to which epoch its accesses come before what happens
 * next. Barriers join the clocks of those who meet; an mbarrier keeps the joined clocks of those who arrived and joins it
 * into those who waited. The copy engine and the tensor core of a CTA are agents too, which know what the warps that gave
 * them work knew.
 *
 * Further parts of each clock say the same of accesses behind something that not every reader needs:
 * - a proxy fence of shared or of global memory: what a warp wrote is seen by an engine only then;
 * - mbarrier.init, which even a relaxed arrival at barrier.cluster carries: CUTLASS 4.2 has such inits behind its last
 *   fence.mbarrier_init;
 * - tcgen05.fence, which with a relaxed arrival and a relaxed wait orders tcgen05 instructions and nothing else.
 */
#ifndef TERNARY_SOFTGPU_EXEC_ORDER_H_
#define TERNARY_SOFTGPU_EXEC_ORDER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace ternary::softgpu {

using Clock = std::vector<uint32_t>;

class Order {
 public:
  Order(size_t warps, size_t ctas);

  size_t agents() const { return clocks_.size(); }
  /** The engines of a CTA, by its rank. */
  size_t copies_of(uint32_t rank) const { return warps_ + size_t{2} * rank; }
  size_t tensor_core_of(uint32_t rank) const { return warps_ + size_t{2} * rank + 1; }
  /** "warp 3 of the cluster", "the tensor core of CTA 0". */
  std::string name(size_t agent) const;
  /** The epoch that accesses of the agent carry now. */
  uint32_t epoch(size_t agent) const { return clocks_[agent][agent]; }
  /** True if what `agent` did up to `epoch` comes before what `later` does now. */
  bool before(size_t agent, uint32_t epoch, size_t later) const {
    return agent == later || clocks_[later][agent] >= epoch;
  }

  /** The same by way of a proxy fence of shared memory, or of global memory. */
  bool before_engine(size_t agent, uint32_t epoch, size_t engine) const {
    return clocks_[engine][place(kSharedProxy, agent)] >= epoch;
  }
  bool before_engine_in_global(size_t agent, uint32_t epoch, size_t engine) const {
    return global_proxy_fenced(clocks_[engine], agent, epoch);
  }
  /** The same of a clock that is another cluster's, of as many agents. */
  bool global_proxy_fenced(const Clock& clock, size_t agent, uint32_t epoch) const {
    const size_t at = place(kGlobalProxy, agent);
    return at < clock.size() && clock[at] >= epoch;
  }
  /** Of accesses to tensor memory that are done. */
  bool before_in_tensor_memory(size_t agent, uint32_t epoch, size_t later) const {
    return before(agent, epoch, later) || tensor_fenced(agent, epoch, later);
  }
  /** By way of tcgen05.fence alone. */
  bool tensor_fenced(size_t agent, uint32_t epoch, size_t later) const {
    return clocks_[later][place(kTensorFence, agent)] >= epoch;
  }
  /** The same of mbarrier.init; of epoch 0: true if `later` knows that the agent has begun. */
  bool init_before(size_t agent, uint32_t epoch, size_t later) const {
    return clocks_[later][place(kInits, agent)] > epoch;
  }
  /** As release(), for mbarrier.init alone. */
  void release_inits(size_t agent, Clock* clock);
  bool is_engine(size_t agent) const { return agent >= warps_; }
  /** A fence of the agent between its own proxy and that of the engines: for all that it did or knows of. */
  void proxy_fence(size_t agent, bool shared, bool global);
  /** tcgen05.fence::before_thread_sync: what the agent has done to tensor memory, or knows of, goes out with arrivals. */
  void tensor_fence_before(size_t agent);
  /** tcgen05.fence::after_thread_sync: what relaxed waits have seen holds for tensor memory from here on. */
  void tensor_fence_after(size_t agent);

  /** What the agent has done or knows of, joined into `clock`; what it does next is not in it. */
  void release(size_t agent, Clock* clock);
  /** All in `clock` comes before what the agent does next. */
  void acquire(size_t agent, const Clock& clock);
  /** A relaxed wait has seen it. */
  void observe(size_t agent, const Clock& clock) { join(&observed_[agent], clock); }
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

  static void join(Clock* clock, const Clock& other);

 private:
  enum Part : size_t { kAll, kSharedProxy, kGlobalProxy, kInits, kTensorFence, kParts };
  size_t place(Part part, size_t agent) const { return part * agents() + agent; }
  /** Makes the agent's part of all that another part has. */
  void copy_part(size_t agent, Part from, Part to);

  size_t warps_;
  std::vector<Clock> clocks_;    ///< by agent; each has the parts one behind the other
  std::vector<Clock> fenced_;    ///< by agent: what its next relaxed arrival carries
  std::vector<Clock> observed_;  ///< by agent: what its relaxed waits have seen
  std::vector<bool> touched_other_;
};

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_EXEC_ORDER_H_
