/**
 * @file function_decoder.h
 * @brief Makes Code of an entry function: places for registers, calls inlined, labels resolved.
 */
#ifndef TERNARY_SOFTGPU_DECODE_FUNCTION_DECODER_H_
#define TERNARY_SOFTGPU_DECODE_FUNCTION_DECODER_H_

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "softgpu/code/opcode.h"

namespace ternary::softgpu {

/** What can be said of a kernel before its instructions are decoded. */
struct KernelOutline {
  const ptx::Function* function;
  uint32_t shared_bytes;  ///< static
  uint32_t local_bytes;   ///< of a thread: what its functions declare
};

/** Which widths of register an operand may have. */
enum class Width : uint8_t {
  exact,
  wider,   ///< at least the type's: ld, st, cvt
  address  ///< 32 or 64 bits
};

/** A register of the flattened function: calls are inlined, so a callee's are there once for each call. */
struct RegisterUse {
  uint32_t pc;
  uint32_t number;
  bool written;
};

/** Where each register lies; made from a first pass over the function by allocate_registers(). */
struct RegisterPlaces {
  std::vector<uint32_t> offsets;
  uint32_t bytes = 0;
};

/** Gives registers that never live at the same time the same place: a warp's registers should fit the L1 cache, and
 *  nvcc writes each value to a register of its own. */
RegisterPlaces allocate_registers(const Code& code, const std::vector<RegisterUse>& uses,
                                  const std::vector<uint16_t>& register_bits);

class FunctionDecoder {
 public:
  /** `places`: null in the first pass, which gives each register its own place. */
  FunctionDecoder(const ptx::Module& module, const ptx::Function& entry, const VariableAddresses& addresses,
                  const Rules& rules, const RegisterPlaces* places);
  std::unique_ptr<Code> decode();
  KernelOutline outline();
  const std::vector<RegisterUse>& uses() const { return uses_; }
  const std::vector<uint16_t>& register_bits() const { return register_bits_; }

  // For Decoder.
  Slot slot_of(const ptx::Operand& operand, ptx::Type type, bool written, Width width);
  /** 0 if there is no register of that name. */
  int bits_of_register(const std::string& name) const;
  Slot scratch(int bits);
  Slot constant(uint64_t value, int bits);
  /** A variable's address in its space; false if nothing has that name. */
  bool find_variable(const std::string& name, ptx::Space* space, uint64_t* address);
  Code& code() { return *code_; }
  const Rules& rules() const { return rules_; }
  const ptx::Module& module() const { return module_; }
  [[noreturn]] void fail(const ptx::Instruction& at, const std::string& why) const;
  /** The instruction that is being decoded goes to a label of its function. */
  void branch_to(const std::string& label);
  bool in_entry() const;
  const std::vector<std::string>* branch_targets(const std::string& name) const;
  /** The table of brx.idx, filled when labels are known. */
  const std::vector<uint32_t>* target_table(const std::vector<std::string>& labels);

 private:
  /** A function as inlined at one place. */
  struct Frame {
    const ptx::Function* function;
    std::unordered_map<std::string, uint32_t> registers;  ///< name -> number
    std::unordered_map<std::string, std::pair<ptx::Space, uint64_t>> variables;
    std::vector<uint32_t> starts;                            ///< of each statement: its instruction
    std::vector<std::pair<uint32_t, std::string>> branches;  ///< instruction -> label
    std::vector<std::pair<std::vector<uint32_t>*, std::vector<std::string>>> tables;
    std::vector<uint32_t> returns;
  };

  void find_callees(const ptx::Function& function);
  void lay_out_shared();
  void lay_out_params(Frame* frame);
  void open_frame(Frame* frame);
  void decode_body(Frame* frame);
  void decode_instruction(const ptx::Instruction& source);
  void inline_call(const ptx::Instruction& source);
  void resolve_labels(const Frame& frame);
  uint32_t new_register(int bits);
  Slot register_slot(uint32_t number, bool written);
  Slot special(const std::string& name);
  Slot special_slot(const std::string& name, uint32_t offset, int bits);
  Slot shared_address(uint64_t offset, int bits);
  uint64_t immediate(const ptx::Operand& operand, ptx::Type type) const;
  [[noreturn]] void fail_here(const std::string& why) const { fail(*at_, why); }

  const ptx::Module& module_;
  const ptx::Function& entry_;
  const VariableAddresses& addresses_;
  const Rules& rules_;
  const RegisterPlaces* places_;
  std::unique_ptr<Code> code_;
  std::map<std::pair<uint64_t, int>, Slot> constants_;
  std::map<std::string, Slot> specials_;  ///< and addresses of shared variables, by a key
  /// Offset of each shared variable, "function/name" if it is a function's.
  std::map<std::string, uint64_t> shared_;
  std::vector<const ptx::Function*> reachable_;
  std::vector<const ptx::Function*> call_chain_;
  std::vector<RegisterUse> uses_;
  std::vector<uint16_t> register_bits_;
  std::vector<uint32_t> own_offsets_;  ///< places of registers in the first pass
  Frame* frame_ = nullptr;
  const ptx::Instruction* at_ = nullptr;
};

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_DECODE_FUNCTION_DECODER_H_
