// cp.async.bulk.commit_group and .wait_group.
#include "softgpu/blackwell/bulk_groups.h"

#include "softgpu/code/opcode.h"

namespace ternary::softgpu {

BulkGroups& BulkGroups::of(Warp& warp) {
  if (!warp.bulk_groups) warp.bulk_groups = std::make_unique<BulkGroups>();
  return static_cast<BulkGroups&>(*warp.bulk_groups);
}

void BulkGroups::add(int lane, uint64_t item, const Issue& issue) {
  copies_.push_back({lane, group_[lane], item, issue.clock});
}

void BulkGroups::commit(uint32_t mask) {
  for (int lane = 0; lane < kWarpLanes; ++lane) group_[lane] += mask >> lane & 1;
}

void BulkGroups::wait(Warp& warp, uint32_t mask, uint32_t pending) {
  Cluster& cluster = *warp.cta().cluster;
  size_t kept = 0;
  for (size_t i = 0; i < copies_.size(); ++i) {
    const Copy& copy = copies_[i];
    if ((mask >> copy.lane & 1) && uint64_t{copy.group} + pending < group_[copy.lane]) {
      cluster.engine_work.finish(copy.item);
      cluster.order.acquire(warp.agent(), copy.clock);
    } else {
      if (kept != i) copies_[kept] = std::move(copies_[i]);
      ++kept;
    }
  }
  copies_.resize(kept);
}

namespace {

void decode_commit(Decoder& decoder, Instruction& instruction) {
  decoder.need_operands(0, 0);
  instruction.execute = [](Warp& warp, const Instruction&, uint32_t mask) {
    BulkGroups::of(warp).commit(mask);
    return Step::next;
  };
}

/** .read waits for the reads of shared memory alone; the writes are made together with them here. */
void decode_wait(Decoder& decoder, Instruction& instruction) {
  decoder.take("read");
  decoder.need_operands(1, 1);
  instruction.value = decoder.constant(0);
  instruction.execute = [](Warp& warp, const Instruction& wait, uint32_t mask) {
    BulkGroups::of(warp).wait(warp, mask, static_cast<uint32_t>(wait.value));
    return Step::next;
  };
}

constexpr OpcodeRow kRows[] = {{"cp.async.bulk.commit_group", decode_commit},
                               {"cp.async.bulk.wait_group", decode_wait}};

}  // namespace

Family bulk_group_opcodes() { return family_of(kRows); }

}  // namespace ternary::softgpu
