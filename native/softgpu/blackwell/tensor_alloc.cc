// tcgen05.alloc, .dealloc and .relinquish_alloc_permit.
#include <cstring>

#include "softgpu/blackwell/tensor_memory.h"
#include "softgpu/code/opcode.h"

namespace ternary::softgpu {
namespace {

using ptx::Space;
using ptx::Type;

/** Operands that a whole warp must agree on. */
uint32_t uniform(Warp& warp, Slot slot, uint32_t mask) {
  const uint32_t* lanes = warp.lanes<uint32_t>(slot);
  const int first = __builtin_ctz(mask);
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    const int lane = __builtin_ctz(rest);
    if (lanes[lane] != lanes[first]) throw Fault(FaultKind::illegal, "lanes give different operands", lane);
  }
  return lanes[first];
}

/** Operands: where the address goes, columns. a: for a pair. */
Step execute_alloc(Warp& warp, const Instruction& instruction, uint32_t mask) {
  uint64_t addresses[kWarpLanes];
  warp.addresses(instruction, instruction.address[0], addresses);
  const int lane = __builtin_ctz(mask);
  const Place place = warp.place(instruction.address[0].space, addresses[lane], lane);
  if (place.space != Space::shared || place.cta != &warp.cta()) {
    throw Fault(FaultKind::address, "tcgen05.alloc writes to shared memory of its own CTA", lane);
  }
  uint32_t column;
  const uint32_t columns = uniform(warp, instruction.op[1], mask);
  if (!TensorMemory::of(warp.cta()).allocate(columns, instruction.a != 0, &column)) return Step::wait;
  ++warp.cta().cluster->engine_work.events;
  std::memcpy(warp.access(place, 4, Access::write, lane), &column, 4);
  return Step::next;
}

/** Operands: address, columns. */
Step execute_dealloc(Warp& warp, const Instruction& instruction, uint32_t mask) {
  TensorMemory::of(warp.cta())
      .free(warp, uniform(warp, instruction.op[0], mask), uniform(warp, instruction.op[1], mask));
  ++warp.cta().cluster->engine_work.events;
  return Step::next;
}

bool take_group(Decoder& decoder, Instruction& instruction) {
  decoder.need(decoder.arch() >= 100, "tcgen05 needs sm_100a");
  const bool pair = std::string(decoder.need_one_of({"cta_group::1", "cta_group::2"})).back() == '2';
  decoder.need_one_of({"sync"});
  decoder.need_one_of({"aligned"});
  instruction.gather = Gather::warp;
  instruction.a = pair;
  return pair;
}

void decode_alloc(Decoder& decoder, Instruction& instruction) {
  take_group(decoder, instruction);
  const Space space = decoder.take("shared::cta") ? Space::shared : Space::none;
  decoder.take_type({Type::b32});
  decoder.need_operands(2, 2);
  decoder.read_address(0, space);
  decoder.read(1, Type::b32);
  instruction.execute = execute_alloc;
}

void decode_dealloc(Decoder& decoder, Instruction& instruction) {
  take_group(decoder, instruction);
  decoder.take_type({Type::b32});
  decoder.need_operands(2, 2);
  decoder.read(0, Type::b32);
  decoder.read(1, Type::b32);
  instruction.execute = execute_dealloc;
}

void decode_relinquish(Decoder& decoder, Instruction& instruction) {
  take_group(decoder, instruction);
  decoder.need_operands(0, 0);
  instruction.execute = [](Warp& warp, const Instruction&, uint32_t) {
    TensorMemory::of(warp.cta()).relinquish();
    return Step::next;
  };
}

constexpr OpcodeRow kRows[] = {{"tcgen05.alloc", decode_alloc},
                               {"tcgen05.dealloc", decode_dealloc},
                               {"tcgen05.relinquish_alloc_permit", decode_relinquish}};

}  // namespace

Family tensor_alloc_opcodes() { return family_of(kRows); }

}  // namespace ternary::softgpu
