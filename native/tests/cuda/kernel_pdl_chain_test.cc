// Chains of kernels on one stream, each launched before the last has ended: a layer's X is the Y of the layer before,
// and all share q, sums and tickets, as decoding does. The bits are those of one layer after another on the host. The
// software GPU also says how each was launched, and that it began before the one before it had ended.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "core/cuda/copies/layout.h"
#include "core/weights/weights.h"
#include "support/cuda/device_memory.h"
#include "support/cuda/launches.h"
#include "support/cuda/rows.h"
#include "support/operands.h"
#include "support/problem.h"

namespace ternary::test {
namespace {

constexpr int64_t kWidth = 3300;  // four slabs of eight tiles of I2S, three of T5, and odd tails
constexpr int64_t kOutputs = 36;

/** One layer: weights on the device in a layout, and Y. */
struct Layer {
  Layer(uint64_t seed, CudaLayout layout, int64_t N, int64_t K, int64_t M)
      : problem(spec(seed, N, K, M)), weights(problem.weights(TERNARY_LAYOUT_I2S)), y(M * N * 4) {
    std::vector<uint8_t> tiles(cuda_layout_bytes(layout, N, K));
    const int64_t rows = layout == CudaLayout::dense ? N : kTile;
    for (int64_t n = 0; n < N; n += rows) {
      cuda_panel_from_i2s(layout, problem.i2s.data() + n * ceil_div(K, 4), std::min(rows, N - n), K,
                          tiles.data() + n / rows * cuda_panel_bytes(layout, rows, K));
    }
    codes = DeviceMemory(tiles.data(), static_cast<int64_t>(tiles.size()));
    alpha = DeviceMemory(weights->alpha.data(), static_cast<int64_t>(weights->alpha.size()) * 4);
  }

  static ProblemSpec spec(uint64_t seed, int64_t N, int64_t K, int64_t M) {
    ProblemSpec spec;
    spec.seed = seed;
    spec.M = M;
    spec.N = N;
    spec.K = K;
    spec.kind = TERNARY_ALPHA_ROW;
    spec.values = Values::finite;
    return spec;
  }

  std::vector<float> on_the_host(const std::vector<float>& x) const {
    const ProblemSpec& s = problem.spec();
    std::vector<float> out(s.M * s.N);
    const ternary_operands o = product_of(x.data(), TERNARY_F32, s.K, out.data(), TERNARY_F32, s.N, s.M);
    EXPECT_EQ(ternary_oracle_apply(problem.layer(weights.get()).get(), &o), TERNARY_OK) << ternary_last_error();
    return out;
  }

  Problem problem;
  WeightsHandle weights;
  DeviceMemory codes, alpha, y;
};

/** Layers from widths[i] to widths[i + 1]. Those from more than kOutputs split K; kWidth are many panels of a GEMV. */
class Chain {
 public:
  Chain(CudaLayout layout, int64_t M, const std::vector<int64_t>& widths) : layout_(layout), M_(M) {
    for (size_t i = 0; i + 1 < widths.size(); ++i) layers_.emplace_back(77 + i, layout, widths[i + 1], widths[i], M);
    const int64_t padded = cuda_padded_columns(layout, *std::max_element(widths.begin(), widths.end()));
    q_ = DeviceMemory(M * padded);
    s_ = DeviceMemory(M * 4);
    q_sums_ = DeviceMemory(M * 4);
    partial_ = DeviceMemory(1 << 21);
  }

