// cp.async.bulk without a tensor map: stretches of bytes, into shared memory and out of it.
#include "softgpu/blackwell/bulk_copy.h"

#include <cstring>

#include "softgpu/blackwell/bulk_groups.h"
#include "softgpu/code/opcode.h"

namespace ternary::softgpu {

using ptx::Space;
using ptx::Type;

namespace {

constexpr uint32_t kStep = 16;

}  // namespace

void Source::take(Warp& warp, const Issue& issue, uint64_t address, uint32_t bytes, uint8_t* to, int lane) {
  if (bytes == 0) return;
  std::memcpy(to, warp.access_by_engine(issue.engine, issue.epoch, address, bytes, Access::read, lane), bytes);
  warp.counts().copied += bytes;
  keep(address, to, bytes);
}

void Source::keep(uint64_t address, const uint8_t* bytes, uint32_t count) {
  parts_.push_back({reinterpret_cast<const uint8_t*>(address), std::vector<uint8_t>(bytes, bytes + count)});
}

void Source::check(const char* what) const {
  for (const Part& part : parts_) {
    if (std::memcmp(part.at, part.taken.data(), part.taken.size()) == 0) continue;
    throw Fault(FaultKind::race, std::string(what) + " was written while the copy was in flight");
  }
}

void note_write(Warp& warp, const Issue& issue, uint64_t address, uint32_t bytes, int lane) {
  if (bytes == 0) return;
  warp.access_by_engine(issue.engine, issue.epoch, address, bytes, Access::write, lane);
  warp.counts().copied += bytes;
}

namespace {

uint32_t checked_size(uint32_t bytes, int lane) {
  if (bytes % kStep != 0) throw Fault(FaultKind::misaligned, "a bulk size that is no multiple of 16", lane);
  return bytes;
}

void check_aligned(uint64_t address, int lane) {
  if (address % kStep != 0) throw Fault(FaultKind::misaligned, "a bulk copy that is not aligned to 16 bytes", lane);
}

/** Addresses: mbarrier, destination, source; op[3]: bytes. */
Step execute_load(Warp& warp, const Instruction& instruction, uint32_t mask) {
  uint64_t barriers[kWarpLanes], to[kWarpLanes], from[kWarpLanes];
  warp.addresses(instruction, instruction.address[0], barriers);
  warp.addresses(instruction, instruction.address[1], to);
  warp.addresses(instruction, instruction.address[2], from);
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    const int lane = __builtin_ctz(rest);
    const uint32_t bytes = checked_size(warp.lanes<uint32_t>(instruction.op[3])[lane], lane);
    const Place barrier = find_mbarrier(warp, Space::shared, barriers[lane], lane);
    const Place destination = warp.place(Space::shared, to[lane], lane);
    check_aligned(destination.address, lane);
    check_aligned(from[lane], lane);
    if (destination.cta != barrier.cta) {
      throw Fault(FaultKind::illegal, "a bulk copy to one CTA that completes on an mbarrier of another", lane);
    }
    const Issue issue = issue_to(EngineWork::Engine::copy, warp);
    auto taken = std::make_shared<std::vector<uint8_t>>(bytes);
    Source source;
    source.take(warp, issue, from[lane], bytes, taken->data(), lane);
    begin_write(warp, issue, *destination.cta, destination.address, bytes, lane);
    enqueue(issue, {destination.cta}, [=] {
      source.check("the source of a cp.async.bulk");
      SharedMemory& shared = destination.cta->shared;
      std::memcpy(shared.end_engine_write(issue.engine, issue.epoch, destination.address, bytes, issue.line),
                  taken->data(), bytes);
      complete(issue, *destination.cta, barrier.address, bytes);
    });
  }
  return Step::next;
}

/** Addresses: destination, source; op[2]: bytes. */
Step execute_store(Warp& warp, const Instruction& instruction, uint32_t mask) {
  uint64_t to[kWarpLanes], from[kWarpLanes];
  warp.addresses(instruction, instruction.address[0], to);
  warp.addresses(instruction, instruction.address[1], from);
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    const int lane = __builtin_ctz(rest);
    const uint32_t bytes = checked_size(warp.lanes<uint32_t>(instruction.op[2])[lane], lane);
    const Place source = warp.place(Space::shared, from[lane], lane);
    check_aligned(source.address, lane);
    check_aligned(to[lane], lane);
    if (source.cta != &warp.cta()) throw Fault(FaultKind::address, "a bulk store from another CTA's memory", lane);
    const Issue issue = issue_to(EngineWork::Engine::copy, warp);
    const Issue writing = next_part(issue);
    note_write(warp, writing, to[lane], bytes, lane);
    begin_read(warp, issue, *source.cta, source.address, bytes, lane);
    auto* destination = reinterpret_cast<uint8_t*>(to[lane]);
    const uint64_t item = enqueue(issue, {}, [=] {
      std::memcpy(destination,
                  source.cta->shared.end_engine_read(issue.engine, issue.epoch, source.address, bytes, issue.line),
                  bytes);
    });
    BulkGroups::of(warp).add(1u << lane, item, issue, writing);
  }
  return Step::next;
}

void decode_bulk(Decoder& decoder, Instruction& instruction) {
  decoder.need(decoder.arch() >= 90, "cp.async.bulk needs sm_90");
  const bool loads = decoder.has("mbarrier::complete_tx::bytes");
  decoder.need_one_of({"global"});
  const size_t hint = decoder.take_cache_hints();
  if (loads) {
    decoder.take("mbarrier::complete_tx::bytes");
    decoder.need_one_of({"shared::cluster", "shared::cta"});
    decoder.need_operands(4 + hint, 4 + hint);
    decoder.read_address(3, Space::shared);
    decoder.read_address(0, Space::shared);
    decoder.read_address(1, Space::global);
  } else {
    decoder.need_one_of({"bulk_group"});
    decoder.need_one_of({"shared::cta"});
    decoder.need_operands(3 + hint, 3 + hint);
    decoder.read_address(0, Space::global);
    decoder.read_address(1, Space::shared);
  }
  decoder.read(2, Type::u32);
  instruction.execute = loads ? execute_load : execute_store;
}

constexpr OpcodeRow kRows[] = {{"cp.async.bulk", decode_bulk}};

}  // namespace

Family bulk_copy_opcodes() { return family_of(kRows); }

}  // namespace ternary::softgpu
