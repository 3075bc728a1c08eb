/**
 * @file mma_kinds.h
 * @brief The matrix instructions of a GPU one by one, each launched by a warp of its own.
 */
#ifndef TERNARY_TESTS_EXACTNESS_MMA_KINDS_H_
#define TERNARY_TESTS_EXACTNESS_MMA_KINDS_H_

#include <cuda_runtime_api.h>

#include <cstdint>

namespace ternary::test {

/** dp4a's are warps of dot products; e4m3 is of compute capability 8.9 and later. */
enum class MmaKind { s8_s8, u8_s8, bf16, f16, e4m3, dp4a };

/** D[16][8] = C + A[16][steps] . B[8][steps]^T, where a step is 32 bytes of each row: 32 columns of bytes, 16 of halves. */
constexpr int kMmaRows = 16, kMmaColumns = 8, kMmaStepBytes = 32;

/**
 * Starts it on the default stream. All pointers are the device's. `c_and_d` has int32 or, for bf16, f16 and e4m3, float;
 * it is untouched where the device lacks the instruction.
 */
cudaError_t start_mma(MmaKind kind, const uint8_t* a, const uint8_t* b, int steps, void* c_and_d);

}  // namespace ternary::test

#endif  // TERNARY_TESTS_EXACTNESS_MMA_KINDS_H_