  /** By `fused`, if there is one, the layers whose K is not split. */
  void launch(const CudaKernel& product, const CudaKernel* fused, int splits, const CudaLaunch& how) {
    const DeviceLimits limits = device_limits();
    const CudaKernel& rows = *cuda_rows(CudaStage::activations)[0];
    const Problem& first = layers_[0].problem;
    DeviceMemory x(first.x.data(), first.x.bytes());
    const float* input = x.as<float>();
    for (size_t i = 0; i < layers_.size(); ++i) {
      const bool in_one = fused != nullptr && layers_[i].problem.spec().K == kOutputs;
      CudaFusedTask task = {};
      task.activations = activations(i, input);
      task.gemm = gemm(i);
      CudaProblem problem = {};
      problem.M = M_;
      problem.N = task.gemm.N;
      problem.K = task.gemm.K;
      problem.splits = splits;
      problem.sm_count = limits.sm_count;
      problem.shared_bytes = limits.shared_bytes;
      if (in_one) {
        clusters_.push_back(1);
        require_cuda(fused->fused(task, planned(*fused, problem), how), fused->file);
      } else {
        const CudaPlan plan = planned(product, problem);
        ASSERT_EQ(plan.splits, problem.K > kOutputs ? splits : 1) << product.file;
        ASSERT_LE(plan.partial_bytes, partial_.bytes());
        clusters_.push_back(1);
        clusters_.push_back(plan.splits > 1 && plan.partial_bytes == 0 ? plan.splits : 1);
        task.activations.clear = partial_.as<int32_t>();
        task.activations.clear_count = plan.clear_bytes / 4;
        require_cuda(rows.rows.activations(task.activations, how), rows.file);
        require_cuda(product.gemm(task.gemm, plan, how), product.file);
      }
      input = layers_[i].y.as<float>();
    }
    require_cuda(cudaStreamSynchronize(static_cast<cudaStream_t>(how.stream)), "chain");
  }

  /** What no bit of Y tells: that each kernel was launched as part of the chain and overlapped the one before. */
  void check_launches(bool pdl) const {
    const std::vector<SeenLaunch> seen = seen_launches();
    if (seen.empty()) return;  // a GPU
    ASSERT_EQ(seen.size(), clusters_.size());
    for (size_t i = 0; i < seen.size(); ++i) {
      EXPECT_EQ(seen[i].programmatic, pdl) << i << ": " << seen[i].kernel;
      EXPECT_EQ(seen[i].began_early, pdl && i > 0) << i << ": " << seen[i].kernel;
      EXPECT_EQ(seen[i].let_dependents_start, pdl && i > 0) << i << ": " << seen[i].kernel;
      EXPECT_EQ(seen[i].cluster, static_cast<uint32_t>(clusters_[i])) << i << ": " << seen[i].kernel;
    }
  }

  void check() const {
    const Problem& first = layers_[0].problem;
    std::vector<float> x(M_ * first.spec().K);
    std::memcpy(x.data(), first.x.data(), x.size() * 4);
    for (size_t i = 0; i < layers_.size(); ++i) {
      x = layers_[i].on_the_host(x);
      std::vector<float> got(x.size());
      layers_[i].y.read(got.data());
      for (size_t k = 0; k < x.size(); ++k) {
        ASSERT_TRUE(same_bits(TERNARY_F32, &got[k], &x[k]))
            << "layer " << i << ", element " << k << ": " << got[k] << ", expected " << x[k];
      }
    }
  }

  /** Whether every product of launch() had as many splits as were asked for. */
  bool split() const { return split_; }

 private:
  CudaActivationTask activations(size_t i, const float* x) const {
    CudaActivationTask task = {};
    task.rows.x = x;
    task.rows.x_dtype = TERNARY_F32;
    task.rows.K = task.rows.ldx = layers_[i].problem.spec().K;
    task.M = M_;
    task.plain = layout_ == CudaLayout::dense;
    task.q = q_.as<int8_t>();
    task.padded = task.ldq = cuda_padded_columns(layout_, task.rows.K);
    task.s = s_.as<float>();
    task.s_row = 1;
    task.q_sums = q_sums_.as<int32_t>();
    return task;
  }

