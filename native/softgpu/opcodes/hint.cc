// Instructions that change speed and nothing else. Their operands are read, so that a wrong one is refused.
#include "softgpu/code/opcode.h"
#include "softgpu/exec/warp.h"

namespace ternary::softgpu {
namespace {

using ptx::Space;
using ptx::Type;

Step nothing(Warp&, const Instruction&, uint32_t) { return Step::next; }

Space take_global(Decoder& decoder) { return decoder.take("global") ? Space::global : Space::none; }

/** An address that need not be valid: a prefetch of it does nothing. */
void decode_prefetch(Decoder& decoder, Instruction& instruction) {
  const Space space = take_global(decoder);
  decoder.need_one_of({"L1"});
  decoder.need_operands(1, 1);
  decoder.read_address(0, space);
  instruction.execute = nothing;
}

/** [address], bytes and, as the modifier says, a policy. */
void decode_bulk_prefetch(Decoder& decoder, Instruction& instruction) {
  decoder.need(decoder.arch() >= 90, "cp.async.bulk needs sm_90");
  decoder.need_one_of({"L2"});
  decoder.need_one_of({"global"});
  const size_t hint = decoder.take_cache_hints();
  decoder.need_operands(2 + hint, 2 + hint);
  decoder.read_address(0, Space::global);
  decoder.read(1, Type::u32);
  instruction.execute = [](Warp& warp, const Instruction& prefetch, uint32_t mask) {
    const uint32_t* bytes = warp.lanes<uint32_t>(prefetch.op[1]);
    for (uint32_t rest = mask; rest; rest &= rest - 1) {
      const int lane = __builtin_ctz(rest);
      if (bytes[lane] % 16 != 0) throw Fault(FaultKind::misaligned, "a bulk size that is no multiple of 16", lane);
    }
    return Step::next;
  };
}

/** What is discarded may hold anything afterwards: it does here. */
void decode_discard(Decoder& decoder, Instruction& instruction) {
  const Space space = take_global(decoder);
  decoder.need_one_of({"L2"});
  decoder.need_operands(2, 2);
  decoder.read_address(0, space);
  decoder.need(decoder.constant(1) == 128, "discards 128 bytes");
  instruction.execute = [](Warp& warp, const Instruction& discard, uint32_t mask) {
    uint64_t addresses[kWarpLanes];
    warp.addresses(discard, discard.address[0], addresses);
    for (uint32_t rest = mask; rest; rest &= rest - 1) {
      const int lane = __builtin_ctz(rest);
      if (addresses[lane] % 128 != 0) throw Fault(FaultKind::misaligned, "not aligned to 128 bytes", lane);
      for (uint32_t at = 0; at < 128; at += 4) {
        uint8_t* bytes = warp.access(discard.address[0].space, addresses[lane] + at, 4, Access::write, lane);
        for (int i = 0; i < 4; ++i) bytes[i] = 0xcd;
      }
    }
    return Step::next;
  };
}

void decode_setmaxnreg(Decoder& decoder, Instruction& instruction) {
  decoder.need(decoder.arch() >= 90, "setmaxnreg needs sm_90a");
  decoder.need_one_of({"inc", "dec"});
  decoder.need_one_of({"sync"});
  decoder.need_one_of({"aligned"});
  decoder.take_type({Type::u32});
  decoder.need_operands(1, 1);
  const uint64_t registers = decoder.constant(0);
  decoder.need(registers >= 24 && registers <= 256 && registers % 8 == 0, "registers: 24 to 256, a multiple of 8");
  instruction.gather = Gather::warp;
  instruction.execute = nothing;
}

/** A policy is an opaque number that only hints read. */
void decode_createpolicy(Decoder& decoder, Instruction& instruction) {
  const std::string kind = decoder.need_one_of({"fractional", "range", "cvt"});
  decoder.take("global");
  decoder.take("L2");
  decoder.take_cache_hints();
  decoder.take_type({Type::b64});
  decoder.need_operands(kind == "range" ? 4 : 1, kind == "range" ? 4 : 2);
  decoder.write(0, Type::b64);
  instruction.execute = [](Warp& warp, const Instruction& policy, uint32_t mask) {
    for (uint32_t rest = mask; rest; rest &= rest - 1) warp.lanes<uint64_t>(policy.op[0])[__builtin_ctz(rest)] = 1;
    return Step::next;
  };
}

constexpr OpcodeRow kRows[] = {{"prefetchu", decode_prefetch},
                               {"cp.async.bulk.prefetch", decode_bulk_prefetch},
                               {"discard", decode_discard},
                               {"setmaxnreg", decode_setmaxnreg},
                               {"createpolicy", decode_createpolicy}};

}  // namespace

Family hint_opcodes() { return family_of(kRows); }

}  // namespace ternary::softgpu
