// Clusters: barrier.cluster, mapa and getctarank. Accesses to another CTA's shared memory are ld's, st's and atom's.
#include <algorithm>
#include <vector>

#include "softgpu/code/opcode.h"
#include "softgpu/exec/cta.h"
#include "softgpu/exec/warp.h"

namespace ternary::softgpu {
namespace {

using ptx::Space;
using ptx::Type;

/** barrier.cluster. Every thread arrives once, then waits once; threads that have exited count as arrived. */
class ClusterBarrier : public Extension {
 public:
  static ClusterBarrier& of(Cluster& cluster) {
    if (!cluster.barrier) cluster.barrier = std::make_unique<ClusterBarrier>(cluster);
    return static_cast<ClusterBarrier&>(*cluster.barrier);
  }

  explicit ClusterBarrier(Cluster& cluster) : cluster_(cluster) {
    for (const auto& cta : cluster.ctas) {
      for (const auto& warp : cta->warps) agents_ = std::max(agents_, warp->agent() + 1);
    }
    arrived_.resize(agents_);
    may_leave_.resize(agents_);
  }

  void arrive(Warp& warp, uint32_t mask, bool release) {
    const size_t agent = warp.agent();
    if (const uint32_t again = mask & (arrived_[agent] | may_leave_[agent])) {
      throw Fault(FaultKind::illegal, "a second barrier.cluster.arrive before the wait", __builtin_ctz(again));
    }
    arrived_[agent] |= mask;
    if (release) cluster_.order.fence(agent);
    cluster_.order.release_fenced(agent, &clock_);
    cluster_.order.release_inits(agent, &clock_);
    complete_if_all_arrived();
  }

  /** True if the lanes may go on. */
  bool wait(Warp& warp, uint32_t mask) {
    const size_t agent = warp.agent();
    complete_if_all_arrived();
    if (const uint32_t strangers = mask & ~(arrived_[agent] | may_leave_[agent])) {
      throw Fault(FaultKind::illegal, "barrier.cluster.wait without arrive", __builtin_ctz(strangers));
    }
    if (mask & ~may_leave_[agent]) return false;
    may_leave_[agent] &= ~mask;
    cluster_.order.acquire(agent, released_);
    return true;
  }

 private:
  void complete_if_all_arrived() {
    for (const auto& cta : cluster_.ctas) {
      for (const auto& warp : cta->warps) {
        if (warp->living() & ~arrived_[warp->agent()]) return;
      }
    }
    may_leave_.swap(arrived_);  // nobody was still to leave, or that thread could not have arrived again
    std::fill(arrived_.begin(), arrived_.end(), 0);
    released_.swap(clock_);
    clock_.clear();
  }

  Cluster& cluster_;
  size_t agents_ = 0;
  std::vector<uint32_t> arrived_;    ///< lanes by agent
  std::vector<uint32_t> may_leave_;  ///< lanes that arrived in the generation before and have not waited
  Clock clock_, released_;
};

Step execute_arrive(Warp& warp, const Instruction& instruction, uint32_t mask) {
  ClusterBarrier::of(*warp.cta().cluster).arrive(warp, mask, instruction.a != 0);
  return Step::next;
}

Step execute_wait(Warp& warp, const Instruction&, uint32_t mask) {
  return ClusterBarrier::of(*warp.cta().cluster).wait(warp, mask) ? Step::next : Step::wait;
}

void decode_barrier(Decoder& decoder, Instruction& instruction) {
  decoder.need(decoder.arch() >= 90, "clusters need sm_90");
  const bool arrives = std::string(decoder.need_one_of({"arrive", "wait"})) == "arrive";
  // The default is .release of an arrive, .acquire of a wait.
  const bool relaxed = arrives && decoder.take("relaxed");
  if (!relaxed) decoder.take(arrives ? "release" : "acquire");
  if (decoder.take("aligned")) instruction.gather = Gather::warp;
  decoder.need_operands(0, 0);
  instruction.a = !relaxed;
  instruction.execute = arrives ? execute_arrive : execute_wait;
}

/** Operands d, address, rank; a: the address is generic. */
template <typename Word>
Step execute_mapa(Warp& warp, const Instruction& instruction, uint32_t mask) {
  uint64_t addresses[kWarpLanes];
  warp.addresses(instruction, instruction.address[0], addresses);
  const uint32_t* ranks = warp.lanes<uint32_t>(instruction.op[2]);
  const Cluster& cluster = *warp.cta().cluster;
  const size_t ctas = cluster.ctas.size();
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    const int lane = __builtin_ctz(rest);
    const Place place = warp.place(instruction.address[0].space, addresses[lane], lane);
    if (place.space != Space::shared) throw Fault(FaultKind::address, "mapa of an address that is not shared", lane);
    if (ranks[lane] >= ctas) {
      throw Fault(FaultKind::illegal,
                  "mapa to CTA " + std::to_string(ranks[lane]) + " of a cluster of " + std::to_string(ctas), lane);
    }
    uint64_t mapped = (uint64_t{ranks[lane]} << kClusterRankShift) | place.address;
    if (instruction.a) mapped = reinterpret_cast<uint64_t>(cluster.ctas[ranks[lane]]->shared.data()) + place.address;
    warp.lanes<Word>(instruction.op[0])[lane] = static_cast<Word>(mapped);
  }
  return Step::next;
}

Step execute_rank(Warp& warp, const Instruction& instruction, uint32_t mask) {
  uint64_t addresses[kWarpLanes];
  warp.addresses(instruction, instruction.address[0], addresses);
  uint32_t* d = warp.lanes<uint32_t>(instruction.op[0]);
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    const int lane = __builtin_ctz(rest);
    const Place place = warp.place(instruction.address[0].space, addresses[lane], lane);
    if (place.space != Space::shared) throw Fault(FaultKind::address, "an address that is not shared", lane);
    d[lane] = place.cta->rank;
  }
  return Step::next;
}

Space take_cluster_space(Decoder& decoder) {
  decoder.need(decoder.arch() >= 90, "clusters need sm_90");
  return decoder.take("shared::cluster") ? Space::shared : Space::none;
}

void decode_mapa(Decoder& decoder, Instruction& instruction) {
  const Space space = take_cluster_space(decoder);
  const Type type = decoder.take_type({Type::u32, Type::u64});
  decoder.need(space == Space::shared || type == Type::u64, "a generic address has 64 bits");
  decoder.need_operands(3, 3);
  decoder.write(0, type);
  decoder.read_address(1, space);
  decoder.read(2, Type::u32);
  instruction.a = space == Space::none;
  instruction.execute = type == Type::u64 ? execute_mapa<uint64_t> : execute_mapa<uint32_t>;
}

void decode_rank(Decoder& decoder, Instruction& instruction) {
  const Space space = take_cluster_space(decoder);
  decoder.take_type({Type::u32, Type::u64});
  decoder.need_operands(2, 2);
  decoder.write(0, Type::u32);
  decoder.read_address(1, space);
  instruction.execute = execute_rank;
}

constexpr OpcodeRow kRows[] = {{"barrier.cluster", decode_barrier}, {"mapa", decode_mapa}, {"getctarank", decode_rank}};

}  // namespace

Family cluster_opcodes() { return family_of(kRows); }

}  // namespace ternary::softgpu
