/**
 * mov with its packing and unpacking, cvta, isspacep, and special registers that change while a warp runs.
 */
#include <chrono>

#include "softgpu/decode/function_decoder.h"
#include "softgpu/exec/lanes.h"

namespace ternary::softgpu {
namespace {

using ptx::Operand;
using ptx::Space;
using ptx::Type;

struct Same {
  template <class T>
  static SOFTGPU_INLINE T eval(T a) {
    return a;
  }
};

Type bits_type(Decoder& decoder, int bits) {
  switch (bits) {
    case 8: return Type::b8;
    case 16: return Type::b16;
    case 32: return Type::b32;
    case 64: return Type::b64;
    case 128: return Type::b128;
    default: decoder.fail("elements of " + std::to_string(bits) + " bits");
  }
}

/** Lane of a register of any width up to 64 bits. */
uint64_t load(Warp& warp, Slot slot, int lane) {
  return slot.bits == 64 ? warp.lanes<uint64_t>(slot)[lane] : warp.lanes<uint32_t>(slot)[lane];
}
void store(Warp& warp, Slot slot, int lane, uint64_t value) {
  if (slot.bits == 64) {
    warp.lanes<uint64_t>(slot)[lane] = value;
  } else {
    warp.lanes<uint32_t>(slot)[lane] = static_cast<uint32_t>(value);
  }
}

/** b64 {b32, b32}: the halves of the usual 64-bit value. */
Step execute_pack_words(Warp& warp, const Instruction& instruction, uint32_t mask) {
  const uint32_t* low = warp.lanes<uint32_t>(instruction.op[1]);
  const uint32_t* high = warp.lanes<uint32_t>(instruction.op[2]);
  each_lane(warp.lanes<uint64_t>(instruction.op[0]), mask, [=](int i) { return uint64_t{high[i]} << 32 | low[i]; });
  return Step::next;
}

/** a: elements, b: bits of each. */
Step execute_pack(Warp& warp, const Instruction& instruction, uint32_t mask) {
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    int lane = __builtin_ctz(rest);
    uint64_t value = 0;
    for (uint32_t i = 0; i < instruction.a; ++i) {
      value |= load(warp, instruction.op[1 + i], lane) << (i * instruction.b);
    }
    store(warp, instruction.op[0], lane, value);
  }
  return Step::next;
}

Step execute_unpack(Warp& warp, const Instruction& instruction, uint32_t mask) {
  uint64_t inside = instruction.b == 64 ? ~uint64_t{0} : (uint64_t{1} << instruction.b) - 1;
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    int lane = __builtin_ctz(rest);
    uint64_t value = load(warp, instruction.op[instruction.a], lane);
    for (uint32_t i = 0; i < instruction.a; ++i) {
      store(warp, instruction.op[i], lane, value >> (i * instruction.b) & inside);
    }
  }
  return Step::next;
}

/** 128 bits lie as 32 low halves, then 32 high ones. */
uint64_t* halves(Warp& warp, Slot slot, int half) { return warp.lanes<uint64_t>(slot) + half * kWarpLanes; }

Step execute_pack_128(Warp& warp, const Instruction& instruction, uint32_t mask) {
  for (int half = 0; half < 2; ++half) {
    const uint64_t* from = warp.lanes<uint64_t>(instruction.op[1 + half]);
    each_lane(halves(warp, instruction.op[0], half), mask, [=](int i) { return from[i]; });
  }
  return Step::next;
}
Step execute_unpack_128(Warp& warp, const Instruction& instruction, uint32_t mask) {
  for (int half = 0; half < 2; ++half) {
    const uint64_t* from = halves(warp, instruction.op[2], half);
    each_lane(warp.lanes<uint64_t>(instruction.op[half]), mask, [=](int i) { return from[i]; });
  }
  return Step::next;
}
Step execute_move_128(Warp& warp, const Instruction& instruction, uint32_t mask) {
  for (int half = 0; half < 2; ++half) {
    const uint64_t* from = halves(warp, instruction.op[1], half);
    each_lane(halves(warp, instruction.op[0], half), mask, [=](int i) { return from[i]; });
  }
  return Step::next;
}

Step execute_move_predicate(Warp& warp, const Instruction& instruction, uint32_t mask) {
  warp.set_predicate(instruction.op[0], mask, warp.predicate(instruction.op[1]));
  return Step::next;
}

/** %clock and its like: time goes on by one for each instruction that the host thread executed, so that it grows. */
Step execute_clock(Warp& warp, const Instruction& instruction, uint32_t mask) {
  uint64_t now = static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  for (uint32_t rest = mask; rest; rest &= rest - 1) store(warp, instruction.op[0], __builtin_ctz(rest), now);
  return Step::next;
}

bool is_clock(const Operand& operand) {
  for (const char* name : {"%clock", "%clock_hi", "%clock64", "%globaltimer", "%globaltimer_lo", "%globaltimer_hi"}) {
    if (operand.name == name) return true;
  }
  return false;
}

