// cp.async with groups. Data lands at the wait and not before: a wait that is missing or waits for too little shows as
// a read of bytes that a copy is still on its way to.
#include "softgpu/opcodes/async_copy.h"

#include <algorithm>
#include <cstring>

#include "softgpu/code/opcode.h"
#include "softgpu/exec/cta.h"

namespace ternary::softgpu {

using ptx::Space;
using ptx::Type;

AsyncCopies& AsyncCopies::of(Warp& warp) {
  if (!warp.async_copies) warp.async_copies = std::make_unique<AsyncCopies>();
  return static_cast<AsyncCopies&>(*warp.async_copies);
}

void AsyncCopies::issue(Warp& warp, AsyncCopy copy) {
  copy.group = group_[copy.lane];
  warp.cta().shared.begin_copy(copy.destination, copy.bytes);
  in_flight_.push_back(copy);
}

void AsyncCopies::commit(uint32_t mask) {
  for (int lane = 0; lane < kWarpLanes; ++lane) group_[lane] += mask >> lane & 1;
}

void AsyncCopies::land(Cta& cta, size_t agent, const AsyncCopy& copy) {
  if (copy.source && std::memcmp(copy.source, copy.taken, copy.source_bytes) != 0) {
    throw Fault(FaultKind::race, "the source of a cp.async was written while the copy was in flight", copy.lane);
  }
  std::memcpy(cta.shared.end_copy(agent, copy.destination, copy.bytes, copy.line), copy.taken, copy.bytes);
}

namespace {

/** Lands and removes the copies for which `due` holds. */
template <typename Due>
void land_if(Warp& warp, std::vector<AsyncCopy>* copies, Due due) {
  size_t kept = 0;
  for (size_t i = 0; i < copies->size(); ++i) {
    const AsyncCopy& copy = (*copies)[i];
    if (due(copy)) {
      AsyncCopies::land(warp.cta(), warp.agent(), copy);
    } else {
      (*copies)[kept++] = copy;
    }
  }
  copies->resize(kept);
}

}  // namespace

void AsyncCopies::wait_group(Warp& warp, uint32_t mask, uint32_t pending) {
  land_if(warp, &in_flight_, [&](const AsyncCopy& copy) {
    return (mask >> copy.lane & 1) && uint64_t{copy.group} + pending < group_[copy.lane];
  });
}

void AsyncCopies::wait_all(Warp& warp, uint32_t mask) {
  land_if(warp, &in_flight_, [&](const AsyncCopy& copy) { return (mask >> copy.lane & 1) != 0; });
}

std::vector<AsyncCopy> AsyncCopies::take(uint32_t mask) {
  std::vector<AsyncCopy> taken;
  const auto rest = std::stable_partition(in_flight_.begin(), in_flight_.end(),
                                          [&](const AsyncCopy& copy) { return !(mask >> copy.lane & 1); });
  taken.assign(rest, in_flight_.end());
  in_flight_.erase(rest, in_flight_.end());
  return taken;
}

namespace {

/** Bytes that the lane reads: op[2], if instruction.b says that there is one, is src-size or ignore-src. */
uint32_t source_bytes_of(Warp& warp, const Instruction& instruction, int lane) {
  const uint32_t bytes = instruction.a;
  if (!instruction.b) return bytes;
  if (instruction.op[2].bits == 1) return warp.predicate(instruction.op[2]) >> lane & 1 ? 0 : bytes;
  const uint32_t wanted = warp.lanes<uint32_t>(instruction.op[2])[lane];
  if (wanted > bytes) {
    throw Fault(FaultKind::illegal,
                "src-size " + std::to_string(wanted) + " is more than cp-size " + std::to_string(bytes), lane);
  }
  return wanted;
}

Step execute_copy(Warp& warp, const Instruction& instruction, uint32_t mask) {
  AsyncCopies& copies = AsyncCopies::of(warp);
  uint64_t to[kWarpLanes], from[kWarpLanes];
  warp.addresses(instruction, instruction.address[0], to);
  warp.addresses(instruction, instruction.address[1], from);
  uint32_t reading = 0;
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    const int lane = __builtin_ctz(rest);
    AsyncCopy copy = {};
    copy.line = instruction.source->line;
    copy.lane = static_cast<uint8_t>(lane);
    copy.bytes = static_cast<uint8_t>(instruction.a);
    copy.source_bytes = static_cast<uint8_t>(source_bytes_of(warp, instruction, lane));
    const Place destination = warp.place(Space::shared, to[lane], lane);
    if (destination.cta != &warp.cta()) {
      throw Fault(FaultKind::address, "cp.async writes to the shared memory of another CTA", lane);
    }
    warp.access(destination, copy.bytes, Access::write, lane);
    copy.destination = static_cast<uint32_t>(destination.address);
    if (from[lane] % copy.bytes != 0) {
      throw Fault(FaultKind::misaligned,
                  "the source of a cp.async is not aligned to " + std::to_string(copy.bytes) + " bytes", lane);
    }
    if (copy.source_bytes != 0) {
      reading |= 1u << lane;
      // A power of two at a time: src-size may be any number of bytes.
      for (uint32_t at = 0; at < copy.source_bytes;) {
        uint32_t step = copy.bytes;
        while (step > copy.source_bytes - at) step /= 2;
        const uint8_t* part = warp.access(Space::global, from[lane] + at, step, Access::read, lane);
        if (at == 0) copy.source = part;
        std::memcpy(copy.taken + at, part, step);
        at += step;
      }
    }
    copies.issue(warp, copy);
  }
  if (reading) warp.count_access(Space::global, reading, from, instruction.a);
  return Step::next;
}

void decode_copy(Decoder& decoder, Instruction& instruction) {
  const std::string cache = decoder.need_one_of({"ca", "cg"});
  decoder.need_one_of({"shared", "shared::cta"});
  decoder.need_one_of({"global"});
  const size_t hint = decoder.take_cache_hints();
  decoder.need_operands(3 + hint, 4 + hint);
  decoder.read_address(0, Space::shared);
  decoder.read_address(1, Space::global);
  const uint64_t bytes = decoder.constant(2);
  decoder.need(bytes == 16 || (cache == "ca" && (bytes == 4 || bytes == 8)), "cp-size is 4, 8 or 16, and 16 with .cg");
  instruction.a = static_cast<uint32_t>(bytes);
  instruction.b = decoder.operand_count() == 4 + hint;
  if (instruction.b) decoder.read(3, decoder.is_predicate(3) ? Type::pred : Type::u32);
  instruction.execute = execute_copy;
}

void decode_commit(Decoder& decoder, Instruction& instruction) {
  decoder.need_operands(0, 0);
  instruction.execute = [](Warp& warp, const Instruction&, uint32_t mask) {
    AsyncCopies::of(warp).commit(mask);
    return Step::next;
  };
}

void decode_wait_group(Decoder& decoder, Instruction& instruction) {
  decoder.need_operands(1, 1);
  instruction.value = decoder.constant(0);
  instruction.execute = [](Warp& warp, const Instruction& wait, uint32_t mask) {
    AsyncCopies::of(warp).wait_group(warp, mask, static_cast<uint32_t>(wait.value));
    return Step::next;
  };
}

void decode_wait_all(Decoder& decoder, Instruction& instruction) {
  decoder.need_operands(0, 0);
  instruction.execute = [](Warp& warp, const Instruction&, uint32_t mask) {
    AsyncCopies::of(warp).wait_all(warp, mask);
    return Step::next;
  };
}

constexpr OpcodeRow kRows[] = {{"cp.async", decode_copy},
                               {"cp.async.commit_group", decode_commit},
                               {"cp.async.wait_group", decode_wait_group},
                               {"cp.async.wait_all", decode_wait_all}};

}  // namespace

Family async_copy_opcodes() { return family_of(kRows); }

}  // namespace ternary::softgpu
