#include "core/product/oracle.h"

#include <algorithm>
#include <cmath>

#include "abi/dtype.h"
#include "core/weights/layout.h"

namespace ternary::oracle {
namespace {

/** Sum over [begin, end) of activation times weight: an exact integer for A8, fp32 in ascending order for A16. */
float accumulate(const GemmTask& task, ternary_layout layout, int64_t m, int64_t n, int64_t begin, int64_t end) {
  if (task.q != nullptr) {
    int64_t acc = 0;
    for (int64_t k = begin; k < end; ++k) acc += task.q[m * task.ldq + k] * (code_at(task.w, layout, task.K, n, k) - 1);
    return static_cast<float>(static_cast<int32_t>(acc));
  }
  float acc = 0;
  for (int64_t k = begin; k < end; ++k) {
    acc = acc + task.f[m * task.ldf + k] * static_cast<float>(code_at(task.w, layout, task.K, n, k) - 1);
  }
  return acc;
}

float row_alpha_output(const GemmTask& task, ternary_layout layout, int64_t m, int64_t n) {
  const float t = accumulate(task, layout, m, n, 0, task.K);
  const float c = task.q != nullptr ? task.s[m] * task.alpha[n] : task.alpha[n];
  return task.bias == nullptr ? t * c : std::fmaf(t, c, task.bias[n]);
}

float group_alpha_output(const GemmTask& task, ternary_layout layout, int64_t m, int64_t n) {
  const int64_t groups = ceil_div(task.K, task.group);
  const int64_t super_block = std::max<int64_t>(1, 2048 / task.group);
  float p = 0;
  for (int64_t b = 0; b < groups; b += super_block) {
    float p_b = 0;
    for (int64_t g = b; g < std::min(b + super_block, groups); ++g) {
      const int64_t begin = g * task.group, end = std::min(begin + task.group, task.K);
      p_b = std::fmaf(accumulate(task, layout, m, n, begin, end), task.alpha[group_alpha(n, g, groups)], p_b);
    }
    p = p + p_b;
  }
  if (task.q == nullptr) return task.bias == nullptr ? p : p + task.bias[n];
  return task.bias == nullptr ? p * task.s[m] : std::fmaf(p, task.s[m], task.bias[n]);
}

/** A8 by block: each unit is scaled by itself. P begins with the first super-block, not with zero. */
float block_output(const GemmTask& task, ternary_layout layout, int64_t m, int64_t n) {
  const int64_t groups = task.group == 0 ? 0 : ceil_div(task.K, task.group), blocks = ceil_div(task.K, task.block);
  const int64_t unit = task.group == 0 ? task.block : std::min(task.group, task.block);
  const int64_t units = ceil_div(task.K, unit), super_block = std::max<int64_t>(1, 2048 / unit);
  float p = 0;
  for (int64_t i = 0; i < units; i += super_block) {
    float p_i = 0;
    for (int64_t e = i; e < std::min(i + super_block, units); ++e) {
      const int64_t begin = e * unit, end = std::min(begin + unit, task.K);
      float c = task.s[m * blocks + begin / task.block];
      if (groups > 0) c = c * task.alpha[group_alpha(n, begin / task.group, groups)];
      p_i = std::fmaf(accumulate(task, layout, m, n, begin, end), c, p_i);
    }
    p = i == 0 ? p_i : p + p_i;
  }
  if (groups > 0) return task.bias == nullptr ? p : p + task.bias[n];
  return task.bias == nullptr ? p * task.alpha[n] : std::fmaf(p, task.alpha[n], task.bias[n]);
}

}  // namespace

float gemm_element(const GemmTask& task, ternary_layout layout, int64_t m, int64_t n) {
  if (task.block > 0) return block_output(task, layout, m, n);
  return task.group == 0 ? row_alpha_output(task, layout, m, n) : group_alpha_output(task, layout, m, n);
}

void gemm(const GemmTask& task, ternary_layout layout) {
  for (int64_t m = 0; m < task.M; ++m) {
    for (int64_t n = 0; n < task.N; ++n) {
      store_float(task.y, task.y_dtype, m * task.ldy + n, gemm_element(task, layout, m, n));
    }
  }
}

}  // namespace ternary::oracle
