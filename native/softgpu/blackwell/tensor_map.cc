#include "softgpu/blackwell/tensor_map.h"

#include <cstring>

namespace ternary::softgpu {
namespace {

/** By CUtensorMapDataType: u8, u16, u32, s32, u64, s64, f16, f32, f64, bf16, f32 ftz, tf32, tf32 ftz. */
constexpr uint8_t kElementBytes[] = {1, 2, 4, 4, 8, 8, 2, 4, 8, 2, 4, 4, 4};
constexpr uint64_t kMostBox = 256, kMostStride = uint64_t{1} << 40, kMostSize = uint64_t{1} << 32;

const char* check_dimension(const TensorMapArguments& arguments, uint32_t i) {
  if (arguments.dimensions[i] < 1 || arguments.dimensions[i] > kMostSize) return "a dimension is not 1 to 2^32";
  if (arguments.box[i] < 1 || arguments.box[i] > kMostBox) return "a dimension of the box is not 1 to 256";
  if (arguments.element_strides[i] != 1) return "element strides other than 1 are not known";
  if (i == 0) return nullptr;
  const uint64_t stride = arguments.strides[i - 1];
  return stride % 16 != 0 || stride >= kMostStride ? "a stride is no multiple of 16 below 2^40" : nullptr;
}

}  // namespace

uint32_t TensorMap::box_bytes() const {
  uint32_t bytes = element_bytes;
  for (int i = 0; i < rank; ++i) bytes *= box[i];
  return bytes;
}

const char* encode(const TensorMapArguments& arguments, TensorMap* map) {
  if (arguments.type < 0 || arguments.type >= static_cast<int>(sizeof kElementBytes)) return "the type is not known";
  if (arguments.rank < 1 || arguments.rank > kMostDimensions) return "the rank is not 1 to 5";
  if (arguments.address % 16 != 0) return "the address is no multiple of 16";
  if (arguments.interleave != 0) return "interleaved layouts are not known";
  if (arguments.fill != 0) return "a fill other than zeros is not known";
  if (arguments.swizzle < 0 || arguments.swizzle > static_cast<int>(Swizzle::b128_atom_32)) {
    return "the swizzle is not known";
  }
  for (uint32_t i = 0; i < arguments.rank; ++i) {
    if (const char* why = check_dimension(arguments, i)) return why;
  }
  TensorMap made;
  std::memset(&made, 0, sizeof made);
  made.mark = TensorMap::kMark;
  made.address = arguments.address;
  made.rank = static_cast<uint8_t>(arguments.rank);
  made.element_bytes = kElementBytes[arguments.type];
  made.swizzle = static_cast<Swizzle>(arguments.swizzle);
  for (uint32_t i = 0; i < arguments.rank; ++i) {
    made.last[i] = static_cast<uint32_t>(arguments.dimensions[i] - 1);
    made.box[i] = static_cast<uint16_t>(arguments.box[i]);
    made.strides[i] = i == 0 ? made.element_bytes : arguments.strides[i - 1];
  }
  if (made.inner_bytes() % 16 != 0) return "the box's rows are no multiple of 16 bytes";
  const uint32_t span = swizzle_span(made.swizzle);
  if (span != 0 && made.inner_bytes() > span) return "the box's rows are longer than the swizzle's";
  *map = made;
  return nullptr;
}

}  // namespace ternary::softgpu
