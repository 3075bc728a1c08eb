/**
 * @file image.h
 * @brief A PTX module that has been loaded: its variables have addresses, its kernels are decoded when first asked for.
 */
#ifndef TERNARY_SOFTGPU_DECODE_IMAGE_H_
#define TERNARY_SOFTGPU_DECODE_IMAGE_H_

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "softgpu/decode/function_decoder.h"
#include "softgpu/memory/memory.h"

namespace ternary::softgpu {

class Image {
 public:
  /** Parses, allocates and initialises the variables. Throws ptx::PtxError. */
  Image(const std::string& ptx, Memory& memory, Rules rules = {});
  ~Image();
  Image(const Image&) = delete;

  const ptx::Module& module() const { return *module_; }
  /** The decoded kernel; throws PtxError if there is none of that name or it has unknown instructions. Thread-safe. */
  const Code& kernel(const std::string& name);
  /** Throws PtxError if there is no kernel of that name. */
  KernelOutline outline(const std::string& name) const;
  /** Address and size of a global or constant variable; false if there is none. */
  bool variable(const std::string& name, uint64_t* address, uint64_t* bytes) const;

 private:
  const ptx::Function& entry(const std::string& name) const;

  std::unique_ptr<ptx::Module> module_;
  Memory& memory_;
  Rules rules_;
  VariableAddresses addresses_;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<const Code>> kernels_;
};

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_DECODE_IMAGE_H_
