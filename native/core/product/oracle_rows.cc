/** The oracle's work on rows of X, and on heads. */
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "abi/dtype.h"
#include "core/product/oracle.h"

namespace ternary::oracle {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/** Row m of X as fp32. */
template <typename Task>
std::vector<float> load_row(const Task& task, int64_t m) {
  std::vector<float> v(task.K);
  for (int64_t k = 0; k < task.K; ++k) {
    v[k] = load_float(task.x, task.x_dtype, m * task.ldx + k);
    if (task.x_scale != nullptr) v[k] = v[k] * task.x_scale[m];
  }
  return v;
}

/** The residual added, and written back. */
void add_residual(const ActivationTask& task, int64_t m, std::vector<float>& v) {
  for (int64_t k = 0; k < task.K; ++k) {
    const int64_t place = m * task.ld_residual + k;
    const float sum = v[k] + load_float(task.residual, task.residual_dtype, place);
    store_float(task.residual_out, task.residual_dtype, place, sum);
    v[k] = load_float(task.residual_out, task.residual_dtype, place);
  }
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

/** Each element times its vector's, if there is one. */
void multiply(std::vector<float>& v, const float* factors) {
  for (size_t k = 0; factors != nullptr && k < v.size(); ++k) v[k] = v[k] * factors[k];
}

/** Each run of R columns times the orthonormal Hadamard matrix: butterflies, then the fp32 nearest to 1 / sqrt(R). */
void hadamard(std::vector<float>& v, int64_t R) {
  for (size_t run = 0; run < v.size(); run += R) {
    for (int64_t stride = 1; stride < R; stride *= 2) {
      for (int64_t i = 0; i < R; ++i) {
        if ((i & stride) != 0) continue;
        const float a = v[run + i], b = v[run + i + stride];
        v[run + i] = a + b;
        v[run + i + stride] = a - b;
      }
    }
  }
  const auto c = static_cast<float>(1 / std::sqrt(static_cast<double>(R)));
  for (float& value : v) value = value * c;
}

/** The largest magnitude of columns begin ... end as a bit pattern, so that infinities and NaN win. */
uint32_t absmax_bits(const std::vector<float>& v, int64_t begin, int64_t end) {
  uint32_t largest = 0;
  for (int64_t k = begin; k < end; ++k) largest = std::max(largest, float_bits(v[k]) & kAbsMask);
  return largest;
}

bool is_finite_row(const std::vector<float>& v) {
  return absmax_bits(v, 0, static_cast<int64_t>(v.size())) < kInfinityBits;
}

/** Columns begin ... end by one scale: q from `a`, which the largest magnitude is at most. Returns the scale. */
float quantise(const std::vector<float>& v, int64_t begin, int64_t end, float a, int8_t* q) {
  const float inv = 127.0f / a;
  for (int64_t k = begin; k < end; ++k) {
    const float rounded = std::nearbyintf(v[k] * inv);
    q[k] = static_cast<int8_t>(std::min(std::max(rounded, -127.0f), 127.0f));
  }
  return a / 127.0f;
}

void quantise_row(const ActivationTask& task, int64_t m, const std::vector<float>& v) {
  int8_t* q = task.q + m * task.ldq;
  const int64_t scales = scales_of_row(task.K, task.block);
  float* s = task.s + m * scales;
  std::memset(q, 0, task.K);
  if (!is_finite_row(v)) {
    std::fill(s, s + scales, kNaN);
  } else if (task.block == 0) {
    *s = quantise(v, 0, task.K, std::max(bits_float(absmax_bits(v, 0, task.K)), 1e-5f), q);
  } else {
    for (int64_t b = 0; b < scales; ++b) {
      const int64_t begin = b * task.block, end = std::min(begin + task.block, task.K);
      const float amax = bits_float(absmax_bits(v, begin, end));
      s[b] = amax == 0 ? 0 : quantise(v, begin, end, std::max(amax, 0x1p-100f), q);
    }
  }
}

/** Given int8: taken as it is. */
void copy_row(const ActivationTask& task, int64_t m) {
  const int64_t scales = scales_of_row(task.K, task.block);
  std::copy_n(static_cast<const int8_t*>(task.x) + m * task.ldx, task.K, task.q + m * task.ldq);
  std::copy_n(task.x_scale + m * scales, scales, task.s + m * scales);
}

void sum_row(const ActivationTask& task, int64_t m) {
  int32_t* sums = task.q_sums + m * sums_of_row(task.K, task.unit);
  std::fill_n(sums, sums_of_row(task.K, task.unit), 0);
  for (int64_t k = 0; k < task.K; ++k) sums[task.unit == 0 ? 0 : k / task.unit] += task.q[m * task.ldq + k];
}

void zero_padding(const ActivationTask& task, int64_t m) {
  for (int64_t k = task.K; k < task.padded; ++k) {
    if (task.q != nullptr) task.q[m * task.ldq + k] = 0;
    if (task.f != nullptr) task.f[m * task.ldf + k] = 0;
  }
}

/** Everything that is done to x before it is quantised. */
std::vector<float> prepared_row(const ActivationTask& task, int64_t m) {
  std::vector<float> v = load_row(task, m);
  if (task.row_weights != nullptr) {
    for (float& value : v) value *= task.row_weights[m];
  }
  if (task.residual != nullptr) add_residual(task, m, v);
  if (task.norm_weight != nullptr) rms_norm(v, task.norm_weight, task.eps);
  if (task.rotation > 0) {
    multiply(v, task.signs);
    hadamard(v, task.rotation);
  }
  multiply(v, task.alpha_column);
  return v;
}

}  // namespace

void activations(const ActivationTask& task, int64_t M) {
  for (int64_t m = 0; m < M; ++m) {
    if (task.x_dtype == TERNARY_I8) {
      copy_row(task, m);
    } else {
      std::vector<float> v = prepared_row(task, m);
      if (task.q != nullptr) {
        quantise_row(task, m, v);
      } else {
        if (!is_finite_row(v)) std::fill(v.begin(), v.end(), kNaN);
        std::copy(v.begin(), v.end(), task.f + m * task.ldf);
      }
    }
    if (task.q_sums != nullptr) sum_row(task, m);
    zero_padding(task, m);
  }
}

void rotate(const RotateTask& task, int64_t M) {
  for (int64_t m = 0; m < M; ++m) {
    std::vector<float> v = load_row(task, m);
    if (!task.inverse) multiply(v, task.signs);
    hadamard(v, task.rotation);
    if (task.inverse) multiply(v, task.signs);
    for (int64_t k = 0; k < task.K; ++k) store_float(task.y, task.y_dtype, m * task.ldy + k, v[k]);
  }
}

void head_norm(const HeadNormTask& task, int64_t M) {
  for (int64_t m = 0; m < M; ++m) {
    for (int64_t head = 0; head < task.heads; ++head) {
      const int64_t begin = m * task.ld + head * task.head_dim;
      std::vector<float> v(task.head_dim);
      for (int64_t i = 0; i < task.head_dim; ++i) v[i] = load_float(task.data, task.dtype, begin + i);
      rms_norm(v, task.weight, task.eps);
      for (int64_t i = 0; i < task.head_dim; ++i) store_float(task.data, task.dtype, begin + i, v[i]);
    }
  }
}

}  // namespace ternary::oracle
