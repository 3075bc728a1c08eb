#include "support/cuda/gemm_case.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "abi/dtype.h"
#include "core/cuda/copies/layout.h"
#include "core/product/oracle.h"
#include "core/weights/weights.h"
#include "support/cuda/rows.h"

namespace ternary::test {

CudaGemmCase::CudaGemmCase(const ProblemSpec& spec, CudaLayout layout)
    : problem_(spec),
      layout_(layout),
      group_(spec.kind == TERNARY_ALPHA_GROUP ? spec.group : 0),
      groups_(group_ == 0 ? 1 : ceil_div(spec.K, group_)),
      unit_(unit_columns(group_, spec.block)),
      units_(unit_ == 0 ? 1 : ceil_div(spec.K, unit_)),
      scales_(scales_of_row(spec.K, spec.block)),
      padded_(cuda_padded_columns(layout, spec.K)) {
  const WeightsHandle weights = problem_.weights(TERNARY_LAYOUT_I2S);
  prepare_activations();
  prepare_weights(weights->alpha.data(), static_cast<int64_t>(weights->alpha.size()));
  if (spec.activation == TERNARY_A8) {
    expect_a8(weights->alpha.data());
  } else {
    expect_a16(weights->alpha.data());
  }
}

void CudaGemmCase::prepare_activations() {
  const ProblemSpec& s = spec();
  ActivationTask task = {};
  task.x = problem_.x.data();
  task.x_dtype = s.x_dtype;
  task.ldx = problem_.ldx();
  task.x_scale = problem_.x_scale.empty() ? nullptr : problem_.x_scale.as<float>();
  task.alpha_column = s.kind == TERNARY_ALPHA_COLUMN ? problem_.alpha.as<float>() : nullptr;
  task.K = s.K;
  task.rotation = s.rotation;
  task.signs = s.signs ? problem_.signs.as<float>() : nullptr;
  task.block = s.block;
  task.padded = task.ldq = task.ldf = padded_;
  if (s.activation == TERNARY_A8) {
    q_.resize(s.M * padded_);
    s_.resize(s.M * scales_);
    task.q = q_.data();
    task.s = s_.data();
  } else {
    f_.resize(s.M * padded_);
    task.f = f_.data();
    const bool narrow = s.x_dtype == TERNARY_F16 || s.x_dtype == TERNARY_BF16;
    plane_count_ = narrow && task.alpha_column == nullptr && task.x_scale == nullptr && s.rotation == 0 ? 1 : 3;
    plane_f16_ = plane_count_ == 1 && s.x_dtype == TERNARY_F16;
  }
  oracle::activations(task, s.M);
}

void CudaGemmCase::prepare_weights(const float* alpha, int64_t alpha_count) {
  const int64_t N = spec().N, K = spec().K, rows = cuda_row_major(layout_) ? N : kTile;
  std::vector<uint8_t> codes(cuda_layout_bytes(layout_, N, K));
  for (int64_t n = 0, at = 0; n < N; n += rows, at += cuda_panel_bytes(layout_, rows, K)) {
    cuda_panel_from_i2s(layout_, problem_.i2s.data() + n * ceil_div(K, 4), std::min(rows, N - n), K, codes.data() + at);
  }
  codes_ = DeviceMemory(codes.data(), static_cast<int64_t>(codes.size()));
  alpha_ = DeviceMemory(alpha, alpha_count * 4);
  bias_ = DeviceMemory(problem_.bias.data(), problem_.bias.bytes(), 4);
}

void CudaGemmCase::expect_a8(const float* alpha) {
  GemmTask task = {};
  task.q = q_.data();
  task.ldq = padded_;
  task.s = s_.data();
  task.block = spec().block;
  task.w = problem_.i2s.data();
  task.alpha = alpha;
  task.group = group_;
  task.bias = problem_.bias.empty() ? nullptr : problem_.bias.as<float>();
  task.y_dtype = spec().y_dtype;
  task.ldy = spec().N + spec().y_gap;
  task.M = spec().M;
  task.N = spec().N;
  task.K = spec().K;
  expected_ = OutputMatrix(task.y_dtype, task.M, task.N, task.ldy);
  task.y = expected_.data();
  oracle::gemm(task, TERNARY_LAYOUT_I2S);
}

/**
 * How far y may be from the exact sum, before its rounding to Y's type. S = sum |x'_k * w_k * alpha|.
 *   - mma: 16 products and the sum so far are added by aligning them with the largest and cutting off below 24 bits,
 *     maybe 8 products at a time: at most 2 * (9 + 1) units of 2^-23 of the largest, which is at most S; an mma for
 *     every 16 columns and plane. (IEEE sums in any order are within that.)
 *   - a rounding of at most 2^-24 S for each group's fma and super-block's sum, or for each stretch's, for the product
 *     with alpha, and for the bias
 *   - bits that three planes cut off, 2^-133 an element; denormals: 2^-149 a rounding
 * The last 2^-10 of it covers that partial sums exceed S by their own errors.
 */
double CudaGemmCase::a16_bound(int64_t m, int64_t n, const std::vector<double>& alpha) const {
  const int64_t K = spec().K;
  double S = 0, largest_alpha = 0;
  for (int64_t k = 0; k < K; ++k) {
    const double scale = alpha[group_ == 0 ? 0 : k / group_];
    if (problem_.w.as<int8_t>()[n * K + k] != 0) S += std::fabs(f_[m * padded_ + k] * scale);
  }
  for (double a : alpha) largest_alpha = std::max(largest_alpha, std::fabs(a));
  const double mmas = static_cast<double>(plane_count_ * padded_ / 16);
  const double roundings = static_cast<double>(2 * groups_ + ceil_div(K, 2048)) + 2;
  const double bias = problem_.bias.empty() ? 0 : std::fabs(double{problem_.bias.as<float>()[n]});
  return 1.001 * ((20 * mmas * 0x1p-23 + roundings * 0x1p-24) * S + 0x1p-24 * (S + bias) +
                  static_cast<double>(K) * 0x1p-133 * largest_alpha + roundings * 0x1p-149);
}

void CudaGemmCase::expect_a16(const float* alpha) {
  const int64_t M = spec().M, N = spec().N, K = spec().K;
  exact_.resize(M * N);
  bound_.resize(M * N);
  for (int64_t n = 0; n < N; ++n) {
    std::vector<double> alpha_of_n(groups_);
    for (int64_t g = 0; g < groups_; ++g) alpha_of_n[g] = alpha[group_ == 0 ? n : group_alpha(n, g, groups_)];
    for (int64_t m = 0; m < M; ++m) {
      double sum = problem_.bias.empty() ? 0 : problem_.bias.as<float>()[n];
      for (int64_t k = 0; k < K; ++k) {
        // NaN times 0 is NaN: a row that is not finite is NaN in all places.
        const double scale = alpha_of_n[group_ == 0 ? 0 : k / group_];
        sum += double{f_[m * padded_ + k]} * problem_.w.as<int8_t>()[n * K + k] * scale;
      }
      exact_[m * N + n] = sum;
      bound_[m * N + n] = a16_bound(m, n, alpha_of_n);
    }
  }
}

/** x' cut into bf16, 8 bits of the significand a plane; or as it is. */
std::vector<uint16_t> CudaGemmCase::planes(int64_t m_begin, int64_t m_end) const {
  const int64_t size = (m_end - m_begin) * padded_;
  std::vector<uint16_t> planes(plane_count_ * size);
  for (int64_t i = 0; i < size; ++i) {
    float rest = f_[m_begin * padded_ + i];
    for (int p = 0; p < plane_count_; ++p) {
      if (plane_count_ == 1) {
        planes[i] = plane_f16_ ? float_to_f16(rest) : float_to_bf16(rest);
      } else {
        const uint32_t bits = float_bits(rest);
        planes[p * size + i] = static_cast<uint16_t>(bits >> 16);
        if (!std::isnan(rest)) rest -= bits_float(bits & 0xffff0000u);
      }
    }
  }
  return planes;
}

CudaProblem CudaGemmCase::problem(int splits) const {
  CudaProblem p = {};
  p.M = spec().M;
  p.N = spec().N;
  p.K = spec().K;
  p.group = group_;
  p.block = spec().block;
  p.rotation = spec().rotation;
  p.x_dtype = spec().x_dtype;
  p.y_dtype = spec().y_dtype;
  p.x_aligned = true;
  p.planes = plane_count_;
  p.column_alpha = spec().kind == TERNARY_ALPHA_COLUMN;
  p.splits = splits;
  p.sm_count = limits_.sm_count;
  p.shared_bytes = limits_.shared_bytes;
  return p;
}

Reason CudaGemmCase::refusal(const CudaKernel& kernel, int splits) const {
  if (kernel.layout != layout_) return Reason::layout;
  if (spec().M < kernel.m_min || spec().M > kernel.m_max) return Reason::m_range;
  if (spec().K > kernel.k_max) return Reason::k_range;
  return test::refusal(kernel, problem(splits));
}

CudaGemmCase::Product CudaGemmCase::product(const CudaKernel& kernel, int64_t m_begin, int64_t m_end, int splits) {
  set_crash_note(std::string(kernel.file) + ": " + spec().text());
  const int64_t M = m_end - m_begin, element = dtype_bytes(spec().y_dtype), ldy = spec().N + spec().y_gap;
  CudaProblem p = problem(splits);
  p.M = M;
  Product product = {};
  product.plan = planned(kernel, p);
  product.partial = DeviceMemory(product.plan.partial_bytes);
  got_ = OutputMatrix(spec().y_dtype, M, spec().N, ldy);
  product.y = DeviceMemory(got_.data(), ((M - 1) * ldy + spec().N) * element, element);
  CudaGemmTask& task = product.task;
  task.w = codes_.as<uint8_t>();
  task.alpha = alpha_.as<float>();
  task.group = group_;
  task.block = spec().block;
  task.ld_s = M;
  task.bias = bias_.as<float>();
  task.y = product.y.data();
  task.y_dtype = spec().y_dtype;
  task.ldy = ldy;
  task.M = M;
  task.N = spec().N;
  task.K = spec().K;
  task.partial = product.partial.data();
  task.ldq = task.ld_plane = padded_;
  task.plane_count = plane_count_;
  task.plane_f16 = plane_f16_;
  return product;
}

/** Scales of M rows, block by block. */
DeviceMemory CudaGemmCase::scales(int64_t m_begin, int64_t M) const {
  std::vector<float> by_block(M * scales_);
  for (int64_t i = 0; i < M * scales_; ++i) by_block[i % scales_ * M + i / scales_] = s_[m_begin * scales_ + i];
  return DeviceMemory(by_block.data(), M * scales_ * 4, 4);
}

std::string CudaGemmCase::run(const CudaKernel& kernel, int64_t m_begin, int64_t m_end, int splits) {
  Product product = this->product(kernel, m_begin, m_end, splits);
  if (product.plan.clear_bytes > 0) {
    require_cuda(cudaMemset(product.partial.data(), 0, static_cast<size_t>(product.plan.clear_bytes)), "clear");
  }
  const int64_t M = m_end - m_begin;
  CudaGemmTask& task = product.task;
  DeviceMemory q, q_sums, s, x;
  if (spec().activation == TERNARY_A8 && layout_ == CudaLayout::top2) {
    std::vector<uint16_t> rows(M * padded_);
    for (size_t i = 0; i < rows.size(); ++i) rows[i] = float_to_bf16(q_[m_begin * padded_ + static_cast<int64_t>(i)]);
    x = DeviceMemory(rows.data(), M * padded_ * 2);
    s = scales(m_begin, M);
    task.planes = x.as<uint16_t>();
    task.s = s.as<float>();
  } else if (spec().activation == TERNARY_A8) {
    std::vector<int8_t> rows(M * padded_);
    std::vector<int32_t> sums(M * units_);
    for (int64_t m = 0; m < M; ++m) {
      for (int64_t k = 0; k < padded_; ++k) {
        const int8_t value = q_[(m_begin + m) * padded_ + k];
        rows[m * padded_ + (layout_ == CudaLayout::dense ? k : cuda_q_position(k))] = value;
        if (k < spec().K) sums[m * units_ + (unit_ == 0 ? 0 : k / unit_)] += value;
      }
    }
    q = DeviceMemory(rows.data(), M * padded_);
    q_sums = DeviceMemory(sums.data(), M * units_ * 4);
    s = scales(m_begin, M);
    task.q = q.as<int8_t>();
    task.q_sums = q_sums.as<int32_t>();
    task.s = s.as<float>();
  } else {
    const std::vector<uint16_t> halves = planes(m_begin, m_end);
    x = DeviceMemory(halves.data(), static_cast<int64_t>(halves.size()) * 2);
    task.planes = x.as<uint16_t>();
  }
  require_cuda(kernel.gemm(task, product.plan, CudaLaunch{}), kernel.file);
  require_cuda(cudaDeviceSynchronize(), (std::string(kernel.file) + ": " + spec().text()).c_str());
  product.y.read(got_.data());
  const std::string what = verdict(m_begin, m_end);
  return what.empty() ? "" : what + ", splits " + std::to_string(product.plan.splits) + " in " + spec().text();
}

std::string CudaGemmCase::run_chain(const CudaKernel& activations, const CudaKernel& kernel, int splits) {
  Product product = this->product(kernel, 0, spec().M, splits);
  const int64_t M = spec().M;
  const auto copy = [](const GuardedBuffer& buffer) { return DeviceMemory(buffer.data(), buffer.bytes()); };
  const DeviceMemory x = copy(problem_.x), x_scale = copy(problem_.x_scale), alpha_column = copy(problem_.alpha);
  const DeviceMemory signs = copy(problem_.signs);
  const bool a16 = spec().activation == TERNARY_A16;
  const bool bf16 = !a16 && layout_ == CudaLayout::top2, int8 = !a16 && !bf16;
  const DeviceMemory q(int8 ? M * padded_ : 0), s(a16 ? 0 : M * scales_ * 4);
  const DeviceMemory q_sums(int8 ? M * units_ * 4 : 0);
  const DeviceMemory planes(int8 ? 0 : (a16 ? plane_count_ : 1) * M * padded_ * 2);

  CudaActivationTask rows = {};
  rows.rows.x = x.data();
  rows.rows.x_dtype = spec().x_dtype;
  rows.rows.ldx = problem_.ldx();
  rows.rows.x_scale = x_scale.as<float>();
  rows.rows.alpha_column = spec().kind == TERNARY_ALPHA_COLUMN ? alpha_column.as<float>() : nullptr;
  rows.rows.K = spec().K;
  rows.rows.rotation = spec().rotation;
  rows.rows.signs = signs.as<float>();
  rows.rows.block = spec().block;
  rows.M = M;
  rows.plain = layout_ == CudaLayout::dense;
  rows.padded = padded_;
  rows.ldq = rows.ld_plane = padded_;
  rows.q = q.as<int8_t>();
  rows.s = s.as<float>();
  rows.s_row = 1;
  rows.s_block = M;
  rows.q_sums = q_sums.as<int32_t>();
  rows.unit = unit_;
  rows.planes = planes.as<uint16_t>();
  rows.plane_count = plane_count_;
  rows.plane_f16 = plane_f16_;
  rows.clear = product.partial.as<int32_t>();
  rows.clear_count = product.plan.clear_bytes / 4;
  product.task.q = rows.q;
  product.task.s = rows.s;
  product.task.q_sums = rows.q_sums;
  product.task.planes = rows.planes;

  int major = 0;
  require_cuda(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0), "capability");
  const CudaLaunch launch = {nullptr, major >= 9};
  for (int i = 0; i < 3; ++i) {
    require_cuda(activations.rows.activations(rows, launch), activations.file);
    require_cuda(kernel.gemm(product.task, product.plan, launch), kernel.file);
  }
  require_cuda(cudaDeviceSynchronize(), (std::string(kernel.file) + ", a chain: " + spec().text()).c_str());
  product.y.read(got_.data());
  const std::string what = verdict(0, M);
  return what.empty() ? "" : what + " in a chain of " + spec().text();
}

