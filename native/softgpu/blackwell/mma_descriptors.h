/**
 * @file mma_descriptors.h
 * @brief The two descriptors of tcgen05.mma: what is multiplied, and how an operand lies in shared memory.
 *
 * Only what is executed here is accepted: dense, K-major operands, s8/u8 into s32, f16/bf16 into f32.
 */
#ifndef TERNARY_SOFTGPU_BLACKWELL_MMA_DESCRIPTORS_H_
#define TERNARY_SOFTGPU_BLACKWELL_MMA_DESCRIPTORS_H_

#include <cstdint>

#include "softgpu/blackwell/tensor_map.h"

namespace ternary::softgpu {

/** Element types of operands. */
enum class MmaType : uint8_t { u8, s8, f16, bf16 };

inline constexpr uint32_t kMmaKBytes = 32;  ///< of a row of an operand in one tcgen05.mma

struct MmaShape {
  MmaType a, b;
  bool integers;  ///< s32 accumulators; else f32
  bool saturates;
  uint32_t m, n;

  uint32_t element_bytes() const { return integers ? 1 : 2; }
  uint32_t k() const { return kMmaKBytes / element_bytes(); }
};

/** The instruction descriptor, Table "Instruction descriptor format" of the PTX ISA. Throws Fault. */
MmaShape decode_instruction_descriptor(uint32_t bits, bool integers, bool pair);

/** The shared memory descriptor, Table "Shared memory descriptor" of the PTX ISA. */
struct MmaOperand {
  uint64_t start;  ///< offset in shared memory, in bytes as the other two
  uint64_t leading, stride;
  Swizzle swizzle;

  /** Where 16 bytes of a row lie: those that begin at `byte` of its K. */
  uint64_t place(uint32_t row, uint32_t byte) const;
};
MmaOperand decode_shared_descriptor(uint64_t bits);

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_BLACKWELL_MMA_DESCRIPTORS_H_
