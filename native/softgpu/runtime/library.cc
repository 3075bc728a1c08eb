#include "softgpu/runtime/library.h"

#include <elf.h>

#include <cstring>

#include "softgpu/runtime/failure.h"

namespace ternary::softgpu {
namespace {

/** Machine code says in sh_info of `.text.KERNEL`, uppermost byte, how many registers a thread has. */
int registers_in(std::string_view elf, const std::string& kernel) {
  Elf64_Ehdr header;
  if (elf.size() < sizeof header) return 0;
  std::memcpy(&header, elf.data(), sizeof header);
  std::vector<Elf64_Shdr> sections(header.e_shnum);
  if (header.e_shentsize != sizeof(Elf64_Shdr) || header.e_shoff + sections.size() * sizeof(Elf64_Shdr) > elf.size() ||
      header.e_shstrndx >= sections.size()) {
    return 0;
  }
  std::memcpy(sections.data(), elf.data() + header.e_shoff, sections.size() * sizeof(Elf64_Shdr));
  const Elf64_Shdr& names = sections[header.e_shstrndx];
  const std::string wanted = ".text." + kernel;
  for (const Elf64_Shdr& section : sections) {
    if (section.sh_name >= names.sh_size || names.sh_offset + names.sh_size > elf.size()) continue;
    if (wanted == elf.data() + names.sh_offset + section.sh_name) return static_cast<int>(section.sh_info >> 24);
  }
  return 0;
}

}  // namespace

void Library::add_kernel(const void* stub, const std::string& name) {
  auto kernel = std::make_unique<Kernel>();
  kernel->library = this;
  kernel->name = name;
  kernels_[stub] = std::move(kernel);
}

Kernel* Library::find_kernel(const void* stub_or_kernel) {
  const auto found = kernels_.find(stub_or_kernel);
  if (found != kernels_.end()) return found->second.get();
  for (const auto& [stub, kernel] : kernels_) {
    if (kernel.get() == stub_or_kernel) return kernel.get();
  }
  return nullptr;
}

const std::string* Library::find_variable(const void* stand_in) const {
  const auto found = variables_.find(stand_in);
  return found == variables_.end() ? nullptr : &found->second;
}

const FatbinEntry& Library::ptx_of(const Device& device) const {
  const FatbinEntry* entry = best_ptx(entries_, device.architecture);
  if (entry == nullptr) {
    throw CudaFailure(cudaErrorNoKernelImageForDevice,
                      "a device of " + name_of(device.architecture) + " has a library with " + describe(entries_) +
                          "; the software GPU executes PTX, and none of this is for the device");
  }
  if (entry->compressed) {
    throw CudaFailure(cudaErrorInvalidPtx, "the PTX for " + name_of(entry->architecture) +
                                               " is compressed; the software GPU wants nvcc --no-compress");
  }
  return *entry;
}

Image& Library::image(int ordinal, const Device& device, DeviceMemory& memory, const Rules& rules) {
  std::unique_ptr<Image>& image = images_[ordinal];
  if (image == nullptr) {
    const FatbinEntry& entry = ptx_of(device);
    memory.note_in(nullptr, ordinal);  // the device that owns the variables
    try {
      image = std::make_unique<Image>(std::string(entry.payload), memory, rules);
    } catch (const ptx::PtxError& error) {
      throw CudaFailure(cudaErrorInvalidPtx, error.what());
    }
  }
  return *image;
}

void Library::unload() {
  images_.clear();
  for (const auto& [stub, kernel] : kernels_) kernel->dynamic_shared_limit.clear();
}

int Library::registers(const std::string& kernel, const Device& device) const {
  for (const FatbinEntry& entry : entries_) {
    const bool fits = entry.kind == FatbinEntry::Kind::elf && !entry.compressed &&
                      entry.architecture.major == device.architecture.major &&
                      entry.architecture.minor <= device.architecture.minor;
    const int registers = fits ? registers_in(entry.payload, kernel) : 0;
    if (registers > 0) return registers;
  }
  return 0;
}

}  // namespace ternary::softgpu
