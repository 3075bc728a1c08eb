// What lanes of a warp tell each other: shfl, vote, match, redux, elect, activemask.
#include <algorithm>
#include <cstdio>
#include <string>

#include "softgpu/code/opcode.h"
#include "softgpu/exec/float_formats.h"
#include "softgpu/exec/warp.h"

namespace ternary::softgpu {
namespace {

using ptx::Operand;
using ptx::Type;

std::string hex(uint32_t mask) {
  char text[11];
  std::snprintf(text, sizeof text, "0x%08x", mask);
  return text;
}

/** Calls visit(lane) for the lanes in `mask`, ascending. */
template <typename Visit>
void each_lane(uint32_t mask, Visit visit) {
  for (; mask; mask &= mask - 1) visit(__builtin_ctz(mask));
}

/** Every lane that executes must name itself; every living lane named must execute, here and not predicated off. */
void check_members(Warp& warp, const Instruction& instruction, uint32_t mask) {
  const uint32_t members = warp.lanes<uint32_t>(instruction.members)[__builtin_ctz(mask)];
  if (const uint32_t strangers = mask & ~members) {
    throw Fault(FaultKind::divergence, "a lane executes it that is not in its own member mask " + hex(members),
                __builtin_ctz(strangers));
  }
  if (const uint32_t missing = members & warp.living() & ~mask) {
    const int lane = __builtin_ctz(missing);
    throw Fault(FaultKind::divergence,
                "lane " + std::to_string(lane) + " of member mask " + hex(members) + " does not execute it", lane);
  }
}

enum ShuffleMode : uint32_t { kUp, kDown, kButterfly, kIndex };

/** The lane that `lane` reads and whether it is in range; `b` and `c` as in PTX. */
int source_lane(ShuffleMode mode, int lane, uint32_t b, uint32_t c, bool* in_range) {
  const int value = static_cast<int>(b & 31), clamp = static_cast<int>(c & 31),
            segments = static_cast<int>(c >> 8 & 31);
  const int least = lane & segments, most = least | (clamp & ~segments);
  int source = lane;
  switch (mode) {
    case kUp:
      source = lane - value;
      *in_range = source >= most;
      break;
    case kDown:
      source = lane + value;
      *in_range = source <= most;
      break;
    case kButterfly:
      source = lane ^ value;
      *in_range = source <= most;
      break;
    case kIndex:
      source = least | (value & ~segments);
      *in_range = source <= most;
      break;
  }
  return *in_range ? source : lane;
}

/** Operands d, a, b, c and, if value is set, p. */
Step execute_shfl(Warp& warp, const Instruction& instruction, uint32_t mask) {
  check_members(warp, instruction, mask);
  uint32_t source[kWarpLanes];
  std::copy_n(warp.lanes<uint32_t>(instruction.op[1]), kWarpLanes, source);  // d may be a
  const uint32_t* b = warp.lanes<uint32_t>(instruction.op[2]);
  const uint32_t* c = warp.lanes<uint32_t>(instruction.op[3]);
  uint32_t result[kWarpLanes], in_range = 0;
  each_lane(mask, [&](int lane) {
    bool valid = false;
    const int from = source_lane(static_cast<ShuffleMode>(instruction.a), lane, b[lane], c[lane], &valid);
    if (!(mask >> from & 1)) {
      throw Fault(FaultKind::divergence,
                  "lane " + std::to_string(lane) + " reads lane " + std::to_string(from) + ", which does not take part",
                  lane);
    }
    in_range |= static_cast<uint32_t>(valid) << lane;
    result[lane] = source[from];
  });
  uint32_t* d = warp.lanes<uint32_t>(instruction.op[0]);
  each_lane(mask, [&](int lane) { d[lane] = result[lane]; });
  if (instruction.value) warp.set_predicate(instruction.op[4], mask, in_range);
  return Step::next;
}

void decode_shfl(Decoder& decoder, Instruction& instruction) {
  decoder.need_one_of({"sync"});
  const std::string mode = decoder.need_one_of({"up", "down", "bfly", "idx"});
  decoder.take_type({Type::b32});
  decoder.need_operands(5, 5);
  const bool pair = decoder.operand(0).kind == Operand::Kind::pair;
  decoder.write(pair ? decoder.operand(0).elements[0] : decoder.operand(0), Type::b32);
  for (size_t i = 1; i < 4; ++i) decoder.read(i, Type::b32);
  if (pair) decoder.write(decoder.operand(0).elements[1], Type::pred);
  decoder.members(4);
  instruction.a = mode == "up" ? kUp : mode == "down" ? kDown : mode == "bfly" ? kButterfly : kIndex;
  instruction.value = pair;
  instruction.execute = execute_shfl;
}

enum VoteMode : uint32_t { kAll, kAny, kUniform, kBallot };

/** Operands d, a; b: a is negated. */
Step execute_vote(Warp& warp, const Instruction& instruction, uint32_t mask) {
  check_members(warp, instruction, mask);
  const uint32_t value = warp.predicate(instruction.op[1]);
  const uint32_t votes = (instruction.b ? ~value : value) & mask;
  bool result = false;
  switch (static_cast<VoteMode>(instruction.a)) {
    case kAll: result = votes == mask; break;
    case kAny: result = votes != 0; break;
    case kUniform: result = votes == 0 || votes == mask; break;
    case kBallot: {
      uint32_t* d = warp.lanes<uint32_t>(instruction.op[0]);
      each_lane(mask, [&](int lane) { d[lane] = votes; });
      return Step::next;
    }
  }
  warp.set_predicate(instruction.op[0], mask, result ? kAllLanes : 0);
  return Step::next;
}

void decode_vote(Decoder& decoder, Instruction& instruction) {
  decoder.need_one_of({"sync"});
  const std::string mode = decoder.need_one_of({"all", "any", "uni", "ballot"});
  const bool ballot = mode == "ballot";
  decoder.take_type({ballot ? Type::b32 : Type::pred});
  decoder.need_operands(3, 3);
  decoder.write(0, ballot ? Type::b32 : Type::pred);
  const Operand& source = decoder.operand(1);
  const bool negated = source.kind == Operand::Kind::negated;
  decoder.read(negated ? source.elements[0] : source, Type::pred);
  decoder.members(2);
  instruction.a = ballot ? kBallot : mode == "all" ? kAll : mode == "any" ? kAny : kUniform;
  instruction.b = negated;
  instruction.execute = execute_vote;
}

template <typename Word>
Step match_lanes(Warp& warp, const Instruction& instruction, uint32_t mask) {
  check_members(warp, instruction, mask);
  Word value[kWarpLanes];
  std::copy_n(warp.lanes<Word>(instruction.op[1]), kWarpLanes, value);
  uint32_t* d = warp.lanes<uint32_t>(instruction.op[0]);
  uint32_t same[kWarpLanes] = {};
  each_lane(mask, [&](int lane) {
    each_lane(mask, [&](int other) { same[lane] |= static_cast<uint32_t>(value[other] == value[lane]) << other; });
  });
  const bool all = same[__builtin_ctz(mask)] == mask;
  each_lane(mask, [&](int lane) { d[lane] = instruction.a ? (all ? mask : 0) : same[lane]; });
  if (instruction.value) warp.set_predicate(instruction.op[2], mask, all ? kAllLanes : 0);
  return Step::next;
}

void decode_match(Decoder& decoder, Instruction& instruction) {
  const std::string mode = decoder.need_one_of({"any", "all"});
  decoder.need_one_of({"sync"});
  const Type type = decoder.take_type({Type::b32, Type::b64});
  decoder.need_operands(3, 3);
  const bool pair = decoder.operand(0).kind == Operand::Kind::pair;
  decoder.need(!pair || mode == "all", "match.any has no predicate");
  decoder.write(pair ? decoder.operand(0).elements[0] : decoder.operand(0), Type::b32);
  decoder.read(1, type);
  if (pair) decoder.write(decoder.operand(0).elements[1], Type::pred);
  decoder.members(2);
  instruction.a = mode == "all";
  instruction.value = pair;
  instruction.execute = type == Type::b64 ? match_lanes<uint64_t> : match_lanes<uint32_t>;
}

using ReduceFn = uint32_t (*)(uint32_t, uint32_t);

struct Reduction {
  const char* op;
  Type type;
  ReduceFn reduce;
};

bool below(uint32_t a, uint32_t b) { return static_cast<int32_t>(a) < static_cast<int32_t>(b); }

constexpr Reduction kReductions[] = {
    {"add", Type::u32, [](uint32_t a, uint32_t b) { return a + b; }},
    {"add", Type::s32, [](uint32_t a, uint32_t b) { return a + b; }},
    {"min", Type::u32, [](uint32_t a, uint32_t b) { return std::min(a, b); }},
    {"max", Type::u32, [](uint32_t a, uint32_t b) { return std::max(a, b); }},
    {"min", Type::s32, [](uint32_t a, uint32_t b) { return below(a, b) ? a : b; }},
    {"max", Type::s32, [](uint32_t a, uint32_t b) { return below(b, a) ? a : b; }},
    {"and", Type::b32, [](uint32_t a, uint32_t b) { return a & b; }},
    {"or", Type::b32, [](uint32_t a, uint32_t b) { return a | b; }},
    {"xor", Type::b32, [](uint32_t a, uint32_t b) { return a ^ b; }},
};

Step execute_redux(Warp& warp, const Instruction& instruction, uint32_t mask) {
  check_members(warp, instruction, mask);
  const Reduction& reduction = *static_cast<const Reduction*>(instruction.detail);
  const uint32_t* source = warp.lanes<uint32_t>(instruction.op[1]);
  uint32_t result = source[__builtin_ctz(mask)];
  each_lane(mask & (mask - 1), [&](int lane) { result = reduction.reduce(result, source[lane]); });
  uint32_t* d = warp.lanes<uint32_t>(instruction.op[0]);
  each_lane(mask, [&](int lane) { d[lane] = result; });
  return Step::next;
}

/** redux.sync.min and .max of f32 (sm_100a): a: max, b: .abs, c: .NaN. */
Step execute_redux_f32(Warp& warp, const Instruction& instruction, uint32_t mask) {
  check_members(warp, instruction, mask);
  const uint32_t* source = warp.lanes<uint32_t>(instruction.op[1]);
  const uint32_t magnitude = instruction.b ? kMagnitudeF32 : ~0u;
  // Bits as integers that order like floats, -0 below +0.
  const auto key = [](uint32_t bits) { return static_cast<int32_t>(bits >> 31 ? bits ^ kMagnitudeF32 : bits); };
  bool found = false, nan = false;
  uint32_t result = 0x7fffffff;
  each_lane(mask, [&](int lane) {
    const uint32_t bits = source[lane] & magnitude;
    if ((bits & kMagnitudeF32) > kInfinityF32) {
      nan = true;
    } else if (!found || (instruction.a ? key(bits) > key(result) : key(bits) < key(result))) {
      result = bits, found = true;
    }
  });
  if (nan && instruction.c) result = 0x7fffffff;
  uint32_t* d = warp.lanes<uint32_t>(instruction.op[0]);
  each_lane(mask, [&](int lane) { d[lane] = result; });
  return Step::next;
}

void decode_redux(Decoder& decoder, Instruction& instruction) {
  decoder.need_one_of({"sync"});
  const std::string op = decoder.need_one_of({"add", "min", "max", "and", "or", "xor"});
  instruction.b = decoder.take("abs");
  instruction.c = decoder.take("NaN");
  const Type type = decoder.take_type({Type::u32, Type::s32, Type::b32, Type::f32});
  decoder.need_operands(3, 3);
  decoder.write(0, type);
  decoder.read(1, type);
  decoder.members(2);
  if (type == Type::f32) {
    decoder.need(op == "min" || op == "max", "redux of f32 is min or max");
    decoder.need(decoder.arch() >= 100, "redux of f32 needs sm_100a");
    instruction.a = op == "max";
    instruction.execute = execute_redux_f32;
    return;
  }
  decoder.need(!instruction.b && !instruction.c, ".abs and .NaN are for f32");
  for (const Reduction& reduction : kReductions) {
    if (op == reduction.op && type == reduction.type) instruction.detail = &reduction;
  }
  decoder.need(instruction.detail != nullptr, "the operation does not go with the type");
  instruction.execute = execute_redux;
}

/** Operands d, p: the lowest lane leads. */
Step execute_elect(Warp& warp, const Instruction& instruction, uint32_t mask) {
  check_members(warp, instruction, mask);
  const int leader = __builtin_ctz(mask);
  uint32_t* d = warp.lanes<uint32_t>(instruction.op[0]);
  each_lane(mask, [&](int lane) { d[lane] = static_cast<uint32_t>(leader); });
  warp.set_predicate(instruction.op[1], mask, 1u << leader);
  return Step::next;
}

void decode_elect(Decoder& decoder, Instruction& instruction) {
  decoder.need(decoder.arch() >= 90, "elect.sync needs sm_90");
  decoder.need_one_of({"sync"});
  decoder.need_operands(2, 2);
  decoder.need(decoder.operand(0).kind == Operand::Kind::pair, "the destination is d|p");
  decoder.write(decoder.operand(0).elements[0], Type::b32);
  decoder.write(decoder.operand(0).elements[1], Type::pred);
  decoder.members(1);
  instruction.execute = execute_elect;
}

Step execute_activemask(Warp& warp, const Instruction& instruction, uint32_t mask) {
  uint32_t* d = warp.lanes<uint32_t>(instruction.op[0]);
  each_lane(mask, [&](int lane) { d[lane] = mask; });
  return Step::next;
}

void decode_activemask(Decoder& decoder, Instruction& instruction) {
  decoder.take_type({Type::b32});
  decoder.need_operands(1, 1);
  decoder.write(0, Type::b32);
  instruction.execute = execute_activemask;
}

constexpr OpcodeRow kRows[] = {{"shfl", decode_shfl},   {"vote", decode_vote},   {"match", decode_match},
                               {"redux", decode_redux}, {"elect", decode_elect}, {"activemask", decode_activemask}};

}  // namespace

Family shuffle_opcodes() { return family_of(kRows); }

}  // namespace ternary::softgpu
