/**
 * @file cta.h
 * @brief A CTA and its cluster: what the warps share.
 */
#ifndef TERNARY_SOFTGPU_EXEC_CTA_H_
#define TERNARY_SOFTGPU_EXEC_CTA_H_

#include <array>
#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include "softgpu/exec/launch.h"
#include "softgpu/exec/order.h"
#include "softgpu/exec/shared_memory.h"

namespace ternary::softgpu {

struct Cluster;
class Warp;

/** State that a family of opcodes keeps with a warp, a CTA or a cluster. */
struct Extension {
  virtual ~Extension() = default;
  /** The warp, CTA or cluster has ended. Throws Fault if something is unfinished that must not be. */
  virtual void at_end() {}
};

/** Shared addresses are 32 bits: the offset, and in the upper byte the CTA's rank in the cluster, the own CTA's too. */
inline constexpr uint32_t kClusterRankShift = 24;

/** bar.sync and its kin. */
struct NamedBarrier {
  uint32_t arrived_threads = 0;
  int line = 0;  ///< of the PTX, where the first to arrive stands
  uint64_t generation = 0;
  uint64_t predicates = 0;  ///< of those who have arrived: how many hold, and in the upper half how many came
  uint64_t result = 0;      ///< of the generation before
  Clock clock;              ///< of those who have arrived
  Clock released;           ///< of the generation before
};

/** The last access of a warp to the shared memory of another CTA. */
struct Visit {
  uint32_t epoch = 0;
  int line = 0;
};

struct Cta {
  LaunchContext* launch = nullptr;
  Cluster* cluster = nullptr;
  Dim3 index;
  uint32_t rank = 0;  ///< in the cluster
  Dim3 index_in_cluster;
  SharedMemory shared;
  std::vector<std::shared_ptr<Warp>> warps;  ///< shared_ptr: Warp is not complete here
  uint32_t living_warps = 0;
  std::array<NamedBarrier, 16> barriers;
  std::unique_ptr<Extension> mbarriers;
  std::unique_ptr<Extension> tensor_memory;
  bool launched_dependents = false;
  bool waited = false;        ///< a thread has executed griddepcontrol.wait
  std::vector<Visit> visits;  ///< by agent; empty if nobody came

  Cta(uint32_t shared_bytes, const Order* order) : shared(shared_bytes, order) {}
};

/** CTAs that run together, on one host thread: so nothing in a cluster needs a lock. */
struct Cluster {
  LaunchContext* launch = nullptr;
  uint32_t number = 0;  ///< in the grid
  Order order;
  std::vector<std::unique_ptr<Cta>> ctas;
  std::mt19937_64 random;
  std::unique_ptr<Extension> barrier;  ///< barrier.cluster
  EngineWork engine_work;

  Cluster(size_t warps, size_t size) : order(warps, size), engine_work(&random) {}
};

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_EXEC_CTA_H_
