/**
 * FunctionDecoder: where the variables of a function and of all that it calls lie.
 */
#include <algorithm>

#include "softgpu/decode/function_decoder.h"

namespace ternary::softgpu {

using ptx::Operand;
using ptx::Space;

namespace {

uint64_t align_up(uint64_t value, uint64_t alignment) { return (value + alignment - 1) / alignment * alignment; }

void collect_names(const Operand& operand, std::vector<std::string>* names) {
  if (!operand.name.empty()) names->push_back(operand.name);
  for (const Operand& element : operand.elements) collect_names(element, names);
}

}  // namespace

void FunctionDecoder::find_callees(const ptx::Function& function) {
  if (std::find(reachable_.begin(), reachable_.end(), &function) != reachable_.end()) return;
  reachable_.push_back(&function);
  for (const ptx::Instruction& instruction : function.body) {
    if (instruction.opcode != "call") continue;
    for (const Operand& operand : instruction.operands) {
      const ptx::Function* callee = module_.find(operand.name);
      if (callee && callee->defined) find_callees(*callee);
    }
  }
}

/** Static variables in the order of the text, then the extern array, whose size is the launch's. */
void FunctionDecoder::lay_out_shared() {
  std::vector<std::string> names;
  for (const ptx::Function* function : reachable_) {
    for (const ptx::Instruction& instruction : function->body) {
      for (const Operand& operand : instruction.operands) collect_names(operand, &names);
    }
  }
  std::sort(names.begin(), names.end());
  uint64_t offset = 0, dynamic_alignment = 16;
  auto lay_out = [&](const std::string& key, const ptx::Variable& variable) {
    offset = align_up(offset, variable.alignment);
    shared_[key] = offset;
    offset += variable.bytes;
  };
  for (const ptx::Variable& variable : module_.variables) {
    if (variable.space != Space::shared || !std::binary_search(names.begin(), names.end(), variable.name)) continue;
    if (variable.bytes == 0) {
      dynamic_alignment = std::max(dynamic_alignment, variable.alignment);
    } else {
      lay_out(variable.name, variable);
    }
  }
  for (const ptx::Function* function : reachable_) {
    for (const ptx::Variable& variable : function->variables) {
      if (variable.space == Space::shared) lay_out(function->name + "/" + variable.name, variable);
    }
  }
  code_->static_shared_bytes = static_cast<uint32_t>(align_up(offset, dynamic_alignment));
  code_->shared_alignment = static_cast<uint32_t>(dynamic_alignment);
  if (offset == 0) code_->static_shared_bytes = 0;
  for (const ptx::Variable& variable : module_.variables) {
    if (variable.space == Space::shared && variable.bytes == 0) shared_[variable.name] = code_->static_shared_bytes;
  }
}

void FunctionDecoder::lay_out_params(Frame* frame) {
  uint64_t offset = 0;
  for (const ptx::Variable& param : entry_.params) {
    offset = align_up(offset, param.alignment);
    code_->param_offsets[param.name] = static_cast<uint32_t>(offset);
    frame->variables[param.name] = {Space::param, offset};
    offset += param.bytes;
  }
  code_->param_bytes = static_cast<uint32_t>(offset);
}

void FunctionDecoder::open_frame(Frame* frame) {
  for (const ptx::Register& one : frame->function->registers) {
    frame->registers[one.name] = new_register(ptx::bits(one.type));
  }
  for (const ptx::Variable& variable : frame->function->variables) {
    if (variable.space == Space::shared) {
      frame->variables[variable.name] = {Space::shared, shared_[frame->function->name + "/" + variable.name]};
      continue;
    }
    uint64_t offset = align_up(code_->local_bytes, std::max<uint64_t>(variable.alignment, 1));
    frame->variables[variable.name] = {Space::local, offset};
    code_->local_bytes = static_cast<uint32_t>(offset + variable.bytes);
  }
}

KernelOutline FunctionDecoder::outline() {
  find_callees(entry_);
  lay_out_shared();
  uint64_t local = 0;
  for (const ptx::Function* function : reachable_) {
    for (const ptx::Variable& variable : function->variables) {
      if (variable.space != Space::shared)
        local = align_up(local, std::max<uint64_t>(variable.alignment, 1)) + variable.bytes;
    }
  }
  return {&entry_, code_->static_shared_bytes, static_cast<uint32_t>(local)};
}

}  // namespace ternary::softgpu
