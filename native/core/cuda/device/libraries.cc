#include "core/cuda/device/libraries.h"

#include <algorithm>
#include <iterator>
#include <sstream>
#include <string>

#include "core/base/failure.h"
#include "core/cuda/device/arch.h"
#include "core/runtime/backend.h"

namespace ternary {
namespace {

std::string described(const CudaDevice& device) {
  return device.name + " (compute capability " + std::to_string(device.major) + '.' + std::to_string(device.minor) +
         ')';
}

std::string listed(const std::vector<std::string>& words, const char* between) {
  std::string list;
  for (const std::string& word : words) list += (list.empty() ? "" : between) + word;
  return list;
}

/** What a library is made for, oldest first. */
std::vector<std::string> archs_of(const CudaLibraryRow& row) {
  std::vector<std::string> archs(std::begin(kCudaArchs), std::end(kCudaArchs));
  if (*row.archs == 0) return archs;
  archs.clear();
  std::istringstream own(row.archs);
  for (std::string arch; std::getline(own >> std::ws, arch, ',');) archs.push_back("sm" + arch);
  return archs;
}

/** Those for which it lies in the folder of the backends. */
std::vector<std::string> present_archs(const CudaLibraryRow& row) {
  std::vector<std::string> archs = archs_of(row);
  const auto absent = [&](const std::string& arch) { return !has_cuda_backend(cuda_backend_file(row.name, arch)); };
  archs.erase(std::remove_if(archs.begin(), archs.end(), absent), archs.end());
  return archs;
}

/** Makes a library the device's, if the device runs its code; else CUDA's error. */
int take_library(const CudaLibraryRow& row, const std::string& arch, CudaDevice& device) {
  const CudaBackend& backend = cuda_backend(cuda_backend_file(row.name, arch));
  const CudaDeviceScope scope(device);
  const int error = backend.prepare(device.shared_bytes);
  if (error != kCudaSuccess) return error;
  device.backends.push_back(&backend);
  device.libraries.push_back({row.name, arch, "", false});
  return error;
}

/** Whether an error says that a library has no code for the device, rather than that the device is in trouble. */
bool has_no_code(int error) {
  return error == kCudaInvalidFunction || error == kCudaInvalidImage || error == kCudaNoImage;
}

std::string does_not_run(const CudaDevice& device, const std::string& file, int error) {
  return described(device) + " does not run " + file + ": " + cuda_error_text(*device.cuda, error);
}

/** The first library, which has a kernel for every product. */
class FirstLibrary {
 public:
  FirstLibrary(const CudaLibraryRow& row, CudaDevice& device)
      : row_(row), device_(device), present_(present_archs(row)), none_{no_code(), true} {}

  NoCuda take(CudaPtx ptx) {
    for (const std::string& arch : cuda_archs_for(device_.major, device_.minor, present_)) {
      const int error = take_library(row_, arch, device_);
      if (error == kCudaSuccess) return {};
      none_.reason = does_not_run(device_, file_of(arch), error);
      if (!has_no_code(error)) return {none_.reason};
    }
    take_ptx(ptx);
    return none_;
  }

 private:
  std::string file_of(const std::string& arch) const { return cuda_backend_file(row_.name, arch); }

  std::string no_code() const {
    std::vector<std::string> files = cuda_archs_for(device_.major, device_.minor, archs_of(row_));
    const std::string sentence = "no library has code for " + described(device_) + ": ";
    if (files.empty()) return sentence + "none is made for it";
    for (std::string& file : files) file = file_of(file);
    return sentence + listed(files, " or ") + " is needed beside libternary.so, which has " +
           (present_.empty() ? "none" : listed(present_, ", "));
  }

  /** PTX of `a` and `f` architectures runs where their machine code does; of these only sm80's runs on every later one. */
  void take_ptx(CudaPtx allowed) {
    const std::string arch = kCudaPtxArch, ptx = "the PTX of " + file_of(arch);
    if (device_.major < 8 || std::find(present_.begin(), present_.end(), arch) == present_.end()) return;
    if (allowed == CudaPtx::never) {
      none_.reason += "; TERNARY_DEVICE=cuda would have the driver compile " + ptx + " for it";
      return;
    }
    if (const int error = take_library(row_, arch, device_)) {
      none_.reason += "; nor does it run " + ptx + ": " + cuda_error_text(*device_.cuda, error);
      return;
    }
    device_.warning = none_.reason + "; the driver has compiled " + ptx +
                      " for it, which is made for older devices: it may be slow, and nobody has tested it there";
    none_ = {};
  }

  const CudaLibraryRow& row_;
  CudaDevice& device_;
  const std::vector<std::string> present_;
  NoCuda none_;
};

/** Tries a library's code for an architecture; why it does not serve, or an empty text. */
std::string try_library(const CudaLibraryRow& row, const std::string& arch, CudaDevice& device) {
  const std::string file = cuda_backend_file(row.name, arch);
  if (!has_cuda_backend(file)) return file + " does not lie beside libternary.so";
  try {
    const int error = take_library(row, arch, device);
    return error == kCudaSuccess ? "" : does_not_run(device, file, error);
  } catch (const Failure& failure) {  // damaged, or of another version: others serve
    return failure.what();
  }
}

/** A library besides the first: the best code that the device runs, or why there is none. Its PTX is never compiled. */
void take_other_library(const CudaLibraryRow& row, CutlassChoice cutlass, CudaDevice& device) {
  const std::vector<std::string> made = archs_of(row), archs = cuda_archs_for(device.major, device.minor, made);
  if (row.name == kCutlassLibrary && cutlass == CutlassChoice::never) {
    device.libraries.push_back({row.name, "", "TERNARY_CUTLASS is 0", false});
    return;
  }
  if (archs.empty()) {
    const std::string reason = "it is made for " + listed(made, ", ") + ", not for " + described(device);
    device.libraries.push_back({row.name, "", reason, false});
    return;
  }
  std::string reason;  // of the best
  for (const std::string& arch : archs) {
    const std::string why = try_library(row, arch, device);
    if (why.empty()) return;
    if (reason.empty()) reason = why;
  }
  device.libraries.push_back({row.name, archs.front(), reason, true});
}

}  // namespace

std::vector<CudaLibraryRow> cuda_library_rows() {
  return {
#define CUDA_LIBRARY(name, folder, ...) {#name, #__VA_ARGS__},
#include "abi/cuda_libraries.inc"
#undef CUDA_LIBRARY
  };
}

NoCuda take_libraries(const std::vector<CudaLibraryRow>& rows, CudaPtx ptx, CutlassChoice cutlass, CudaDevice& device) {
  NoCuda none = FirstLibrary(rows.front(), device).take(ptx);
  if (!none.reason.empty()) return none;
  for (auto row = rows.begin() + 1; row != rows.end(); ++row) take_other_library(*row, cutlass, device);
  return none;
}

}  // namespace ternary