  CudaGemmTask gemm(size_t i) const {
    const ProblemSpec& spec = layers_[i].problem.spec();
    CudaGemmTask task = {};
    task.q = q_.as<int8_t>();
    task.ldq = cuda_padded_columns(layout_, spec.K);
    task.q_sums = q_sums_.as<int32_t>();
    task.s = s_.as<float>();
    task.w = layers_[i].codes.as<uint8_t>();
    task.alpha = layers_[i].alpha.as<float>();
    task.y = layers_[i].y.data();
    task.y_dtype = TERNARY_F32;
    task.ldy = spec.N;
    task.M = M_;
    task.N = spec.N;
    task.K = spec.K;
    task.partial = partial_.data();
    return task;
  }

  CudaLayout layout_;
  int64_t M_;
  bool split_ = true;
  std::vector<Layer> layers_;
  std::vector<int> clusters_;  ///< CTAs of a cluster of each launch
  DeviceMemory q_, s_, q_sums_, partial_;
};

/** The kernel that makes its own activations and multiplies as `gemv` does, M rows; null if there is none. */
const CudaKernel* fused_of(const CudaKernel& gemv, int64_t M) {
  std::string file = gemv.file;
  file.replace(file.find("_a8_"), 4, "_fused_");
  for (const CudaKernel* fused : cuda_rows(CudaStage::fused_a8)) {
    if (fused->file == file && M <= fused->m_max) return fused;
  }
  return nullptr;
}

bool has_pdl() { return std::atoi(cuda_backend().arch + 2) >= 90; }

/** Every GEMV row in a chain of layers, K split by each of `splits`. */
void check_chains(const std::vector<int64_t>& widths, std::initializer_list<int> all_splits, bool with_fused) {
  for (const CudaKernel* gemv : cuda_rows(CudaStage::gemm_a8)) {
    if (std::strncmp(gemv->file, "gemv_", 5) != 0) continue;
    for (int i = 0; i < 2 * static_cast<int>(all_splits.size()); ++i) {
      const int64_t M = i % 2 == 0 ? 1 : 3;
      const int splits = all_splits.begin()[i / 2];
      if (M < gemv->m_min || M > gemv->m_max) continue;
      cudaStream_t stream;
      require_cuda(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "stream");
      const CudaLaunch how = {stream, has_pdl()};
      Chain chain(gemv->layout, M, widths);
      forget_launches();
      chain.launch(*gemv, with_fused ? fused_of(*gemv, M) : nullptr, splits, how);
      if (testing::Test::HasFatalFailure()) return;
      chain.check();
      chain.check_launches(how.pdl);
      require_cuda(cudaStreamDestroy(stream), "stream");
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(CudaPdl, ChainsOfGemvsGiveTheBitsOfOneLayerAfterAnother) {
  check_chains({kOutputs, kWidth, kOutputs, kWidth}, {1, 2, 3}, false);
}

// Both use the same sums and tickets in device memory, or shared memory of clusters.
TEST(CudaPdl, OneProductThatSplitsKAfterAnother) { check_chains({kWidth, kWidth, kOutputs}, {2, 3}, false); }

// No kernel is between a product that splits K and the fused one that reads its Y.
TEST(CudaPdl, AFusedProductReadsTheYOfTheProductBefore) {
  check_chains({kOutputs, kWidth, kOutputs, kWidth}, {1, 2, 3}, true);
}

// All of them split K: in a cluster where there are any, in memory, and not at all.
TEST(CudaPdl, ChainsOfGemmsThatSplitKGiveTheBitsOfOneLayerAfterAnother) {
  for (const CudaKernel* gemm : cuda_rows(CudaStage::gemm_a8)) {
    if (std::strncmp(gemm->file, "gemm_", 5) != 0) continue;
    for (const int splits : {1, 2, 3}) {
      cudaStream_t stream;
      require_cuda(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "stream");
      Chain chain(gemm->layout, 20, {650, 660, 150});
      forget_launches();
      chain.launch(*gemm, nullptr, splits, {stream, has_pdl()});
      if (HasFatalFailure()) return;
      chain.check();
      chain.check_launches(has_pdl());
      require_cuda(cudaStreamDestroy(stream), "stream");
      if (HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace ternary::test
