/**
 * @file head_norm.h
 * @brief Normalises the heads of rows in place (HeadNormFn), written once over Lanes; include a lanes header first.
 */
#ifndef TERNARY_CPU_FRAME_HEAD_NORM_H_
#define TERNARY_CPU_FRAME_HEAD_NORM_H_

#include "cpu/frame/rows.h"

namespace ternary::cpu {
namespace {

template <ternary_dtype dtype>
void norm_head(const HeadNormTask& t, void* head, float* scratch) {
  const int64_t K = t.head_dim;
  load_row(RowLoad<dtype>{head, Lanes::set(1.0f)}, K, scratch);
  const Lanes::F r = Lanes::set(reciprocal_rms(scratch, K, t.eps, scratch + round_up(K, kRowPadding)));
  for (int64_t k = 0; k < K; k += 16) {
    const Lanes::F value = Lanes::mul(Lanes::load(scratch + k), r);
    store_lanes<dtype>(head, k, K, Lanes::mul(value, load_lanes<TERNARY_F32>(t.weight, k, K)));
  }
}

template <ternary_dtype dtype>
void norm_heads(const HeadNormTask& t, int64_t m_begin, int64_t m_end, float* scratch) {
  for (int64_t m = m_begin; m < m_end; ++m) {
    char* row = static_cast<char*>(t.data) + m * t.ld * Element<dtype>::bytes;
    for (int64_t head = 0; head < t.heads; ++head) {
      norm_head<dtype>(t, row + head * t.head_dim * Element<dtype>::bytes, scratch);
    }
  }
}

inline void norm_heads(const HeadNormTask& t, int64_t m_begin, int64_t m_end, float* scratch) {
  switch (t.dtype) {
    case TERNARY_F16: return norm_heads<TERNARY_F16>(t, m_begin, m_end, scratch);
    case TERNARY_BF16: return norm_heads<TERNARY_BF16>(t, m_begin, m_end, scratch);
    default: return norm_heads<TERNARY_F32>(t, m_begin, m_end, scratch);
  }
}

}  // namespace
}  // namespace ternary::cpu

/** Defines the HeadNormFn `function`. */
#define TERNARY_CPU_HEAD_NORM(function)                                                     \
  namespace ternary::cpu {                                                                  \
  void function(const HeadNormTask& task, int64_t m_begin, int64_t m_end, float* scratch) { \
    norm_heads(task, m_begin, m_end, scratch);                                              \
  }                                                                                         \
  }

#endif  // TERNARY_CPU_FRAME_HEAD_NORM_H_
