/**
 * Where lanes go: bra, brx.idx, ret, exit, trap, nop; and griddepcontrol.
 */
#include "softgpu/decode/function_decoder.h"
#include "softgpu/exec/lanes.h"

namespace ternary::softgpu {
namespace {

using ptx::Type;

Step execute_bra(Warp& warp, const Instruction& instruction, uint32_t mask) {
  warp.jump(mask, instruction.target);
  return Step::jumped;
}

/** .uni promises that no lanes part, and ptxas may rely on it. */
void check_uniform(const Warp& warp, uint32_t together) {
  if (together != warp.active()) throw Fault(FaultKind::divergence, "lanes part at a branch that says .uni");
}

Step execute_uniform_bra(Warp& warp, const Instruction& instruction, uint32_t mask) {
  check_uniform(warp, mask);
  return execute_bra(warp, instruction, mask);
}

void decode_bra(Decoder& decoder, Instruction& instruction) {
  const bool uniform = decoder.take("uni");
  decoder.need_operands(1, 1);
  decoder.function().branch_to(decoder.operand(0).name);
  instruction.execute = uniform ? execute_uniform_bra : execute_bra;
}

/** a: .uni */
Step execute_brx(Warp& warp, const Instruction& instruction, uint32_t mask) {
  const auto& table = *static_cast<const std::vector<uint32_t>*>(instruction.detail);
  const uint32_t* index = warp.lanes<uint32_t>(instruction.op[0]);
  uint32_t targets[kWarpLanes];
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    int lane = __builtin_ctz(rest);
    if (index[lane] >= table.size()) {
      throw Fault(FaultKind::illegal,
                  "index " + std::to_string(index[lane]) + " into " + std::to_string(table.size()) + " branch targets",
                  lane);
    }
    targets[lane] = table[index[lane]];
    if (instruction.a && targets[lane] != targets[__builtin_ctz(mask)]) check_uniform(warp, 0);
  }
  if (instruction.a) check_uniform(warp, mask);
  warp.jump_each(mask, targets);
  return Step::jumped;
}

void decode_brx(Decoder& decoder, Instruction& instruction) {
  instruction.a = decoder.take("uni");
  decoder.need(decoder.take("idx"), ".idx is missing");
  decoder.need_operands(2, 2);
  decoder.read(size_t{0}, Type::u32);
  const std::vector<std::string>* labels = decoder.function().branch_targets(decoder.operand(1).name);
  decoder.need(labels != nullptr, "unknown list of branch targets");
  instruction.detail = decoder.function().target_table(*labels);
  instruction.execute = execute_brx;
}

Step execute_exit(Warp& warp, const Instruction&, uint32_t mask) {
  warp.exit_lanes(mask);
  return Step::jumped;
}

void decode_exit(Decoder& decoder, Instruction& instruction) {
  decoder.need_operands(0, 0);
  instruction.execute = execute_exit;
}

/** In an inlined function ret goes on after the call. */
void decode_ret(Decoder& decoder, Instruction& instruction) {
  const bool uniform = decoder.take("uni");
  decoder.need_operands(0, 0);
  const bool ends = decoder.function().in_entry();
  decoder.need(!uniform || !ends, ".uni is of a function's ret");
  instruction.execute = ends ? execute_exit : uniform ? execute_uniform_bra : execute_bra;
}

Step execute_trap(Warp&, const Instruction& instruction, uint32_t mask) {
  throw Fault(FaultKind::trap, std::string("the kernel executed ") + instruction.row->name, __builtin_ctz(mask));
}

void decode_trap(Decoder& decoder, Instruction& instruction) {
  decoder.need_operands(0, 0);
  instruction.execute = execute_trap;
}

Step execute_nothing(Warp&, const Instruction&, uint32_t) { return Step::next; }

void decode_nothing(Decoder& decoder, Instruction& instruction) {
  decoder.need_operands(0, 1);  // nanosleep's and pmevent's operand has no meaning here
  decoder.take("u32");
  instruction.execute = execute_nothing;
}

/** One thread of a CTA is enough for the grid to end after those before it; CUTLASS has no more. */
Step execute_dependency_wait(Warp& warp, const Instruction&, uint32_t) {
  if (!warp.cta().launch->dependencies_met) return Step::wait;
  warp.cta().waited = true;
  return Step::next;
}

void decode_dependency_wait(Decoder& decoder, Instruction& instruction) {
  decoder.need_operands(0, 0);
  decoder.code().waits_for_dependencies = true;
  instruction.execute = execute_dependency_wait;
}

/** Counts once for a CTA: CUDA asks that all its CTAs have issued it or ended, whichever thread did. */
Step execute_launch_dependents(Warp& warp, const Instruction&, uint32_t) {
  Cta& cta = warp.cta();
  if (!cta.launched_dependents) ++cta.launch->launched_ctas;
  cta.launched_dependents = true;
  return Step::next;
}

void decode_launch_dependents(Decoder& decoder, Instruction& instruction) {
  decoder.need_operands(0, 0);
  decoder.code().launches_dependents = true;
  instruction.execute = execute_launch_dependents;
}

const OpcodeRow kRows[] = {
    {"bra", decode_bra},
    {"brx", decode_brx},
    {"ret", decode_ret},
    {"exit", decode_exit},
    {"trap", decode_trap},
    {"brkpt", decode_trap},
    {"nanosleep", decode_nothing},
    {"pmevent", decode_nothing},
    {"griddepcontrol.wait", decode_dependency_wait},
    {"griddepcontrol.launch_dependents", decode_launch_dependents},
};

}  // namespace

Family control_opcodes() { return family_of(kRows); }

}  // namespace ternary::softgpu
