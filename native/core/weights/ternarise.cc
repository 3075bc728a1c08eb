/**
 * Dense weights to ternary codes and alpha.
 * Sources: "The Era of 1-bit LLMs" (BitNet b1.58, absmean); Ternary Weight Networks, as Mangrove uses it (threshold
 * 0.7 * mean|w|, alpha = mean of what is kept).
 */
#include <cinttypes>
#include <cmath>
#include <vector>

#include "abi/dtype.h"
#include "core/base/argument.h"
#include "core/base/failure.h"
#include "core/base/float_environment.h"
#include "core/weights/alpha.h"
#include "core/weights/layout.h"

namespace ternary {
namespace {

/** The dense matrix and the alpha that each of its elements belongs to. */
struct Dense {
  const void* w;
  ternary_dtype dtype;
  int64_t ldw, N, K;
  ternary_alpha_kind kind;
  int64_t group;

  float at(int64_t n, int64_t k) const { return load_float(w, dtype, n * ldw + k); }
  int64_t alpha_count() const {
    return kind == TERNARY_ALPHA_TENSOR   ? 1
           : kind == TERNARY_ALPHA_ROW    ? N
           : kind == TERNARY_ALPHA_COLUMN ? K
                                          : N * ceil_div(K, group);
  }
  int64_t alpha_of(int64_t n, int64_t k) const {
    return kind == TERNARY_ALPHA_TENSOR   ? 0
           : kind == TERNARY_ALPHA_ROW    ? n
           : kind == TERNARY_ALPHA_COLUMN ? k
                                          : n * ceil_div(K, group) + k / group;
  }
};

/** Mean in double over the elements that `keep` accepts, in row-major order: ascending for every kind of alpha. */
template <typename Keep>
std::vector<double> means(const Dense& dense, Keep keep) {
  std::vector<double> sum(dense.alpha_count(), 0.0);
  std::vector<int64_t> count(dense.alpha_count(), 0);
  for (int64_t n = 0; n < dense.N; ++n) {
    for (int64_t k = 0; k < dense.K; ++k) {
      const int64_t a = dense.alpha_of(n, k);
      const double magnitude = std::fabs(static_cast<double>(dense.at(n, k)));
      if (!keep(magnitude, a)) continue;
      sum[a] += magnitude;
      ++count[a];
    }
  }
  for (size_t a = 0; a < sum.size(); ++a) sum[a] = count[a] == 0 ? 0.0 : sum[a] / static_cast<double>(count[a]);
  return sum;
}

void absmean(const Dense& dense, uint8_t* i2s, float* alpha) {
  const std::vector<double> mean = means(dense, [](double, int64_t) { return true; });
  for (size_t a = 0; a < mean.size(); ++a) alpha[a] = std::fmax(static_cast<float>(mean[a]), 1e-5f);
  write_i2s(dense.N, dense.K, i2s, [&](int64_t n, int64_t k) {
    const float rounded = std::nearbyintf(dense.at(n, k) / alpha[dense.alpha_of(n, k)]);  // half to even
    return rounded > 0 ? 2 : rounded < 0 ? 0 : 1;
  });
}

void threshold(const Dense& dense, uint8_t* i2s, float* alpha) {
  std::vector<double> limit = means(dense, [](double, int64_t) { return true; });
  for (double& value : limit) value *= 0.7;
  const std::vector<double> kept = means(dense, [&](double magnitude, int64_t a) { return magnitude > limit[a]; });
  for (size_t a = 0; a < kept.size(); ++a) alpha[a] = static_cast<float>(kept[a]);
  write_i2s(dense.N, dense.K, i2s, [&](int64_t n, int64_t k) {
    const double value = dense.at(n, k), bound = limit[dense.alpha_of(n, k)];
    return value > bound ? 2 : value < -bound ? 0 : 1;
  });
}

void check_dense(const Dense& dense) {
  for (int64_t n = 0; n < dense.N; ++n) {
    for (int64_t k = 0; k < dense.K; ++k) {
      if (!is_finite(dense.at(n, k))) {
        fail(TERNARY_INVALID_ARGUMENT, "w at row %" PRId64 ", column %" PRId64 " is %g; dense weights must be finite",
             n, k, static_cast<double>(dense.at(n, k)));
      }
    }
  }
}

}  // namespace
}  // namespace ternary

using namespace ternary;

ternary_status ternary_ternarise(const void* w, ternary_dtype dtype, int64_t ldw, int64_t N, int64_t K,
                                 ternary_ternarise_method method, ternary_alpha_kind kind, int64_t group, uint8_t* i2s,
                                 float* alpha) {
  return guarded([&] {
    const FloatEnvironment environment;
    check_float_dtype("dtype", dtype);
    check_pointer("w", w, dtype_bytes(dtype));
    check_pointer("i2s", i2s, 1);
    check_pointer("alpha", alpha, alignof(float));
    check_shape(N, K);
    check_stride("ldw", ldw, K, N, dtype_bytes(dtype));
    check_alpha_kind(kind, group);
    static constexpr const char* kMethods[] = {"absmean", "threshold"};
    check_choice("method", method, kMethods);
    const Dense dense{w, dtype, ldw, N, K, kind, group};
    const int64_t w_bytes = ((N - 1) * ldw + K) * dtype_bytes(dtype),
                  i2s_bytes = layout_bytes(TERNARY_LAYOUT_I2S, N, K);
    const int64_t alpha_bytes = dense.alpha_count() * static_cast<int64_t>(sizeof(float));
    check_no_overlap("i2s", i2s, i2s_bytes, "w", w, w_bytes);
    check_no_overlap("alpha", alpha, alpha_bytes, "w", w, w_bytes);
    check_no_overlap("alpha", alpha, alpha_bytes, "i2s", i2s, i2s_bytes);
    check_dense(dense);
    if (method == TERNARY_ABSMEAN) {
      absmean(dense, i2s, alpha);
    } else {
      threshold(dense, i2s, alpha);
    }
  });
}
