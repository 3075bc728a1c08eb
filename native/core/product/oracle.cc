#include "core/product/oracle.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "abi/dtype.h"
#include "core/weights/layout.h"

namespace ternary::oracle {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/** x as fp32, with the residual added and written back. */
std::vector<float> load_row(const ActivationTask& task, int64_t m) {
  std::vector<float> v(task.K);
  for (int64_t k = 0; k < task.K; ++k) {
    v[k] = load_float(task.x, task.x_dtype, m * task.ldx + k);
    if (task.x_scale != nullptr) v[k] = v[k] * task.x_scale[m];
    if (task.residual != nullptr) {
      const int64_t place = m * task.ld_residual + k;
      const float sum = v[k] + load_float(task.residual, task.residual_dtype, place);
      store_float(task.residual_out, task.residual_dtype, place, sum);
      v[k] = load_float(task.residual_out, task.residual_dtype, place);
    }
  }
  return v;
}

void rms_norm(std::vector<float>& v, const float* weight, float eps) {
  float part[256] = {};
  for (size_t k = 0; k < v.size(); ++k) part[k % 256] = std::fmaf(v[k], v[k], part[k % 256]);
  for (int half = 128; half >= 1; half /= 2) {
    for (int i = 0; i < half; ++i) part[i] = part[i] + part[i + half];
  }
  const float sum = part[0];
  const float mean = sum / static_cast<float>(v.size());
  const float r = is_finite(sum) ? 1.0f / std::sqrt(mean + eps) : kNaN;
  for (size_t k = 0; k < v.size(); ++k) v[k] = (v[k] * r) * weight[k];
}

/** The largest magnitude as a bit pattern, so that infinities and NaN win. */
uint32_t absmax_bits(const std::vector<float>& v) {
  uint32_t largest = 0;
  for (float value : v) largest = std::max(largest, float_bits(value) & kAbsMask);
  return largest;
}

void quantise_row(const ActivationTask& task, int64_t m, const std::vector<float>& v) {
  int8_t* q = task.q + m * task.ldq;
  const uint32_t amax = absmax_bits(v);
  int32_t sum = 0;
  if (amax >= kInfinityBits) {
    task.s[m] = kNaN;
    std::memset(q, 0, task.K);
  } else {
    const float a = std::max(bits_float(amax), 1e-5f);
    const float inv = 127.0f / a;
    task.s[m] = a / 127.0f;
    for (int64_t k = 0; k < task.K; ++k) {
      const float rounded = std::nearbyintf(v[k] * inv);
      q[k] = static_cast<int8_t>(std::min(std::max(rounded, -127.0f), 127.0f));
      sum += q[k];
    }
  }
  if (task.q_sum != nullptr) task.q_sum[m] = sum;
}

/** Given int8: taken as it is. */
void copy_row(const ActivationTask& task, int64_t m) {
  const int8_t* x = static_cast<const int8_t*>(task.x) + m * task.ldx;
  int32_t sum = 0;
  for (int64_t k = 0; k < task.K; ++k) {
    task.q[m * task.ldq + k] = x[k];
    sum += x[k];
  }
  task.s[m] = task.x_scale[m];
  if (task.q_sum != nullptr) task.q_sum[m] = sum;
}

void zero_padding(const ActivationTask& task, int64_t m) {
  for (int64_t k = task.K; k < task.padded; ++k) {
    if (task.q != nullptr) task.q[m * task.ldq + k] = 0;
    if (task.f != nullptr) task.f[m * task.ldf + k] = 0;
  }
}

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

}  // namespace

void activations(const ActivationTask& task, int64_t M) {
  for (int64_t m = 0; m < M; ++m) {
    if (task.x_dtype == TERNARY_I8) {
      copy_row(task, m);
    } else {
      std::vector<float> v = load_row(task, m);
      if (task.norm_weight != nullptr) rms_norm(v, task.norm_weight, task.eps);
      for (int64_t k = 0; task.alpha_column != nullptr && k < task.K; ++k) v[k] = v[k] * task.alpha_column[k];
      if (task.q != nullptr) {
        quantise_row(task, m, v);
      } else {
        if (absmax_bits(v) >= kInfinityBits) std::fill(v.begin(), v.end(), kNaN);
        std::copy(v.begin(), v.end(), task.f + m * task.ldf);
      }
    }
    zero_padding(task, m);
  }
}

void gemm(const GemmTask& task, ternary_layout layout) {
  for (int64_t m = 0; m < task.M; ++m) {
    for (int64_t n = 0; n < task.N; ++n) {
      const float y = task.group == 0 ? row_alpha_output(task, layout, m, n) : group_alpha_output(task, layout, m, n);
      store_float(task.y, task.y_dtype, m * task.ldy + n, y);
    }
  }
}

}  // namespace ternary::oracle