std::string CudaGemmCase::verdict(int64_t m_begin, int64_t m_end) const {
  std::string what = got_.outside_written(got_.whole());
  if (!what.empty()) return what;
  if (spec().activation == TERNARY_A8) return got_.difference(expected_, got_.whole(), m_begin);
  const auto rounded = [&](double value) {  // to fp32 and then to Y's type, both monotone
    float result;
    store_float(&result, spec().y_dtype, 0, static_cast<float>(value));
    return double{load_float(&result, spec().y_dtype, 0)};
  };
  for (int64_t m = m_begin; m < m_end; ++m) {
    for (int64_t n = 0; n < spec().N; ++n) {
      const double exact = exact_[m * spec().N + n], bound = bound_[m * spec().N + n];
      const double y = double{got_.value(m - m_begin, n)};
      // Where the terms' magnitudes alone reach fp32's range a sum may overflow on the way.
      if (bound > 0x1p-24 * double{std::numeric_limits<float>::max()} && !std::isnan(exact)) continue;
      if (std::isnan(exact) ? std::isnan(y) : y >= rounded(exact - bound) && y <= rounded(exact + bound)) continue;
      char text[200];
      std::snprintf(text, sizeof text, "row %ld, column %ld is %.9g, expected %.9g +- %.3g", static_cast<long>(m),
                    static_cast<long>(n), y, exact, bound);
      return text;
    }
  }
  return "";
}

}  // namespace ternary::test
