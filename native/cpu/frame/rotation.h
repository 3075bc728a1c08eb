/**
 * @file rotation.h
 * @brief Rotates rows of X (RotateFn), written once over Lanes; include a lanes header first.
 */
#ifndef TERNARY_CPU_FRAME_ROTATION_H_
#define TERNARY_CPU_FRAME_ROTATION_H_

#include "cpu/frame/butterflies.h"
#include "cpu/frame/rows.h"

namespace ternary::cpu {
namespace {

/** Rounds the row in scratch to row m of Y, times the factor and, of an inverse, the signs. A pass of its own: butterflies
 *  of every type of Y would be much code. */
template <ternary_dtype dtype>
void store_rotated(const RotateTask& t, int64_t m, const float* v) {
  const Lanes::F factor = Lanes::set(rotation_factor(t.rotation));
  const float* signs = t.inverse ? t.signs : nullptr;
  char* y = static_cast<char*>(t.y) + m * t.ldy * Element<dtype>::bytes;
  for (int64_t k = 0; k < t.K; k += 16) {
    Lanes::F value = Lanes::mul(Lanes::load(v + k), factor);
    if (signs) value = Lanes::mul(value, Lanes::load(signs + k));
    Element<dtype>::store(y + k * Element<dtype>::bytes, value);
  }
}

inline void rotate_rows(const RotateTask& t, int64_t m_begin, int64_t m_end, float* scratch) {
  Keep keep = {scratch};
  for (int64_t m = m_begin; m < m_end; ++m) {
    load_row(t, m, scratch);
    hadamard(scratch, t.K, t.rotation, Signed{Kept{scratch}, t.inverse ? nullptr : t.signs}, keep);
    switch (t.y_dtype) {
      case TERNARY_F16: store_rotated<TERNARY_F16>(t, m, scratch); break;
      case TERNARY_BF16: store_rotated<TERNARY_BF16>(t, m, scratch); break;
      default: store_rotated<TERNARY_F32>(t, m, scratch); break;
    }
  }
}

}  // namespace
}  // namespace ternary::cpu

/** Defines the RotateFn `function`. */
#define TERNARY_CPU_ROTATE(function)                                                      \
  namespace ternary::cpu {                                                                \
  void function(const RotateTask& task, int64_t m_begin, int64_t m_end, float* scratch) { \
    rotate_rows(task, m_begin, m_end, scratch);                                           \
  }                                                                                       \
  }

#endif  // TERNARY_CPU_FRAME_ROTATION_H_
