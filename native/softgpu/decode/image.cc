#include "softgpu/decode/image.h"

#include <cstring>

namespace ternary::softgpu {

Image::Image(const std::string& ptx, Memory& memory, Rules rules)
    : module_(ptx::parse(ptx)), memory_(memory), rules_(rules) {
  for (const ptx::Variable& variable : module_->variables) {
    if (variable.space == ptx::Space::shared) continue;
    if (variable.external) throw ptx::PtxError("variable " + variable.name + " is defined in no module");
    addresses_[variable.name] = memory_.allocate_variables(std::max<uint64_t>(variable.bytes, 1), variable.name);
  }
  for (const ptx::Variable& variable : module_->variables) {
    if (variable.initial.empty()) continue;
    uint8_t* bytes = reinterpret_cast<uint8_t*>(addresses_[variable.name]);
    std::memcpy(bytes, variable.initial.data(), variable.initial.size());
    for (const ptx::Variable::Reference& reference : variable.references) {
      auto found = addresses_.find(reference.name);
      if (found == addresses_.end()) {
        throw ptx::PtxError("variable " + variable.name + " refers to " + reference.name + ", which has no address");
      }
      uint64_t address = found->second + static_cast<uint64_t>(reference.offset);
      std::memcpy(bytes + reference.at, &address, 8);
    }
  }
}

Image::~Image() {
  for (const auto& [name, address] : addresses_) memory_.free_variables(address);
}

const Code& Image::kernel(const std::string& name) {
  std::lock_guard<std::mutex> lock(mutex_);
  std::unique_ptr<const Code>& code = kernels_[name];
  if (!code) code = decode(*module_, entry(name), addresses_, rules_);
  return *code;
}

KernelOutline Image::outline(const std::string& name) const {
  return FunctionDecoder(*module_, entry(name), addresses_, rules_, nullptr).outline();
}

const ptx::Function& Image::entry(const std::string& name) const {
  const ptx::Function* function = module_->find(name);
  if (!function || !function->entry) throw ptx::PtxError("the module has no kernel " + name);
  return *function;
}

bool Image::variable(const std::string& name, uint64_t* address, uint64_t* bytes) const {
  auto found = addresses_.find(name);
  if (found == addresses_.end()) return false;
  *address = found->second;
  *bytes = module_->find_variable(name)->bytes;
  return true;
}

}  // namespace ternary::softgpu
