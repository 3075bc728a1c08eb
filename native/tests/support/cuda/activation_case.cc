#include "support/cuda/activation_case.h"

#include <cmath>

#include "abi/dtype.h"
#include "core/product/oracle.h"
#include "support/cuda/rows.h"

namespace ternary::test {
namespace {

constexpr uint8_t kPoison = 0xa5;

}  // namespace

ActivationCase::ActivationCase(const ProblemSpec& spec, Use use) : problem_(spec), use_(use) {
  const int64_t K = spec.K;
  padded_ = use == Use::user ? K : cuda_padded_columns(use == Use::t5 ? CudaLayout::t5 : CudaLayout::i2s, K);
  ld_ = use == Use::user ? K + spec.y_gap : padded_;
  block_ = use == Use::planes ? 0 : spec.block;
  scales_ = scales_of_row(K, block_);
  unit_ = use == Use::user || use == Use::planes ? 0 : unit_columns(spec.group, block_);
  units_ = unit_ == 0 ? 1 : ceil_div(spec.K, unit_);
  run_oracle();
}

std::string ActivationCase::run(const CudaKernel& kernel) {
  set_crash_note(std::string(kernel.file) + ": " + problem_.spec().text());
  const std::string what = use_ == Use::planes ? run_planes(kernel) : run_a8(kernel);
  const std::string use = std::to_string(static_cast<int>(use_));
  return what.empty() ? "" : what + " for use " + use + " in " + problem_.spec().text();
}

void ActivationCase::run_oracle() {
  ActivationTask task = host_task();
  expected_residual_ = std::move(problem_.output().residual_out);
  if (spec().residual) {
    task.residual_out = expected_residual_.data();
    task.residual = spec().in_place ? task.residual_out : problem_.residual.data();
  }
  task.padded = task.ldq = task.ldf = padded_;
  if (use_ == Use::planes) {
    f_.resize(spec().M * padded_);
    task.f = f_.data();
  } else {
    q_.resize(spec().M * padded_);
    s_.resize(spec().M * scales_);
    task.q = q_.data();
    task.s = s_.data();
  }
  oracle::activations(task, spec().M);
}

ActivationTask ActivationCase::host_task() const {
  ActivationTask task = {};
  task.x = problem_.x.data();
  task.x_dtype = spec().x_dtype;
  task.ldx = problem_.ldx();
  task.x_scale = problem_.x_scale.empty() ? nullptr : problem_.x_scale.as<float>();
  task.norm_weight = spec().norm ? problem_.norm_weight.as<float>() : nullptr;
  task.eps = problem_.eps;
  task.alpha_column = spec().kind == TERNARY_ALPHA_COLUMN ? problem_.alpha.as<float>() : nullptr;
  task.K = spec().K;
  task.rotation = spec().rotation;
  task.signs = spec().signs ? problem_.signs.as<float>() : nullptr;
  task.block = block_;
  if (spec().residual) {
    task.residual_dtype = *spec().residual;
    task.ld_residual = problem_.ld_residual();
  }
  return task;
}

CudaActivationTask ActivationCase::device_task() {
  const int64_t skew = static_cast<int64_t>(spec().seed % 4);
  CudaActivationTask task = {};
  task.rows = host_task();
  const auto copy = [](const GuardedBuffer& buffer, int64_t offset) {
    return DeviceMemory(buffer.data(), buffer.bytes(), offset);
  };
  x_ = copy(problem_.x, skew * dtype_bytes(spec().x_dtype));
  x_scale_ = copy(problem_.x_scale, 0);
  norm_weight_ = copy(problem_.norm_weight, 4 * skew);
  alpha_ = copy(problem_.alpha, 4 * skew);
  signs_ = copy(problem_.signs, 4 * skew);
  task.rows.x = x_.data();
  if (task.rows.x_scale != nullptr) task.rows.x_scale = x_scale_.as<float>();
  if (task.rows.norm_weight != nullptr) task.rows.norm_weight = norm_weight_.as<float>();
  if (task.rows.alpha_column != nullptr) task.rows.alpha_column = alpha_.as<float>();
  if (task.rows.signs != nullptr) task.rows.signs = signs_.as<float>();
  if (spec().residual) {
    got_residual_ = std::move(problem_.output().residual_out);
    residual_out_ = DeviceMemory(got_residual_.data(), residual_bytes(), skew * dtype_bytes(*spec().residual));
    residual_ = copy(problem_.residual, 0);
    task.rows.residual_out = residual_out_.data();
    task.rows.residual = spec().in_place ? residual_out_.data() : residual_.data();
  }
  task.M = spec().M;
  task.padded = padded_;
  clear_ = DeviceMemory(std::vector<uint8_t>(kClearWords * 4 + 4, kPoison).data(), kClearWords * 4 + 4);
  task.clear = clear_.as<int32_t>();
  task.clear_count = kClearWords;
  return task;
}

int64_t ActivationCase::residual_bytes() const {
  return ((spec().M - 1) * problem_.ld_residual() + spec().K) * dtype_bytes(*spec().residual);
}

std::string ActivationCase::launch(const CudaKernel& kernel, const CudaActivationTask& task) {
  require_cuda(kernel.rows.activations(task, CudaLaunch{}), kernel.file);
  require_cuda(cudaDeviceSynchronize(), problem_.spec().text().c_str());
  std::vector<int32_t> words(kClearWords + 1);
  clear_.read(words.data());
  for (int i = 0; i <= kClearWords; ++i) {
    if ((words[i] == 0) != (i < kClearWords)) return "word " + std::to_string(i) + " of `clear` is wrong";
  }
  if (!spec().residual) return "";
  residual_out_.read(got_residual_.data());
  std::string what = spec().in_place ? "" : got_residual_.outside_written(got_residual_.whole());
  if (what.empty()) what = got_residual_.difference(expected_residual_, got_residual_.whole());
  return what.empty() ? "" : "residual_out: " + what;
}

std::string ActivationCase::run_a8(const CudaKernel& kernel) {
  const int64_t M = spec().M, bytes = use_ == Use::user ? (M - 1) * ld_ + spec().K : M * ld_;
  std::vector<uint8_t> got(bytes, kPoison);
  DeviceMemory q(got.data(), bytes, use_ == Use::user ? spec().seed % 5 : 0), s(M * scales_ * 4),
      q_sums(M * units_ * 4);
  CudaActivationTask task = device_task();
  task.plain = use_ == Use::user || use_ == Use::dense;
  task.q = q.as<int8_t>();
  task.ldq = ld_;
  task.s = s.as<float>();
  task.s_row = use_ == Use::user ? scales_ : 1;
  task.s_block = use_ == Use::user ? 1 : M;
  task.q_sums = task.plain ? nullptr : q_sums.as<int32_t>();
  task.unit = unit_;
  std::string what = launch(kernel, task);
  if (!what.empty()) return what;
  q.read(got.data());
  std::vector<float> scales(M * scales_);
  s.read(scales.data());
  for (int64_t m = 0; m < M; ++m) {
    for (int64_t b = 0; b < scales_; ++b) {
      if (!same_bits(TERNARY_F32, &scales[m * task.s_row + b * task.s_block], &s_[m * scales_ + b])) {
        return "s of row " + std::to_string(m) + ", block " + std::to_string(b);
      }
    }
    for (int64_t k = 0; k < ld_ && m * ld_ + k < bytes; ++k) {
      const int64_t place = task.plain ? k : cuda_q_position(k);
      const uint8_t want = k < padded_ ? static_cast<uint8_t>(q_[m * padded_ + k]) : kPoison;
      if (got[m * ld_ + place] != want) {
        return "q of row " + std::to_string(m) + ", column " + std::to_string(k) + " is " +
               std::to_string(static_cast<int8_t>(got[m * ld_ + place])) + ", expected " +
               std::to_string(static_cast<int8_t>(want));
      }
    }
  }
  return task.plain ? "" : wrong_sum(q_sums);
}

std::string ActivationCase::wrong_sum(const DeviceMemory& q_sums) const {
  std::vector<int32_t> got(spec().M * units_);
  q_sums.read(got.data());
  for (int64_t m = 0; m < spec().M; ++m) {
    for (int64_t u = 0; u < units_; ++u) {
      const int64_t begin = u * unit_, end = unit_ == 0 ? spec().K : std::min(begin + unit_, spec().K);
      int32_t want = 0;
      for (int64_t k = begin; k < end; ++k) want += q_[m * padded_ + k];
      if (got[m * units_ + u] != want) return "q_sum of row " + std::to_string(m) + ", unit " + std::to_string(u);
    }
  }
  return "";
}

std::string ActivationCase::run_planes(const CudaKernel& kernel) {
  const bool as_it_is = !spec().norm && !spec().residual && spec().kind != TERNARY_ALPHA_COLUMN && spec().rotation == 0;
  const bool one = as_it_is && (spec().x_dtype == TERNARY_F16 || spec().x_dtype == TERNARY_BF16) && !spec().x_scale;
  const bool f16 = one && spec().x_dtype == TERNARY_F16;
  const int64_t M = spec().M, count = one ? 1 : 3;
  DeviceMemory planes(count * M * padded_ * 2);
  CudaActivationTask task = device_task();
  task.planes = planes.as<uint16_t>();
  task.ld_plane = padded_;
  task.plane_count = static_cast<int>(count);
  task.plane_f16 = f16;
  const std::string what = launch(kernel, task);
  if (!what.empty()) return what;
  std::vector<uint16_t> got(count * M * padded_);
  planes.read(got.data());
  for (int64_t i = 0; i < M * padded_; ++i) {
    double sum = 0;  // 24 bits, or 53 more than enough for three summands that do not overlap
    for (int64_t p = 0; p < count; ++p) {
      const uint16_t bits = got[p * M * padded_ + i];
      const float plane = f16 ? f16_to_float(bits) : bf16_to_float(bits);
      sum += plane;
      if (std::isnan(f_[i]) && !std::isnan(plane)) return "a plane lacks a NaN";
    }
    if (std::isnan(f_[i])) continue;
    // Three planes hold every bit down to bf16's smallest denormal, 2^-133, which cuts off bits of |x'| < 2^-110
    // only.
    const double lost = std::fabs(double{f_[i]}) < 0x1p-110 ? 0x1p-133 : 0;
    const double error = std::fabs(sum - double{f_[i]});
    if (error != 0 && !(error < lost)) return "planes of " + std::to_string(i) + " make " + std::to_string(sum);
  }
  return "";
}

}  // namespace ternary::test
