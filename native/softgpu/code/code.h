/**
 * @file code.h
 * @brief A function made ready to execute: every operand is the place of 32 lanes, every instruction has its function.
 *
 * Registers of 8, 16 and 32 bits are 32 uint32_t (the bits above the type are zero), of 64 bits 32 uint64_t, of 128
 * bits 32 low uint64_t and 32 high ones; a predicate is one uint32_t, a bit a lane. Immediates, addresses of variables
 * and special registers that cannot change while a warp lives are places too, so a source is a source, however written.
 */
#ifndef TERNARY_SOFTGPU_CODE_CODE_H_
#define TERNARY_SOFTGPU_CODE_CODE_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "softgpu/ptx/module.h"

namespace ternary::softgpu {

class Warp;
struct Instruction;
struct OpcodeRow;

/** A place for 32 lanes. */
struct Slot {
  enum Bank : uint16_t { frame = 0, constants = 1 };
  uint32_t offset = 0;  ///< in bytes
  uint16_t bank = frame;
  uint16_t bits = 0;  ///< of the register, which ld, st and cvt allow to be wider than the type; 1: a predicate
};

/** An address operand: the lanes of op[op] (32 or 64 bits wide) plus offset. */
struct Address {
  uint16_t op = 0;
  ptx::Space space = ptx::Space::none;  ///< none: generic
  int64_t offset = 0;
};

/** What became of an instruction. */
enum class Step : uint8_t {
  next,    ///< go on with the instruction after it
  jumped,  ///< the function set where lanes go on: Warp::jump(), Warp::exit_lanes()
  wait     ///< nothing was done: the warp gives way to others and meets the same instruction again
};

/** Executes an instruction for the lanes in `mask`, which is never empty. Throws Fault. */
using ExecuteFn = Step (*)(Warp& warp, const Instruction& instruction, uint32_t mask);

/** When lanes that are elsewhere must come first. */
enum class Gather : uint8_t {
  none,
  members,  ///< until all living lanes of the mask in `members` are here; executes once for each mask present
  warp      ///< .aligned: until all living lanes of the warp are here
};

struct Instruction {
  ExecuteFn execute = nullptr;
  const Slot* op = nullptr;  ///< operands in the order in which the row's decode() added them
  uint16_t op_count = 0;
  bool guarded = false;
  bool guard_negated = false;
  Gather gather = Gather::none;
  Slot guard;
  Slot members;
  uint32_t target = 0;    ///< of a branch
  bool strong = false;    ///< a volatile, relaxed, acquire or release access, see GridOrder
  bool acquires = false;  ///< .acquire or .acq_rel beyond the CTA
  bool releases = false;
  uint8_t address_count = 0;
  Address address[4];  ///< in the order in which decode() read them
  uint64_t value = 0;  ///< value, a, b, c, type: whatever the row's decode() keeps for execute()
  uint32_t a = 0, b = 0, c = 0;
  ptx::Type type = ptx::Type::none;
  const void* detail = nullptr;  ///< Decoder::keep()
  const OpcodeRow* row = nullptr;
  const ptx::Instruction* source = nullptr;
};

/** Special registers that are filled in when a warp starts. */
struct SpecialSlot {
  std::string name;  ///< "%tid.x"; empty: the address of a shared variable
  Slot slot;
  uint32_t offset = 0;  ///< of the variable, to which the CTA's rank in its cluster is added
};

/** A decoded function with everything it calls inlined. Immutable. */
struct Code {
  std::string name;
  std::string target;  ///< "sm_90a"
  const ptx::Function* function = nullptr;
  std::vector<Instruction> instructions;
  uint32_t frame_bytes = 0;
  std::vector<uint64_t> constants;  ///< what Bank::constants points to
  std::vector<SpecialSlot> specials;
  std::map<std::string, uint32_t> param_offsets;
  uint32_t param_bytes = 0;
  uint32_t static_shared_bytes = 0;
  uint32_t shared_alignment = 16;
  uint32_t local_bytes = 0;             ///< a thread
  bool waits_for_dependencies = false;  ///< has griddepcontrol.wait
  bool launches_dependents = false;     ///< has griddepcontrol.launch_dependents
  bool cancels_launches = false;        ///< has clusterlaunchcontrol.try_cancel
  // Storage behind the pointers above.
  std::deque<std::vector<Slot>> operand_lists;
  std::vector<std::shared_ptr<const void>> details;
  std::deque<ptx::Instruction> made_instructions;
};

/** Rules that a launch's code must obey beyond PTX. */
struct Rules {
  /** Refuse .approx, .ftz and add, sub, mul, fma, div, sqrt, rcp of floats without .rn: ptxas may fuse or round them
   *  otherwise, so the interpreter would prove bits that a GPU does not give. */
  bool exact_arithmetic = true;
};

/** Addresses of a module's global and constant variables. */
using VariableAddresses = std::map<std::string, uint64_t>;

/** Decodes an entry function. Throws ptx::PtxError naming kernel, PTX line and text. */
std::unique_ptr<const Code> decode(const ptx::Module& module, const ptx::Function& function,
                                   const VariableAddresses& addresses, const Rules& rules);

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_CODE_CODE_H_
