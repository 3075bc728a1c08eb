// cp.async.bulk.commit_group and .wait_group.
#include "softgpu/blackwell/bulk_groups.h"

#include <algorithm>

#include "softgpu/code/opcode.h"

namespace ternary::softgpu {

BulkGroups& BulkGroups::of(Warp& warp) {
  if (!warp.bulk_groups) warp.bulk_groups = std::make_unique<BulkGroups>();
  return static_cast<BulkGroups&>(*warp.bulk_groups);
}

void BulkGroups::add(uint32_t lanes, uint64_t item, const Issue& reading, const Issue& writing) {
  while (lanes != 0) {
    const uint32_t group = group_[__builtin_ctz(lanes)];
    uint32_t same = 0;
    for (uint32_t rest = lanes; rest; rest &= rest - 1) {
      if (group_[__builtin_ctz(rest)] == group) same |= rest & -rest;
    }
    copies_.push_back({same, group, item, reading.clock, writing.clock});
    lanes &= ~same;
  }
}

void BulkGroups::commit(uint32_t mask) {
  for (int lane = 0; lane < kWarpLanes; ++lane) group_[lane] += mask >> lane & 1;
}

void BulkGroups::wait(Warp& warp, uint32_t mask, uint32_t pending, bool reads_alone) {
  Cluster& cluster = *warp.cta().cluster;
  for (Copy& copy : copies_) {
    uint32_t waited = 0;
    for (uint32_t rest = copy.lanes & mask; rest; rest &= rest - 1) {
      if (uint64_t{copy.group} + pending < group_[__builtin_ctz(rest)]) waited |= rest & -rest;
    }
    if (waited == 0) continue;
    cluster.engine_work.finish(copy.item);
    cluster.order.acquire(warp.agent(), reads_alone ? copy.read : copy.written);
    if (!reads_alone) copy.lanes &= ~waited;
  }
  const auto done = [](const Copy& copy) { return copy.lanes == 0; };
  copies_.erase(std::remove_if(copies_.begin(), copies_.end(), done), copies_.end());
}

namespace {

void decode_commit(Decoder& decoder, Instruction& instruction) {
  decoder.need_operands(0, 0);
  instruction.execute = [](Warp& warp, const Instruction&, uint32_t mask) {
    BulkGroups::of(warp).commit(mask);
    return Step::next;
  };
}

/** .read waits for the reads of shared memory alone; the writes are made together with them here, but not known. */
void decode_wait(Decoder& decoder, Instruction& instruction) {
  instruction.a = decoder.take("read");
  decoder.need_operands(1, 1);
  instruction.value = decoder.constant(0);
  instruction.execute = [](Warp& warp, const Instruction& wait, uint32_t mask) {
    BulkGroups::of(warp).wait(warp, mask, static_cast<uint32_t>(wait.value), wait.a != 0);
    return Step::next;
  };
}

constexpr OpcodeRow kRows[] = {{"cp.async.bulk.commit_group", decode_commit},
                               {"cp.async.bulk.wait_group", decode_wait}};

}  // namespace

Family bulk_group_opcodes() { return family_of(kRows); }

}  // namespace ternary::softgpu
