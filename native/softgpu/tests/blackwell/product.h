/**
 * @file product.h
 * @brief One tcgen05.mma with operands laid out by the figures of the PTX ISA, written apart from the interpreter.
 */
#ifndef TERNARY_SOFTGPU_TESTS_BLACKWELL_PRODUCT_H_
#define TERNARY_SOFTGPU_TESTS_BLACKWELL_PRODUCT_H_

#include <cstdint>
#include <vector>

#include "softgpu/tests/snippet.h"

namespace ternary::softgpu {

struct Product {
  bool integers = true;  ///< kind::i8 with s8 operands; else kind::f16 with bf16
  bool pair = false;
  bool a_in_tensor_memory = false;
  bool accumulates = true;
  uint32_t m = 128, n = 32;
  int swizzle = 3;          ///< 0: none, 1: 32, 2: 64, 3: 128 bytes, 4: 128 bytes by 32
  uint32_t k_offset = 0;    ///< bytes in a swizzled row where the operands begin
  uint32_t descriptor = 0;  ///< bits of the instruction descriptor that are flipped
  std::vector<int> a, b;    ///< m by k and n by k, row by row
  std::vector<int> d;       ///< m by n, before and after
  Schedule schedule = Schedule::lazy;
  uint64_t seed = 1;
  /// Applied to the kernel's text.
  std::vector<std::pair<std::string, std::string>> changes;

  uint32_t k() const { return integers ? 32 : 16; }
  void resize() { a.resize(m * k()), b.resize(n * k()), d.resize(m * n); }
};

/** Executes it; d is changed if there was no fault. */
FaultReport run(Product* product);

/** What d should be. */
std::vector<int> expected(const Product& product);

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_TESTS_BLACKWELL_PRODUCT_H_
