#include "softgpu/decode/function_decoder.h"

#include <algorithm>
#include <cstring>

#include "softgpu/exec/specials.h"

namespace ternary::softgpu {

using ptx::Operand;
using ptx::Space;
using ptx::Type;

namespace {

/** Bytes of a place for 32 lanes; wide enough for whole vectors of the host. */
uint32_t place_bytes(int bits) { return bits == 1 ? 4 : bits <= 32 ? 128 : bits == 64 ? 256 : 512; }

}  // namespace

FunctionDecoder::FunctionDecoder(const ptx::Module& module, const ptx::Function& entry,
                                 const VariableAddresses& addresses, const Rules& rules, const RegisterPlaces* places)
    : module_(module), entry_(entry), addresses_(addresses), rules_(rules), places_(places), code_(new Code) {}

std::unique_ptr<Code> FunctionDecoder::decode() {
  code_->name = entry_.name;
  code_->target = module_.target;
  code_->function = &entry_;
  if (places_) code_->frame_bytes = places_->bytes;
  find_callees(entry_);
  lay_out_shared();
  Frame frame;
  frame.function = &entry_;
  lay_out_params(&frame);
  call_chain_.push_back(&entry_);
  open_frame(&frame);
  decode_body(&frame);
  return std::move(code_);
}

void FunctionDecoder::fail(const ptx::Instruction& at, const std::string& why) const {
  throw ptx::PtxError("kernel " + entry_.name + ", PTX line " + std::to_string(at.line) + ": " + why + ": " + at.text);
}

uint32_t FunctionDecoder::new_register(int bits) {
  register_bits_.push_back(static_cast<uint16_t>(bits));
  if (!places_) {
    own_offsets_.push_back(code_->frame_bytes);
    code_->frame_bytes += place_bytes(bits);
  }
  return static_cast<uint32_t>(register_bits_.size() - 1);
}

Slot FunctionDecoder::register_slot(uint32_t number, bool written) {
  uses_.push_back({static_cast<uint32_t>(code_->instructions.size()), number, written});
  return {places_ ? places_->offsets[number] : own_offsets_[number], Slot::frame, register_bits_[number]};
}

Slot FunctionDecoder::scratch(int bits) {
  Slot slot = register_slot(new_register(bits), true);
  return slot;
}

Slot FunctionDecoder::constant(uint64_t value, int bits) {
  int width = bits == 1 ? 1 : bits <= 32 ? 32 : 64;
  if (bits < 64) value &= (uint64_t{1} << bits) - 1;
  auto [found, made] = constants_.emplace(std::make_pair(value, width), Slot{});
  if (made) {
    found->second = {static_cast<uint32_t>(code_->constants.size() * 8), Slot::constants, static_cast<uint16_t>(width)};
    uint64_t pair = width == 1 ? (value ? ~uint64_t{0} : 0) : width == 32 ? value << 32 | value : value;
    code_->constants.insert(code_->constants.end(), width == 1 ? 1 : width / 2, pair);
  }
  Slot slot = found->second;
  slot.bits = static_cast<uint16_t>(bits);
  return slot;
}

Slot FunctionDecoder::special(const std::string& name) {
  auto found = specials_.find(name);
  if (found != specials_.end()) return found->second;
  int bits = special_bits(name);
  if (bits == 0) fail_here("unknown special register " + name);
  return specials_[name] = special_slot(name, 0, bits);
}

/** Specials keep their place for the whole function, so they stand behind the registers of both passes. */
Slot FunctionDecoder::special_slot(const std::string& name, uint32_t offset, int bits) {
  Slot slot{code_->frame_bytes, Slot::frame, static_cast<uint16_t>(bits)};
  code_->frame_bytes += place_bytes(bits);
  code_->specials.push_back({name, slot, offset});
  return slot;
}

Slot FunctionDecoder::shared_address(uint64_t offset, int bits) {
  const std::string key = "shared " + std::to_string(bits) + " " + std::to_string(offset);
  const auto found = specials_.find(key);
  if (found != specials_.end()) return found->second;
  return specials_[key] = special_slot("", static_cast<uint32_t>(offset), bits);
}

bool FunctionDecoder::find_variable(const std::string& name, Space* space, uint64_t* address) {
  auto local = frame_->variables.find(name);
  if (local != frame_->variables.end()) {
    *space = local->second.first;
    *address = local->second.second;
    return true;
  }
  auto shared = shared_.find(name);
  auto global = addresses_.find(name);
  if (shared == shared_.end() && global == addresses_.end()) return false;
  *space = shared != shared_.end() ? Space::shared : Space::global;
  *address = shared != shared_.end() ? shared->second : global->second;
  return true;
}

uint64_t FunctionDecoder::immediate(const Operand& operand, Type type) const {
  if (operand.kind == Operand::Kind::integer) {
    if (type == Type::pred) return operand.bits != 0;
    if (type != Type::f32 && type != Type::f64) return operand.bits;
    fail_here("an integer where a float is needed");
  }
  if (operand.kind == Operand::Kind::real32 && ptx::bits(type) == 64) {
    float narrow;
    uint32_t raw = static_cast<uint32_t>(operand.bits);
    std::memcpy(&narrow, &raw, 4);
    double wide = narrow;
    uint64_t bits;
    std::memcpy(&bits, &wide, 8);
    return bits;
  }
  if (operand.kind == Operand::Kind::real64 && ptx::bits(type) == 32) {
    double wide;
    std::memcpy(&wide, &operand.bits, 8);
    float narrow = static_cast<float>(wide);
    uint32_t bits;
    std::memcpy(&bits, &narrow, 4);
    return bits;
  }
  return operand.bits;
}

Slot FunctionDecoder::slot_of(const Operand& operand, Type type, bool written, Width width) {
  int bits = ptx::bits(type);
  bool literal = operand.kind == Operand::Kind::integer || operand.kind == Operand::Kind::real32 ||
                 operand.kind == Operand::Kind::real64;
  if (literal && !written) return constant(immediate(operand, type), bits);
  if (operand.kind != Operand::Kind::name) fail_here("an operand of a kind that is not allowed here");
  if (operand.name == "_" && written) return scratch(bits);
  auto found = frame_->registers.find(operand.name);
  if (found != frame_->registers.end()) {
    int have = register_bits_[found->second];
    bool fits = have == bits || (width == Width::wider && have > bits) || (width == Width::address && have == 32);
    if (!fits) {
      fail_here("register " + operand.name + " of " + std::to_string(have) + " bits where " + std::to_string(bits) +
                " are needed");
    }
    return register_slot(found->second, written);
  }
  if (written) fail_here("unknown register " + operand.name);
  Space space;
  uint64_t address;
  if (find_variable(operand.name, &space, &address)) {
    address += static_cast<uint64_t>(operand.offset);
    return space == Space::shared ? shared_address(address, bits) : constant(address, bits);
  }
  if (operand.name[0] == '%') {
    Slot slot = special(operand.name);
    if (slot.bits != bits) fail_here(operand.name + " has " + std::to_string(slot.bits) + " bits");
    return slot;
  }
  fail_here("unknown name " + operand.name);
}

int FunctionDecoder::bits_of_register(const std::string& name) const {
  const auto found = frame_->registers.find(name);
  return found == frame_->registers.end() ? 0 : register_bits_[found->second];
}

void FunctionDecoder::decode_body(Frame* frame) {
  Frame* outer = frame_;
  const ptx::Instruction* outer_at = at_;
  frame_ = frame;
  for (const ptx::Instruction& source : frame->function->body) {
    frame->starts.push_back(static_cast<uint32_t>(code_->instructions.size()));
    at_ = &source;
    if (source.opcode == "call") {
      inline_call(source);
    } else {
      decode_instruction(source);
    }
  }
  frame->starts.push_back(static_cast<uint32_t>(code_->instructions.size()));
  if (frame->function->entry) {  // an end that a ret does not close
    code_->made_instructions.emplace_back();
    ptx::Instruction& made = code_->made_instructions.back();
    made.opcode = "ret";
    made.text = "}";
    made.line = frame->function->body.empty() ? frame->function->line : frame->function->body.back().line;
    at_ = &made;
    decode_instruction(made);
  }
  resolve_labels(*frame);
  frame_ = outer;
  at_ = outer_at;
}

void FunctionDecoder::decode_instruction(const ptx::Instruction& source) {
  size_t name_parts = 0;
  const OpcodeRow* row = find_opcode(source, &name_parts);
  if (!row) {
    std::string name = source.opcode;
    for (const std::string& modifier : source.modifiers) name += "." + modifier;
    fail(source, "unknown opcode " + name);
  }
  Decoder decoder(*this, source, name_parts);
  Instruction& instruction = decoder.instruction();
  instruction.row = row;
  if (!source.guard.empty()) {
    Operand guard;
    guard.name = source.guard;
    instruction.guarded = true;
    instruction.guard_negated = source.guard_negated;
    instruction.guard = slot_of(guard, Type::pred, false, Width::exact);
  }
  // In an inlined function ret goes on after the call: a jump whose target is set when the end is known.
  if (source.opcode == "ret" && !frame_->function->entry) {
    frame_->returns.push_back(static_cast<uint32_t>(code_->instructions.size()));
  }
  row->decode(decoder, instruction);
  decoder.finish();
  code_->instructions.push_back(instruction);
}

/** Operands: [(results),] name [, (arguments)]. Parameters are the caller's variables, which the callee shares. */
void FunctionDecoder::inline_call(const ptx::Instruction& source) {
  if (!source.guard.empty()) fail(source, "a guarded call is not supported");
  size_t at = 0;
  std::vector<Operand> results, arguments;
  if (!source.operands.empty() && source.operands[0].kind == Operand::Kind::vector) {
    results = source.operands[at++].elements;
  }
  if (at >= source.operands.size()) fail(source, "a call without a name");
  const std::string& name = source.operands[at++].name;
  if (at < source.operands.size()) arguments = source.operands[at].elements;
  const ptx::Function* callee = module_.find(name);
  if (!callee || !callee->defined) fail(source, "a call of " + name + ", which the module does not define");
  if (std::find(call_chain_.begin(), call_chain_.end(), callee) != call_chain_.end()) fail(source, "a recursive call");
  if (results.size() != callee->results.size() || arguments.size() != callee->params.size()) {
    fail(source, "the call's parameters do not match " + name);
  }
  Frame frame;
  frame.function = callee;
  auto share = [&](const std::vector<Operand>& given, const std::vector<ptx::Variable>& wanted) {
    for (size_t i = 0; i < given.size(); ++i) {
      auto found = frame_->variables.find(given[i].name);
      if (found == frame_->variables.end()) fail(source, "unknown parameter " + given[i].name);
      frame.variables[wanted[i].name] = found->second;
    }
  };
  share(results, callee->results);
  share(arguments, callee->params);
  call_chain_.push_back(callee);
  open_frame(&frame);
  decode_body(&frame);
  call_chain_.pop_back();
  for (uint32_t pc : frame.returns) code_->instructions[pc].target = static_cast<uint32_t>(code_->instructions.size());
}

void FunctionDecoder::branch_to(const std::string& label) {
  frame_->branches.emplace_back(static_cast<uint32_t>(code_->instructions.size()), label);
}

bool FunctionDecoder::in_entry() const { return frame_->function->entry; }

const std::vector<std::string>* FunctionDecoder::branch_targets(const std::string& name) const {
  auto found = frame_->function->branch_targets.find(name);
  return found == frame_->function->branch_targets.end() ? nullptr : &found->second;
}

const std::vector<uint32_t>* FunctionDecoder::target_table(const std::vector<std::string>& labels) {
  auto table = std::make_shared<std::vector<uint32_t>>(labels.size());
  frame_->tables.emplace_back(table.get(), labels);
  code_->details.push_back(table);
  return table.get();
}

void FunctionDecoder::resolve_labels(const Frame& frame) {
  auto find = [&](const std::string& label, uint32_t pc) {
    auto found = frame.function->labels.find(label);
    if (found == frame.function->labels.end()) fail(*code_->instructions[pc].source, "unknown label " + label);
    return frame.starts[found->second];
  };
  for (const auto& [pc, label] : frame.branches) code_->instructions[pc].target = find(label, pc);
  for (const auto& [table, labels] : frame.tables) {
    for (size_t i = 0; i < labels.size(); ++i) (*table)[i] = find(labels[i], frame.starts[0]);
  }
}

std::unique_ptr<const Code> decode(const ptx::Module& module, const ptx::Function& function,
                                   const VariableAddresses& addresses, const Rules& rules) {
  FunctionDecoder first(module, function, addresses, rules, nullptr);
  std::unique_ptr<Code> code = first.decode();
  RegisterPlaces places = allocate_registers(*code, first.uses(), first.register_bits());
  return FunctionDecoder(module, function, addresses, rules, &places).decode();
}

}  // namespace ternary::softgpu
