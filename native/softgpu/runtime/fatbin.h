/**
 * @file fatbin.h
 * @brief Reads what nvcc embeds in a library: PTX and machine code for several architectures.
 *
 * The container, as nvcc 13 writes it: a header of 16 bytes (magic, version, its size, bytes that follow), then
 * entries, each with a header (kind, its size, bytes of the payload, architecture, flags) and its payload.
 */
#ifndef TERNARY_SOFTGPU_RUNTIME_FATBIN_H_
#define TERNARY_SOFTGPU_RUNTIME_FATBIN_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "softgpu/runtime/architecture.h"

namespace ternary::softgpu {

struct FatbinEntry {
  enum class Kind : uint16_t { ptx = 1, elf = 2 };  ///< others exist and are of no use here
  Kind kind;
  Architecture architecture;
  bool compressed;
  std::string_view payload;  ///< of PTX: the text without the zeros that pad it
};

/** The entries of a wrapper that __cudaRegisterFatBinary() is given. Throws std::runtime_error if it is not one. */
std::vector<FatbinEntry> read_fatbin(const void* wrapper);
/** The entries of a container. */
std::vector<FatbinEntry> read_fatbin_container(const uint8_t* container);

/** The PTX that suits the device best, null if it may run none. */
const FatbinEntry* best_ptx(const std::vector<FatbinEntry>& entries, const Architecture& device);

/** "PTX for sm_80, sm_90a, machine code for sm_80": for messages. */
std::string describe(const std::vector<FatbinEntry>& entries);

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_RUNTIME_FATBIN_H_
