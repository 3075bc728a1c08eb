/**
 * @file library.h
 * @brief The device code that loaded libraries have registered, and what was made of it for each device.
 */
#ifndef TERNARY_SOFTGPU_RUNTIME_LIBRARY_H_
#define TERNARY_SOFTGPU_RUNTIME_LIBRARY_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "softgpu/decode/image.h"
#include "softgpu/memory/device_memory.h"
#include "softgpu/runtime/device.h"
#include "softgpu/runtime/fatbin.h"

namespace ternary::softgpu {

class Library;

/** An entry function of a library; cudaKernel_t points to one. */
struct Kernel {
  Library* library = nullptr;
  std::string name;                         ///< mangled, as in the PTX
  std::map<int, int> dynamic_shared_limit;  ///< by device, where cudaFuncSetAttribute() has set it
};

class Library {
 public:
  explicit Library(const void* fatbin_wrapper) : entries_(read_fatbin(fatbin_wrapper)) {}

  void add_kernel(const void* stub, const std::string& name);
  void add_variable(const void* stand_in, const std::string& name) { variables_[stand_in] = name; }
  /** Null if it is another library's. */
  Kernel* find_kernel(const void* stub_or_kernel);
  const std::string* find_variable(const void* stand_in) const;
  const std::vector<FatbinEntry>& entries() const { return entries_; }

  /** The PTX for a device, loaded when first asked for. Throws CudaFailure (209, 218). */
  Image& image(int ordinal, const Device& device, DeviceMemory& memory, const Rules& rules);
  const FatbinEntry& ptx_of(const Device& device) const;
  /** Registers a thread has in the machine code beside the PTX, 0 where there is none for the architecture. */
  int registers(const std::string& kernel, const Device& device) const;
  /** Forgets what was loaded and what cudaFuncSetAttribute() has set: variables and limits start anew. */
  void unload();

 private:
  std::vector<FatbinEntry> entries_;
  std::map<const void*, std::unique_ptr<Kernel>> kernels_;
  std::map<const void*, std::string> variables_;
  std::map<int, std::unique_ptr<Image>> images_;
};

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_RUNTIME_LIBRARY_H_
