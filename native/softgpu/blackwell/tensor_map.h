/**
 * @file tensor_map.h
 * @brief The 128 bytes that cuTensorMapEncodeTiled() makes. NVIDIA keeps its own layout to itself; this is ours.
 */
#ifndef TERNARY_SOFTGPU_BLACKWELL_TENSOR_MAP_H_
#define TERNARY_SOFTGPU_BLACKWELL_TENSOR_MAP_H_

#include <cstdint>

namespace ternary::softgpu {

inline constexpr int kMostDimensions = 5;

/** How 16-byte units are moved within a row of shared memory; values as in CUtensorMapSwizzle. */
enum class Swizzle : uint8_t { none = 0, b32 = 1, b64 = 2, b128 = 3, b128_atom_32 = 4 };

/** Where the byte that would lie at a shared address lies. */
inline uint64_t swizzled(Swizzle swizzle, uint64_t address) {
  switch (swizzle) {
    case Swizzle::b32: return address ^ (address >> 7 & 1) << 4;
    case Swizzle::b64: return address ^ (address >> 7 & 3) << 4;
    case Swizzle::b128: return address ^ (address >> 7 & 7) << 4;
    case Swizzle::b128_atom_32: return address ^ (address >> 7 & 3) << 5;
    default: return address;
  }
}

/** Bytes of the row that a swizzle works on; 0 for none. */
inline uint32_t swizzle_span(Swizzle swizzle) {
  return swizzle == Swizzle::none ? 0 : swizzle == Swizzle::b32 ? 32 : swizzle == Swizzle::b64 ? 64 : 128;
}

struct TensorMap {
  uint64_t mark;  ///< kMark
  uint64_t address;
  uint64_t strides[kMostDimensions];  ///< in bytes; of dimension 0 the element's
  uint32_t last[kMostDimensions];     ///< of each dimension, its size - 1
  uint16_t box[kMostDimensions];
  uint8_t rank;
  uint8_t element_bytes;
  Swizzle swizzle;
  uint8_t unused[128 - 16 - 40 - 20 - 10 - 3];

  static constexpr uint64_t kMark = 0x70616d726f736e74;
  uint32_t box_bytes() const;
  uint32_t inner_bytes() const { return uint32_t{box[0]} * element_bytes; }
};
static_assert(sizeof(TensorMap) == 128);

/** What a caller of cuTensorMapEncodeTiled() says, with CUDA's numbers. */
struct TensorMapArguments {
  int type;
  uint32_t rank;
  uint64_t address;
  const uint64_t* dimensions;
  const uint64_t* strides;  ///< rank - 1 of them
  const uint32_t* box;
  const uint32_t* element_strides;
  int interleave, swizzle, fill;
};

/** Makes a map; else returns why not: what CUDA forbids, and what is not known here. */
const char* encode(const TensorMapArguments& arguments, TensorMap* map);

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_BLACKWELL_TENSOR_MAP_H_
