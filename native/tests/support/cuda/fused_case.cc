#include "support/cuda/fused_case.h"

#include <algorithm>
#include <vector>

#include "abi/dtype.h"
#include "core/cuda/copies/layout.h"
#include "core/weights/weights.h"
#include "support/cuda/rows.h"

namespace ternary::test {
namespace {

DeviceMemory device_copy(const OutputMatrix& matrix) {
  if (matrix.empty()) return DeviceMemory();
  const int64_t elements = (matrix.rows() - 1) * matrix.ld() + matrix.columns();
  return DeviceMemory(matrix.data(), elements * dtype_bytes(matrix.dtype()));
}

}  // namespace

CudaFusedCase::CudaFusedCase(const ProblemSpec& spec, CudaLayout layout)
    : problem_(spec), layout_(layout), weights_(problem_.weights(TERNARY_LAYOUT_I2S)), expected_(problem_.expected()) {
  const int64_t N = spec.N, K = spec.K;
  std::vector<uint8_t> codes(cuda_layout_bytes(layout, N, K));
  for (int64_t n = 0; n < N; n += kTile) {
    cuda_panel_from_i2s(layout, problem_.i2s.data() + n * ceil_div(K, 4), std::min(kTile, N - n), K,
                        codes.data() + n / kTile * cuda_panel_bytes(layout, kTile, K));
  }
  codes_ = DeviceMemory(codes.data(), static_cast<int64_t>(codes.size()));
  alpha_ = DeviceMemory(weights_->alpha.data(), static_cast<int64_t>(weights_->alpha.size()) * 4);
  const auto copy = [](const GuardedBuffer& buffer) { return DeviceMemory(buffer.data(), buffer.bytes()); };
  x_ = copy(problem_.x), x_scale_ = copy(problem_.x_scale), bias_ = copy(problem_.bias);
  residual_ = copy(problem_.residual), norm_weight_ = copy(problem_.norm_weight), column_ = copy(problem_.alpha);
}

std::string CudaFusedCase::run(const CudaKernel& kernel, const DeviceLimits& limits, const CudaLaunch& how) {
  set_crash_note(std::string(kernel.file) + ": " + spec().text());
  Output got = problem_.output();
  DeviceMemory y = device_copy(got.y), residual_out = device_copy(got.residual_out);
  CudaFusedTask task = {};
  task.activations = activations(residual_out);
  task.gemm = gemm(y);
  CudaProblem problem = {};
  problem.M = spec().M;
  problem.N = spec().N;
  problem.K = spec().K;
  problem.group = weights_->group;
  problem.block = spec().block;
  problem.sm_count = limits.sm_count;
  problem.shared_bytes = limits.shared_bytes;
  require_cuda(kernel.fused(task, planned(kernel, problem), how), kernel.file);
  require_cuda(cudaDeviceSynchronize(), (std::string(kernel.file) + ": " + spec().text()).c_str());
  y.read(got.y.data());
  if (!got.residual_out.empty()) residual_out.read(got.residual_out.data());
  const std::string what = problem_.verdict(got, expected_);
  return what.empty() ? "" : what + " in " + spec().text();
}

CudaActivationTask CudaFusedCase::activations(const DeviceMemory& residual_out) const {
  CudaActivationTask task = {};
  task.rows.x = x_.data();
  task.rows.x_dtype = spec().x_dtype;
  task.rows.ldx = problem_.ldx();
  task.rows.x_scale = x_scale_.as<float>();
  task.rows.K = spec().K;
  task.rows.block = spec().block;
  if (spec().norm) task.rows.norm_weight = norm_weight_.as<float>();
  task.rows.eps = problem_.eps;
  if (spec().kind == TERNARY_ALPHA_COLUMN) task.rows.alpha_column = column_.as<float>();
  if (spec().residual) {
    task.rows.residual = residual_.data();
    task.rows.residual_out = residual_out.data();
    task.rows.residual_dtype = *spec().residual;
    task.rows.ld_residual = problem_.ld_residual();
  }
  task.M = spec().M;
  task.padded = cuda_padded_columns(layout_, spec().K);
  task.unit = unit_columns(weights_->group, spec().block);
  return task;
}

CudaGemmTask CudaFusedCase::gemm(const DeviceMemory& y) const {
  CudaGemmTask task = {};
  task.w = codes_.as<uint8_t>();
  task.alpha = alpha_.as<float>();
  task.group = weights_->group;
  task.block = spec().block;
  if (spec().bias) task.bias = bias_.as<float>();
  task.y = y.data();
  task.y_dtype = spec().y_dtype;
  task.ldy = spec().N + spec().y_gap;
  task.M = spec().M;
  task.N = spec().N;
  task.K = spec().K;
  return task;
}

}  // namespace ternary::test
