#include "core/product/rotation.h"

#include <cinttypes>

#include "abi/dtype.h"
#include "core/base/argument.h"
#include "core/base/failure.h"
#include "core/product/ranges.h"

namespace ternary {
namespace {

constexpr int64_t kLeast = 32, kMost = 4096;

/** 0 for +1 and -1. */
uint32_t no_sign(float value) { return (float_bits(value) & kAbsMask) ^ 0x3f800000u; }

/** Of 16, which the compiler makes vectors of: an operation asks at every call. */
bool are_signs(const float* values) {
  uint32_t wrong = 0;
  for (int i = 0; i < 16; ++i) wrong |= no_sign(values[i]);
  return wrong == 0;
}

}  // namespace

void check_rotation(int64_t rotation, int64_t K, const RotationNames& names) {
  if (rotation < kLeast || rotation > kMost || (rotation & (rotation - 1)) != 0) {
    fail(TERNARY_INVALID_ARGUMENT, "%s is %" PRId64 "; it must be a power of two, %" PRId64 " to %" PRId64,
         names.rotation, rotation, kLeast, kMost);
  }
  if (K % rotation != 0) {
    fail(TERNARY_INVALID_ARGUMENT, "%s is %" PRId64 " and %s is %" PRId64 "; %s must be a multiple of it",
         names.rotation, rotation, names.columns, K, names.columns);
  }
}

void check_optional_rotation(int64_t rotation, const float* signs, int64_t K, const RotationNames& names) {
  check_vector(names.signs, signs);
  if (rotation != 0) return check_rotation(rotation, K, names);
  if (signs != nullptr) {
    fail(TERNARY_INVALID_ARGUMENT, "%s is given and %s is 0; it must be null then", names.signs, names.rotation);
  }
}

void check_signs(const char* name, const float* signs, int64_t K) {
  if (signs == nullptr) return;
  int64_t k = 0;
  while (K - k >= 16 && are_signs(signs + k)) k += 16;
  for (; k < K; ++k) {
    if (no_sign(signs[k]) == 0) continue;
    fail(TERNARY_INVALID_ARGUMENT, "%s[%" PRId64 "] is %.9g; it must be +1 or -1", name, k,
         static_cast<double>(signs[k]));
  }
}

}  // namespace ternary
