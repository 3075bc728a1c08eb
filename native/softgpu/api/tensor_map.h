/**
 * @file tensor_map.h
 * @brief The functions of the driver that programs get by name: both libraries have them.
 */
#ifndef TERNARY_SOFTGPU_API_TENSOR_MAP_H_
#define TERNARY_SOFTGPU_API_TENSOR_MAP_H_

#include <cstdint>

/** As in CUDA's cuda.h, with its enumerations as int: 0 or CUDA_ERROR_INVALID_VALUE, with a sentence on stderr. */
extern "C" int cuTensorMapEncodeTiled(void* map, int type, uint32_t rank, void* address, const uint64_t* dimensions,
                                      const uint64_t* strides, const uint32_t* box, const uint32_t* element_strides,
                                      int interleave, int swizzle, int promotion, int fill);

#endif  // TERNARY_SOFTGPU_API_TENSOR_MAP_H_
