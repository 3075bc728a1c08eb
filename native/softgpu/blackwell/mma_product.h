/**
 * @file mma_product.h
 * @brief The arithmetic of one tcgen05.mma, on operands that were taken to pieces.
 */
#ifndef TERNARY_SOFTGPU_BLACKWELL_MMA_PRODUCT_H_
#define TERNARY_SOFTGPU_BLACKWELL_MMA_PRODUCT_H_

#include <cstdint>
#include <vector>

#include "softgpu/blackwell/mma_descriptors.h"

namespace ternary::softgpu {

/**
 * Adds the product of `rows` rows of A and `columns` rows of B, each kMmaKBytes long, to `d`, bits of s32 or f32, row by
 * row.
 *
 * Floats are summed without an error and rounded once. What hardware does with the bits that an f32 has no room for is
 * not written down, so a sum of int8-valued operands that could need more than 24 bits is a fault: the contract of A8
 * wants every bit. Operands that are all even need one less.
 */
void add_product(const MmaShape& shape, const std::vector<uint8_t>& a, uint32_t rows, const std::vector<uint8_t>& b,
                 uint32_t columns, uint32_t* d);

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_BLACKWELL_MMA_PRODUCT_H_
