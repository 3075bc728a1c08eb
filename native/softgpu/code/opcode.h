/**
 * @file opcode.h
 * @brief The one table of opcodes. A row checks an instruction and chooses the function that executes it.
 *
 * A family is a file with its rows and their functions; opcode.cc lists the families. The counts of every opcode
 * (issues by instruction, from which opcode and line follow) are kept by the engine; memory instructions add to theirs.
 */
#ifndef TERNARY_SOFTGPU_CODE_OPCODE_H_
#define TERNARY_SOFTGPU_CODE_OPCODE_H_

#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "softgpu/code/code.h"

namespace ternary::softgpu {

class Decoder;
class FunctionDecoder;

struct OpcodeRow {
  const char* name;  ///< what stands before the first dot: "mad"; a longer prefix wins: "cp.async.bulk" before "cp"
  /** Takes all modifiers, adds operands in the order that execute() wants and sets instruction.execute. */
  void (*decode)(Decoder& decoder, Instruction& instruction);
};

struct Family {
  const OpcodeRow* rows;
  size_t count;
};
template <size_t n>
constexpr Family family_of(const OpcodeRow (&rows)[n]) {
  return {rows, n};
}

// One function a family, each in its own file.
Family arithmetic_opcodes();  ///< names that integers and floats share; the types decide in arithmetic.h's files
Family integer_opcodes();
Family logic_opcodes();
Family compare_opcodes();
Family float_opcodes();
Family convert_opcodes();
Family move_opcodes();
Family memory_opcodes();
Family control_opcodes();
Family mma_opcodes();
Family matrix_opcodes();
Family shuffle_opcodes();
Family atomic_opcodes();
Family async_copy_opcodes();
Family mbarrier_opcodes();
Family bulk_copy_opcodes();
Family bulk_group_opcodes();
Family tensor_copy_opcodes();
Family launch_control_opcodes();
Family tensor_alloc_opcodes();
Family tensor_access_opcodes();
Family tensor_mma_opcodes();
Family cluster_opcodes();
Family hint_opcodes();
Family barrier_opcodes();

/** The row of an instruction, null if there is none; `name_parts`: parts between dots that belong to the row's name. */
const OpcodeRow* find_opcode(const ptx::Instruction& instruction, size_t* name_parts);

/**
 * What a row's decode() is given. Modifiers are taken; what is left over is an error ("unknown modifier").
 */
class Decoder {
 public:
  // Modifiers, after the row's name.
  /** True, and taken, if the modifier is there and not yet taken. */
  bool take(const char* modifier);
  /** True if the modifier is there; it is not taken. */
  bool has(const char* modifier) const;
  /** The first of `modifiers` that is there, taken; null if none is. */
  const char* take_one_of(std::initializer_list<const char*> modifiers);
  /** As take_one_of(), but one must be there. */
  const char* need_one_of(std::initializer_list<const char*> modifiers);
  /** The next modifier that names a type, taken; an error if none is left. */
  ptx::Type take_type();
  /** The last modifier that names a type, not taken; none if there is none. */
  ptx::Type last_type() const;
  /** As take_type(), and an error if it is not in the list. */
  ptx::Type take_type(std::initializer_list<ptx::Type> allowed);
  /** Takes .relaxed, .acquire and their like with their scope, and sets what follows for instruction's ordering. */
  void take_memory_order(std::initializer_list<const char*> allowed);
  /** Takes L1::..., L2::..., .level::..., cache and eviction hints, which change speed only. True if a
   *  .L2::cache_hint operand follows. */
  bool take_cache_hints();

  // Operands of the statement. Registers must have the type's width.
  size_t operand_count() const;
  const ptx::Operand& operand(size_t index) const;
  void need_operands(size_t least, size_t most);
  /** Adds operand `index` as a source: register, immediate, special register, address of a variable. */
  void read(size_t index, ptx::Type type);
  void read(const ptx::Operand& operand, ptx::Type type);
  /** Adds operand `index` as a destination: a register, or _ */
  void write(size_t index, ptx::Type type);
  void write(const ptx::Operand& operand, ptx::Type type);
  /** Adds the elements of a vector operand, which must have `count`; a bare register is a vector of one. */
  void read_vector(size_t index, ptx::Type type, size_t count);
  void write_vector(size_t index, ptx::Type type, size_t count);
  /** As read() and write(), but the register may be wider than the type: ld, st, cvt; see Slot::bits. */
  void read_wider(const ptx::Operand& operand, ptx::Type type);
  void write_wider(const ptx::Operand& operand, ptx::Type type);
  /** Adds the base of an address operand and the next of instruction.address. */
  void read_address(size_t index, ptx::Space space);
  void read_address(const ptx::Operand& operand, ptx::Space space);
  /** The value of an operand that must be a number. */
  uint64_t constant(size_t index);
  /** True if the operand is a predicate register. */
  bool is_predicate(size_t index) const;
  /** True if the operand is a number. */
  bool is_constant(size_t index) const;
  /** A place for 32 lanes of the type that only this instruction uses. */
  Slot scratch(ptx::Type type);
  Slot slot_of(const ptx::Operand& operand, ptx::Type type, bool written);
  void add(Slot slot);
  /** The place that was added as number `index`. */
  Slot slot(size_t index) const { return slots_[index]; }
  /** The operand named as member mask: sets gather and members. */
  void members(size_t index);

  /** An object that execute() finds in instruction.detail and that lives as long as the code. */
  template <class T>
  const T* keep(T value) {
    auto kept = std::make_shared<const T>(std::move(value));
    const T* pointer = kept.get();
    keep_pointer(std::move(kept));
    return pointer;
  }

  const Rules& rules() const;
  Code& code();
  Instruction& instruction();
  FunctionDecoder& function();
  /** 80, 90, 100 ... of the module's .target. */
  int arch() const;
  [[noreturn]] void fail(const std::string& why) const;
  void need(bool condition, const char* why) const {
    if (!condition) fail(why);
  }

 private:
  friend class FunctionDecoder;
  explicit Decoder(FunctionDecoder& function, const ptx::Instruction& source, size_t name_parts);
  void keep_pointer(std::shared_ptr<const void> kept);
  void finish();

  FunctionDecoder& function_;
  const ptx::Instruction& source_;
  std::vector<bool> taken_;
  std::vector<Slot> slots_;
  Instruction instruction_;
};

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_CODE_OPCODE_H_
