#include "softgpu/api/tensor_map.h"

#include <cstdio>

#include "softgpu/blackwell/tensor_map.h"

extern "C" int cuTensorMapEncodeTiled(void* map, int type, uint32_t rank, void* address, const uint64_t* dimensions,
                                      const uint64_t* strides, const uint32_t* box, const uint32_t* element_strides,
                                      int interleave, int swizzle, int, int fill) {
  using ternary::softgpu::TensorMapArguments;
  const TensorMapArguments arguments{
      type,    rank, reinterpret_cast<uint64_t>(address), dimensions, strides, box, element_strides, interleave,
      swizzle, fill};
  const char* why = map == nullptr || dimensions == nullptr || box == nullptr || element_strides == nullptr ||
                            (rank > 1 && strides == nullptr)
                        ? "a pointer is null"
                        : ternary::softgpu::encode(arguments, static_cast<ternary::softgpu::TensorMap*>(map));
  if (why == nullptr) return 0;
  std::fprintf(stderr, "softgpu: cuTensorMapEncodeTiled: %s\n", why);
  return 1;
}
