/**
 * Barriers of a CTA (bar, barrier), of lanes (bar.warp.sync), and fences.
 */
#include "softgpu/exec/lanes.h"

namespace ternary::softgpu {
namespace {

using ptx::Type;

/** What a barrier makes of the predicates that come with it. */
enum class Reduction : uint8_t { none, count, all, any };

struct BarrierShape {
  bool waits;    ///< bar.arrive does not
  bool counted;  ///< names how many threads meet; otherwise all of the CTA
  bool negated;
  Reduction reduction;
};

uint32_t uniform(Warp& warp, Slot slot, uint32_t mask, const char* what) {
  const uint32_t* lanes = warp.lanes<uint32_t>(slot);
  uint32_t value = lanes[__builtin_ctz(mask)];
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    int lane = __builtin_ctz(rest);
    if (lanes[lane] != value) throw Fault(FaultKind::illegal, std::string(what) + " differs between lanes", lane);
  }
  return value;
}

/** Threads of the CTA that have not exited; whole warps count as 32, as bar's thread counts do. */
uint32_t living_threads(Cta& cta) {
  uint32_t threads = 0;
  for (const auto& warp : cta.warps) threads += static_cast<uint32_t>(__builtin_popcount(warp->living()));
  return threads;
}

void arrive(Warp& warp, NamedBarrier& barrier, uint32_t lanes, bool counted, uint32_t id) {
  int line = warp.current().source->line;
  if (barrier.arrived_threads == 0) {
    barrier.clock.clear();
    barrier.predicates = 0;
    barrier.line = line;
  }
  if (!counted && barrier.line != line) {
    throw Fault(FaultKind::divergence, "warps of the CTA meet at barrier " + std::to_string(id) +
                                           " from different instructions, PTX lines " + std::to_string(barrier.line) +
                                           " and " + std::to_string(line));
  }
  barrier.arrived_threads += static_cast<uint32_t>(__builtin_popcount(lanes));
  warp.cta().cluster->order.release(warp.agent(), &barrier.clock);
}

void complete(NamedBarrier& barrier, uint32_t expected) {
  if (barrier.arrived_threads < expected) return;
  ++barrier.generation;
  barrier.arrived_threads = 0;
  barrier.released = barrier.clock;
  barrier.result = barrier.predicates;
}

uint32_t expected_threads(Warp& warp, const Instruction& instruction, const BarrierShape& shape, uint32_t mask) {
  if (!shape.counted) return living_threads(warp.cta());
  uint32_t count = uniform(warp, instruction.op[1], mask, "the thread count of a barrier");
  if (count == 0 || count % kWarpLanes) {
    throw Fault(FaultKind::illegal, "a barrier of " + std::to_string(count) + " threads: a multiple of 32 is needed");
  }
  return count;
}

/** op: id, [count], then of a reduction: destination, predicate. */
void reduce(Warp& warp, const Instruction& instruction, const BarrierShape& shape, const NamedBarrier& barrier,
            uint32_t mask) {
  Slot to = instruction.op[shape.counted ? 2 : 1];
  uint32_t held = static_cast<uint32_t>(barrier.result), threads = static_cast<uint32_t>(barrier.result >> 32);
  if (shape.reduction == Reduction::count) {
    each_lane(warp.lanes<uint32_t>(to), mask, [=](int) { return held; });
  } else {
    bool holds = shape.reduction == Reduction::all ? held == threads : held > 0;
    warp.set_predicate(to, mask, holds ? kAllLanes : 0);
  }
}

Step execute_barrier(Warp& warp, const Instruction& instruction, uint32_t mask) {
  const BarrierShape& shape = *static_cast<const BarrierShape*>(instruction.detail);
  uint32_t id = uniform(warp, instruction.op[0], mask, "the number of a barrier");
  if (id > 15) throw Fault(FaultKind::illegal, "barrier " + std::to_string(id) + ": there are 0 to 15");
  NamedBarrier& barrier = warp.cta().barriers[id];
  uint32_t expected = expected_threads(warp, instruction, shape, mask);
  uint32_t coming = shape.waits ? mask & ~warp.barrier_lanes[id] : mask;
  if (coming) {
    arrive(warp, barrier, coming, shape.counted, id);
    if (shape.reduction != Reduction::none) {
      uint32_t predicate = warp.predicate(instruction.op[shape.counted ? 3 : 2]);
      if (shape.negated) predicate = ~predicate;
      barrier.predicates += static_cast<uint32_t>(__builtin_popcount(predicate & coming));
    }
    barrier.predicates += uint64_t{static_cast<uint32_t>(__builtin_popcount(coming))} << 32;
    if (!shape.waits) {
      complete(barrier, expected);
      return Step::next;
    }
    warp.barrier_lanes[id] |= coming;
    warp.barrier_generation[id] = barrier.generation;
  }
  if (barrier.generation == warp.barrier_generation[id]) complete(barrier, expected);
  if (barrier.generation == warp.barrier_generation[id]) return Step::wait;
  warp.barrier_lanes[id] &= ~mask;
  warp.cta().cluster->order.acquire(warp.agent(), barrier.released);
  if (shape.reduction != Reduction::none) reduce(warp, instruction, shape, barrier, mask);
  return Step::next;
}

/** bar{.cta}.sync a{, b}; bar.red.op d, a{, b}, p; bar.arrive a, b. `aligned`: bar's, whose warps come whole. */
template <bool aligned>
void decode_barrier(Decoder& decoder, Instruction& instruction) {
  decoder.take("cta");
  bool whole = decoder.take("aligned") || aligned;
  std::string form = decoder.need_one_of({"sync", "arrive", "red"});
  BarrierShape shape{form != "arrive", false, false, Reduction::none};
  size_t first = 0, sources = decoder.operand_count();
  if (form == "red") {
    std::string how = decoder.need_one_of({"popc", "and", "or"});
    decoder.take_type({Type::u32, Type::pred});
    shape.reduction = how == "popc" ? Reduction::count : how == "and" ? Reduction::all : Reduction::any;
    first = 1;
    sources -= 2;
  }
  decoder.need(sources >= 1 && sources <= 2, "a barrier's number and maybe its thread count are needed");
  shape.counted = sources == 2;
  decoder.need(form != "arrive" || shape.counted, "arrive needs a thread count");
  decoder.read(first, Type::u32);
  if (shape.counted) decoder.read(first + 1, Type::u32);
  if (form == "red") {
    decoder.write(size_t{0}, shape.reduction == Reduction::count ? Type::u32 : Type::pred);
    const ptx::Operand& predicate = decoder.operand(decoder.operand_count() - 1);
    shape.negated = predicate.kind == ptx::Operand::Kind::negated;
    decoder.read(shape.negated ? predicate.elements[0] : predicate, Type::pred);
  }
  instruction.gather = whole ? Gather::warp : Gather::none;
  instruction.detail = decoder.keep(shape);
  instruction.execute = execute_barrier;
}

Step execute_nothing(Warp&, const Instruction&, uint32_t) { return Step::next; }

void decode_warp_barrier(Decoder& decoder, Instruction& instruction) {
  decoder.need_operands(1, 1);
  decoder.members(0);
  instruction.execute = execute_nothing;
}

/** What a fence orders besides accesses of its CTA. */
enum Fenced : uint8_t { kNothing, kOwnShared, kCluster, kGrid };

/** a: what it orders. */
Step execute_fence(Warp& warp, const Instruction& instruction, uint32_t) {
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  Order& order = warp.cta().cluster->order;
  if (instruction.a == kOwnShared) order.fence_own_shared(warp.agent());
  if (instruction.a >= kCluster) order.fence(warp.agent());
  if (instruction.a != kGrid) return Step::next;
  warp.release();
  warp.acquire();
  return Step::next;
}

void decode_membar(Decoder& decoder, Instruction& instruction) {
  instruction.a = decoder.need_one_of({"cta", "gl", "sys"})[0] == 'c' ? kNothing : kGrid;
  decoder.need_operands(0, 0);
  instruction.execute = execute_fence;
}

/** fence{.sc, .acq_rel}.scope; .acquire and .release are for shared memory of a cluster alone. */
void decode_fence(Decoder& decoder, Instruction& instruction) {
  std::string scope = decoder.need_one_of({"cta", "cluster", "gpu", "sys"});
  instruction.a = scope == "cta" ? kNothing : scope == "cluster" ? kCluster : kGrid;
  if (const char* one_sided = decoder.take_one_of({"acquire", "release"})) {
    decoder.need_one_of({one_sided[0] == 'a' ? "sync_restrict::shared::cluster" : "sync_restrict::shared::cta"});
    decoder.need(scope == "cluster", ".sync_restrict is of .cluster scope");
    instruction.a = one_sided[0] == 'a' ? kNothing : kOwnShared;
  } else {
    decoder.take_one_of({"sc", "acq_rel"});
  }
  decoder.need_operands(0, 0);
  instruction.execute = execute_fence;
}

/** Engines see what warps wrote only behind such a fence: see Order and GridOrder. a: to shared memory, b: to global. */
void decode_async_fence(Decoder& decoder, Instruction& instruction) {
  const char* space = decoder.take_one_of({"global", "shared::cta", "shared::cluster"});
  decoder.need_operands(0, 0);
  instruction.a = !space || space[0] == 's';
  instruction.b = !space || space[0] == 'g';
  instruction.execute = [](Warp& warp, const Instruction& fence, uint32_t) {
    warp.proxy_fence(fence.a != 0, fence.b != 0);
    return Step::next;
  };
}

void decode_alias_fence(Decoder& decoder, Instruction& instruction) {
  decoder.need_operands(0, 0);
  instruction.execute = execute_fence;
}

/** A tensor map is looked at when a copy begins and when it ends, so its fence orders CTAs and nothing else. */
void decode_tensor_map_fence(Decoder& decoder, Instruction& instruction) {
  const std::string side = decoder.need_one_of({"acquire", "release"});
  const std::string scope = decoder.need_one_of({"cta", "cluster", "gpu", "sys"});
  decoder.need_operands(side == "acquire" ? 2 : 0, side == "acquire" ? 2 : 0);
  if (side == "acquire") {
    decoder.read_address(0, ptx::Space::none);
    decoder.need(decoder.constant(1) == 128, "a tensor map has 128 bytes");
  }
  instruction.a = scope == "gpu" || scope == "sys";
  instruction.execute = execute_fence;
}

void decode_mbarrier_fence(Decoder& decoder, Instruction& instruction) {
  decoder.need(decoder.take("release"), ".release is missing");
  decoder.need(decoder.take("cluster"), ".cluster is missing");
  decoder.need_operands(0, 0);
  instruction.execute = execute_fence;
}

const OpcodeRow kRows[] = {
    {"bar", decode_barrier<true>},
    {"barrier", decode_barrier<false>},
    {"bar.warp.sync", decode_warp_barrier},
    {"membar", decode_membar},
    {"fence", decode_fence},
    {"fence.proxy.async", decode_async_fence},
    {"fence.proxy.alias", decode_alias_fence},
    {"fence.proxy.tensormap::generic", decode_tensor_map_fence},
    {"fence.mbarrier_init", decode_mbarrier_fence},
};

}  // namespace

Family barrier_opcodes() { return family_of(kRows); }

}  // namespace ternary::softgpu
