/**
 * @file engine.h
 * @brief How a warp gives work to an engine of its CTA, and what the engine then knows.
 */
#ifndef TERNARY_SOFTGPU_BLACKWELL_ENGINE_H_
#define TERNARY_SOFTGPU_BLACKWELL_ENGINE_H_

#include <cstdint>
#include <vector>

#include "softgpu/exec/warp.h"

namespace ternary::softgpu {

/** One piece of work, with what its engine and whoever waits for it must know. */
struct Issue {
  Cta* by = nullptr;  ///< whose engine
  size_t engine = 0;  ///< its number among the agents
  uint32_t epoch = 0;
  Clock clock;  ///< what comes before the end of the work, the work included
  int line = 0;
  EngineWork::Engine kind = EngineWork::Engine::copy;

  Order& order() const { return by->cluster->order; }
};

/** The engine learns what the warp knows. */
Issue issue_to(EngineWork::Engine kind, Warp& warp);

/** What the engine does behind the end of `issue`: who waits for that one alone knows nothing of this. */
Issue next_part(const Issue& issue);

/** The work as an item of EngineWork; returns its number. */
uint64_t enqueue(const Issue& issue, std::vector<Cta*> touches, std::function<void()> run);

/** Completion on an mbarrier: `bytes` of a transaction, or one arrival if it is 0. */
void complete(const Issue& issue, Cta& cta, uint64_t address, uint32_t bytes);

/** Bytes of shared memory that an engine uses, of the issuing warp's CTA or of another of the cluster. */
void begin_write(Warp& warp, const Issue& issue, Cta& cta, uint64_t address, uint32_t bytes, int lane);
void begin_read(Warp& warp, const Issue& issue, Cta& cta, uint64_t address, uint32_t bytes, int lane);

/** An mbarrier operand: where it is, and that there is one. */
Place find_mbarrier(Warp& warp, ptx::Space space, uint64_t address, int lane);

/** The cluster's CTA of that rank. */
Cta& cta_of_rank(Warp& warp, uint32_t rank, int lane);

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_BLACKWELL_ENGINE_H_
