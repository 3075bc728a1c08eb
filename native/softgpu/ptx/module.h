/**
 * @file module.h
 * @brief PTX as text that has been taken apart: variables, functions, registers, instructions. No meaning yet.
 *
 * What an instruction means, and whether its modifiers exist, is the business of the table in code/opcode.h.
 */
#ifndef TERNARY_SOFTGPU_PTX_MODULE_H_
#define TERNARY_SOFTGPU_PTX_MODULE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace ternary::softgpu::ptx {

/** PTX that cannot be read or is not supported. The sentence names kernel, line and text. */
class PtxError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/** The fundamental types; untyped bits have a type of their own because PTX checks widths by it. */
enum class Type : uint8_t {
  none,
  pred,
  b8,
  b16,
  b32,
  b64,
  b128,
  u8,
  u16,
  u32,
  u64,
  s8,
  s16,
  s32,
  s64,
  f16,
  f16x2,
  bf16,
  bf16x2,
  tf32,
  f32,
  f64,
  e4m3,
  e5m2,
  e4m3x2,
  e5m2x2
};

/** Bits of a value of the type; pred is 1. */
int bits(Type type);
bool is_signed(Type type);
bool is_float(Type type);
/** "u32" -> Type::u32; Type::none if it is no type. */
Type type_named(const std::string& name);
const char* name_of(Type type);

enum class Space : uint8_t { none, reg, param, global, shared, local, constant };

/** An operand as it is written. */
struct Operand {
  enum class Kind : uint8_t {
    name,     ///< a register, variable, label or special register: `name`
    integer,  ///< `bits`
    real32,   ///< 0f3F800000: `bits`
    real64,   ///< 0d..., or 1.5: `bits`
    /// [name + offset] or [integer]: `elements` is the base or empty, `offset`; more in `elements` for tensors.
    address,
    vector,  ///< {a, b, ...}: `elements`; _ is a name
    pair,    ///< d|p: `elements`
    negated  ///< !p: `elements`
  };
  Kind kind = Kind::name;
  std::string name;
  uint64_t bits = 0;
  int64_t offset = 0;
  std::vector<Operand> elements;
};

struct Instruction {
  std::string opcode;                  ///< "mad"
  std::vector<std::string> modifiers;  ///< {"lo", "s32"}
  std::string guard;                   ///< predicate of @p and @!p, or empty
  bool guard_negated = false;
  std::vector<Operand> operands;  ///< as written, left to right; of a call: see parser.cc
  int line = 0;                   ///< of the PTX text
  std::string text;               ///< the statement, for messages
};

/** A register after renaming: names of inner scopes are made unique, so a function has one flat list. */
struct Register {
  std::string name;
  Type type = Type::none;
};

struct Variable {
  std::string name;
  Space space = Space::none;
  Type type = Type::none;
  uint64_t bytes = 0;  ///< 0: an extern shared array, whose size is the launch's
  uint64_t alignment = 1;
  bool external = false;
  std::vector<uint8_t> initial;  ///< empty or `bytes` long
  struct Reference {             ///< the address of a variable, written into `initial` when it is loaded
    uint64_t at;
    std::string name;
    int64_t offset;
    bool generic;
  };
  std::vector<Reference> references;
};

struct Function {
  std::string name;
  bool entry = false;
  bool defined = false;
  std::vector<Variable> params;
  std::vector<Variable> results;
  std::vector<Register> registers;
  std::vector<Variable> variables;  ///< shared, local, and param variables of call sequences
  std::vector<Instruction> body;
  std::map<std::string, size_t> labels;  ///< label -> index of the instruction after it, body.size() at the end
  std::map<std::string, std::vector<std::string>> branch_targets;  ///< name of a .branchtargets -> labels
  uint32_t max_ntid[3] = {0, 0, 0};
  uint32_t required_ntid[3] = {0, 0, 0};
  uint32_t required_cluster[3] = {0, 0, 0};
  int line = 0;
};

struct Module {
  int version_major = 0, version_minor = 0;
  std::string target;  ///< "sm_90a"
  std::vector<Variable> variables;
  std::vector<std::unique_ptr<Function>> functions;

  const Function* find(const std::string& name) const;
  const Variable* find_variable(const std::string& name) const;
};

/** Reads PTX text. Throws PtxError. */
std::unique_ptr<Module> parse(const std::string& text);

}  // namespace ternary::softgpu::ptx

#endif  // TERNARY_SOFTGPU_PTX_MODULE_H_
