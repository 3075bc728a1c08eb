/**
 * What rows of the table use to take an instruction apart.
 */
#include <algorithm>
#include <cstring>

#include "softgpu/code/opcode.h"
#include "softgpu/decode/function_decoder.h"

namespace ternary::softgpu {

using ptx::Operand;
using ptx::Type;

Decoder::Decoder(FunctionDecoder& function, const ptx::Instruction& source, size_t name_parts)
    : function_(function), source_(source), taken_(source.modifiers.size(), false) {
  for (size_t i = 0; i + 1 < name_parts; ++i) taken_[i] = true;  // "cp.async" has two
  instruction_.source = &source;
}

void Decoder::finish() {
  for (size_t i = 0; i < taken_.size(); ++i) {
    if (!taken_[i]) fail("unknown modifier ." + source_.modifiers[i]);
  }
  if (!instruction_.execute) fail("the row of " + source_.opcode + " chose no function");
  Code& code = function_.code();
  code.operand_lists.push_back(std::move(slots_));
  instruction_.op = code.operand_lists.back().data();
  instruction_.op_count = static_cast<uint16_t>(code.operand_lists.back().size());
}

bool Decoder::take(const char* modifier) {
  for (size_t i = 0; i < taken_.size(); ++i) {
    if (!taken_[i] && source_.modifiers[i] == modifier) {
      taken_[i] = true;
      return true;
    }
  }
  return false;
}

bool Decoder::has(const char* modifier) const {
  return std::find(source_.modifiers.begin(), source_.modifiers.end(), modifier) != source_.modifiers.end();
}

const char* Decoder::take_one_of(std::initializer_list<const char*> modifiers) {
  for (const char* modifier : modifiers) {
    if (take(modifier)) return modifier;
  }
  return nullptr;
}

const char* Decoder::need_one_of(std::initializer_list<const char*> modifiers) {
  if (const char* taken = take_one_of(modifiers)) return taken;
  std::string wanted;
  for (const char* modifier : modifiers) wanted += std::string(wanted.empty() ? "" : ", ") + "." + modifier;
  fail("one of " + wanted + " is missing");
}

Type Decoder::take_type() {
  for (size_t i = 0; i < taken_.size(); ++i) {
    Type type = taken_[i] ? Type::none : ptx::type_named(source_.modifiers[i]);
    if (type == Type::none) continue;
    taken_[i] = true;
    return type;
  }
  fail("a type is missing");
}

Type Decoder::last_type() const {
  for (size_t i = source_.modifiers.size(); i-- > 0;) {
    Type type = ptx::type_named(source_.modifiers[i]);
    if (type != Type::none) return type;
  }
  return Type::none;
}

Type Decoder::take_type(std::initializer_list<Type> allowed) {
  Type type = take_type();
  for (Type one : allowed) {
    if (one == type) return type;
  }
  fail(std::string("type .") + ptx::name_of(type) + " is not supported here");
}

void Decoder::take_memory_order(std::initializer_list<const char*> allowed) {
  const char* order = take_one_of(allowed);
  const char* given_scope = take_one_of({"cta", "cluster", "gpu", "sys"});
  const std::string name = order ? order : "weak", scope = given_scope ? given_scope : "";
  instruction_.strong = name != "weak";
  // In shared memory of a CTA or cluster the order is the interpreter's own.
  const bool of_grid = scope != "cta" && scope != "cluster";
  need(of_grid || has("shared") || has("shared::cta") || has("shared::cluster"),
       "accesses of .cta and .cluster scope are known for shared memory only");
  instruction_.acquires = of_grid && (name == "acquire" || name == "acq_rel");
  instruction_.releases = of_grid && (name == "release" || name == "acq_rel");
}

bool Decoder::take_cache_hints() {
  for (const char* hint : {"L1::evict_normal", "L1::evict_unchanged", "L1::evict_first", "L1::evict_last",
                           "L1::no_allocate", "L2::evict_normal", "L2::evict_unchanged", "L2::evict_first",
                           "L2::evict_last", "L2::64B", "L2::128B", "L2::256B"}) {
    take(hint);
  }
  return take("L2::cache_hint");
}

size_t Decoder::operand_count() const { return source_.operands.size(); }

const Operand& Decoder::operand(size_t index) const {
  if (index >= source_.operands.size()) fail("operand " + std::to_string(index + 1) + " is missing");
  return source_.operands[index];
}

void Decoder::need_operands(size_t least, size_t most) {
  if (operand_count() < least || operand_count() > most) {
    fail("has " + std::to_string(operand_count()) + " operands, " + std::to_string(least) +
         (most > least ? " to " + std::to_string(most) : "") + " are allowed");
  }
}

void Decoder::add(Slot slot) { slots_.push_back(slot); }

Slot Decoder::slot_of(const Operand& operand, Type type, bool written) {
  return function_.slot_of(operand, type, written, Width::exact);
}

void Decoder::read(const Operand& operand, Type type) { add(slot_of(operand, type, false)); }
void Decoder::read(size_t index, Type type) { read(operand(index), type); }
void Decoder::write(const Operand& operand, Type type) { add(slot_of(operand, type, true)); }
void Decoder::write(size_t index, Type type) { write(operand(index), type); }

void Decoder::read_wider(const Operand& operand, Type type) {
  add(function_.slot_of(operand, type, false, Width::wider));
}
void Decoder::write_wider(const Operand& operand, Type type) {
  add(function_.slot_of(operand, type, true, Width::wider));
}

namespace {

const std::vector<Operand>& elements_of(const Decoder& decoder, const Operand& operand, size_t count,
                                        std::vector<Operand>* one) {
  if (operand.kind != Operand::Kind::vector) *one = {operand};
  const std::vector<Operand>& elements = operand.kind == Operand::Kind::vector ? operand.elements : *one;
  if (elements.size() != count) {
    decoder.fail("a vector of " + std::to_string(elements.size()) + " where " + std::to_string(count) + " are needed");
  }
  return elements;
}

}  // namespace

void Decoder::read_vector(size_t index, Type type, size_t count) {
  std::vector<Operand> one;
  for (const Operand& element : elements_of(*this, operand(index), count, &one)) read(element, type);
}

void Decoder::write_vector(size_t index, Type type, size_t count) {
  std::vector<Operand> one;
  for (const Operand& element : elements_of(*this, operand(index), count, &one)) write(element, type);
}

void Decoder::read_address(size_t index, ptx::Space space) { read_address(operand(index), space); }

void Decoder::read_address(const Operand& operand, ptx::Space space) {
  bool bracketed = operand.kind == Operand::Kind::address && !operand.elements.empty();
  const Operand& base = bracketed ? operand.elements[0] : operand;
  need(instruction_.address_count < 4, "has too many addresses");
  Address& address = instruction_.address[instruction_.address_count++];
  address.op = static_cast<uint16_t>(slots_.size());
  address.space = space;
  address.offset = operand.kind == Operand::Kind::address ? operand.offset : 0;
  uint64_t unused;
  ptx::Space where;
  // A parameter of an inlined call is a local variable of the caller.
  if (space == ptx::Space::param && function_.find_variable(base.name, &where, &unused)) address.space = where;
  add(function_.slot_of(base, Type::b64, false, Width::address));
}

uint64_t Decoder::constant(size_t index) {
  if (!is_constant(index)) fail("operand " + std::to_string(index + 1) + " must be a number");
  return operand(index).bits;
}

bool Decoder::is_predicate(size_t index) const { return function_.bits_of_register(operand(index).name) == 1; }

bool Decoder::is_constant(size_t index) const { return operand(index).kind == Operand::Kind::integer; }

Slot Decoder::scratch(Type type) { return function_.scratch(ptx::bits(type)); }

void Decoder::members(size_t index) {
  instruction_.gather = Gather::members;
  instruction_.members = slot_of(operand(index), Type::b32, false);
}

const Rules& Decoder::rules() const { return function_.rules(); }
Code& Decoder::code() { return function_.code(); }
Instruction& Decoder::instruction() { return instruction_; }
FunctionDecoder& Decoder::function() { return function_; }

int Decoder::arch() const { return std::atoi(function_.module().target.c_str() + 3); }

void Decoder::keep_pointer(std::shared_ptr<const void> kept) { function_.code().details.push_back(std::move(kept)); }

void Decoder::fail(const std::string& why) const { function_.fail(source_, why); }

}  // namespace ternary::softgpu