void decode_vector_move(Decoder& decoder, Instruction& instruction, Type type, bool pack) {
  const Operand& vector = decoder.operand(pack ? 1 : 0);
  size_t count = vector.elements.size();
  int bits = ptx::bits(type);
  decoder.need(count == 2 || count == 4 || count == 8, "a vector of 2, 4 or 8 elements is needed");
  Type element = bits_type(decoder, bits / static_cast<int>(count));
  if (pack) {
    decoder.write(size_t{0}, type);
    decoder.read_vector(1, element, count);
  } else {
    decoder.write_vector(0, element, count);
    decoder.read(1, type);
  }
  instruction.a = static_cast<uint32_t>(count);
  instruction.b = static_cast<uint32_t>(bits) / instruction.a;
  if (bits == 128) {
    decoder.need(count == 2, "128 bits are two elements of 64");
    instruction.execute = pack ? execute_pack_128 : execute_unpack_128;
  } else {
    instruction.execute = !pack ? execute_unpack : bits == 64 && count == 2 ? execute_pack_words : execute_pack;
  }
}

void decode_mov(Decoder& decoder, Instruction& instruction) {
  Type type = decoder.take_type();
  decoder.need_operands(2, 2);
  bool pack = decoder.operand(1).kind == Operand::Kind::vector;
  if (pack || decoder.operand(0).kind == Operand::Kind::vector) {
    return decode_vector_move(decoder, instruction, type, pack);
  }
  decoder.write(size_t{0}, type);
  if (is_clock(decoder.operand(1))) {
    instruction.execute = execute_clock;
    return;
  }
  decoder.read(1, type);
  instruction.execute = type == Type::pred       ? execute_move_predicate
                        : ptx::bits(type) == 128 ? execute_move_128
                        : ptx::bits(type) == 64  ? lanes_function<Same, uint64_t, uint64_t>()
                                                 : lanes_function<Same, uint32_t, uint32_t>();
}

Space take_space(Decoder& decoder) {
  if (decoder.take("global")) return Space::global;
  if (decoder.take("shared") || decoder.take("shared::cta") || decoder.take("shared::cluster")) return Space::shared;
  if (decoder.take("local")) return Space::local;
  if (decoder.take("const")) return Space::constant;
  if (decoder.take("param") || decoder.take("param::entry")) return Space::param;
  decoder.fail("a state space is missing");
}

/** Where a space's addresses begin among generic ones; a shared address may name another CTA of the cluster. */
uint64_t generic_of(Warp& warp, Space space, uint64_t address, int lane) {
  switch (space) {
    case Space::shared: {
      Place place = warp.place(space, address, lane);
      return reinterpret_cast<uint64_t>(place.cta->shared.data()) + place.address;
    }
    case Space::local: return warp.local_base(lane) + address;
    case Space::param: return reinterpret_cast<uint64_t>(warp.cta().launch->config.params.data()) + address;
    default: return address;
  }
}

Step execute_to_generic(Warp& warp, const Instruction& instruction, uint32_t mask) {
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    int lane = __builtin_ctz(rest);
    uint64_t address = load(warp, instruction.op[1], lane);
    store(warp, instruction.op[0], lane, generic_of(warp, static_cast<Space>(instruction.a), address, lane));
  }
  return Step::next;
}

/** A generic address that is not in the space gives an address that no access of the space accepts. */
Step execute_from_generic(Warp& warp, const Instruction& instruction, uint32_t mask) {
  Space space = static_cast<Space>(instruction.a);
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    int lane = __builtin_ctz(rest);
    uint64_t address = load(warp, instruction.op[1], lane);
    Place place = warp.place(Space::none, address, lane);
    uint64_t converted = place.space == space ? place.address : ~uint64_t{0} >> 1;
    if (place.space == Space::shared && space == Space::shared) {
      converted |= uint64_t{place.cta->rank} << kClusterRankShift;
    }
    store(warp, instruction.op[0], lane, converted);
  }
  return Step::next;
}

void decode_cvta(Decoder& decoder, Instruction& instruction) {
  bool from_generic = decoder.take("to");
  Space space = take_space(decoder);
  Type type = decoder.take_type({Type::u64, Type::u32});
  decode_operands(decoder, type, 1);
  instruction.a = static_cast<uint32_t>(space);
  if (space == Space::global || space == Space::constant) {  // the same addresses
    instruction.execute =
        type == Type::u64 ? lanes_function<Same, uint64_t, uint64_t>() : lanes_function<Same, uint32_t, uint32_t>();
    return;
  }
  instruction.execute = from_generic ? execute_from_generic : execute_to_generic;
}

Step execute_isspacep(Warp& warp, const Instruction& instruction, uint32_t mask) {
  uint32_t result = 0;
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    int lane = __builtin_ctz(rest);
    Place place = warp.place(Space::none, load(warp, instruction.op[1], lane), lane);
    bool holds = place.space == static_cast<Space>(instruction.a);
    if (instruction.b && place.cta != &warp.cta()) holds = false;
    result |= static_cast<uint32_t>(holds) << lane;
  }
  warp.set_predicate(instruction.op[0], mask, result);
  return Step::next;
}

void decode_isspacep(Decoder& decoder, Instruction& instruction) {
  bool cluster = decoder.take("shared::cluster");
  Space space = cluster ? Space::shared : take_space(decoder);
  decoder.need_operands(2, 2);
  decoder.write(size_t{0}, Type::pred);
  decoder.read(1, Type::b64);
  instruction.a = static_cast<uint32_t>(space);
  instruction.b = space == Space::shared && !cluster;
  instruction.execute = execute_isspacep;
}

const OpcodeRow kRows[] = {
    {"mov", decode_mov},
    {"cvta", decode_cvta},
    {"isspacep", decode_isspacep},
};

}  // namespace

Family move_opcodes() { return family_of(kRows); }

}  // namespace ternary::softgpu
