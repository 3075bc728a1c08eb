// The kernels that make rows of X ready on a GPU, against the oracle: same bits, and nothing written outside.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "abi/dtype.h"
#include "core/product/oracle.h"
#include "support/cuda/device_memory.h"
#include "support/cuda/rows.h"
#include "support/problem.h"

namespace ternary::test {
namespace {

/** What the rows are made ready for. */
enum class Use { i2s, t5, dense, user, planes };

constexpr uint8_t kPoison = 0xa5;

/** A problem's rows on the host, what the oracle makes of them, and the same on the device. */
class ActivationCase {
 public:
  ActivationCase(const ProblemSpec& spec, Use use) : problem_(spec), use_(use) {
    const int64_t K = spec.K;
    padded_ = use == Use::user ? K : cuda_padded_columns(use == Use::t5 ? CudaLayout::t5 : CudaLayout::i2s, K);
    ld_ = use == Use::user ? K + spec.y_gap : padded_;
    block_ = use == Use::planes ? 0 : spec.block;
    scales_ = scales_of_row(K, block_);
    unit_ = use == Use::user || use == Use::planes ? 0 : unit_columns(spec.group, block_);
    units_ = unit_ == 0 ? 1 : ceil_div(spec.K, unit_);
    run_oracle();
  }

  /** Empty if the kernel, launched over all rows, wrote the oracle's bits and nothing else. */
  std::string run(const CudaKernel& kernel) {
    set_crash_note(std::string(kernel.file) + ": " + problem_.spec().text());
    const std::string what = use_ == Use::planes ? run_planes(kernel) : run_a8(kernel);
    const std::string use = std::to_string(static_cast<int>(use_));
    return what.empty() ? "" : what + " for use " + use + " in " + problem_.spec().text();
  }

 private:
  const ProblemSpec& spec() const { return problem_.spec(); }

  void run_oracle() {
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

  /** All but residuals and outputs, with pointers of the host. */
  ActivationTask host_task() const {
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

  /** The inputs on the device: rows begin at any element, other inputs at any float. */
  CudaActivationTask device_task() {
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

  int64_t residual_bytes() const {
    return ((spec().M - 1) * problem_.ld_residual() + spec().K) * dtype_bytes(*spec().residual);
  }

  std::string launch(const CudaKernel& kernel, const CudaActivationTask& task) {
    require_cuda(kernel.activations(task, CudaLaunch{}), kernel.file);
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

  std::string run_a8(const CudaKernel& kernel) {
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

  std::string wrong_sum(const DeviceMemory& q_sums) const {
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

  std::string run_planes(const CudaKernel& kernel) {
    const bool as_it_is =
        !spec().norm && !spec().residual && spec().kind != TERNARY_ALPHA_COLUMN && spec().rotation == 0;
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

  static constexpr int kClearWords = 1000;

  Problem problem_;
  Use use_;
  int64_t padded_, ld_, block_, scales_, unit_, units_;
  std::vector<int8_t> q_;
  std::vector<float> s_, f_;
  OutputMatrix expected_residual_, got_residual_;
  DeviceMemory x_, x_scale_, norm_weight_, alpha_, signs_, residual_, residual_out_, clear_;
};

void check(const ProblemSpec& spec, std::initializer_list<Use> uses) {
  for (Use use : uses) {
    if (use == Use::planes && spec.x_dtype == TERNARY_I8) continue;  // A16 has no int8 X
    ActivationCase rows(spec, use);
    for (const CudaKernel* kernel : cuda_rows(CudaStage::activations)) ASSERT_EQ(rows.run(*kernel), "") << kernel->file;
  }
}

constexpr std::initializer_list<Use> kEveryUse = {Use::i2s, Use::t5, Use::dense, Use::user, Use::planes};

TEST(CudaActivations, RandomProblems) {
  ASSERT_EQ(cuda_rows(CudaStage::activations).size(), 1u);
  const int64_t count = samples(50);
  for (int64_t i = 0; i < count; ++i) {
    ProblemSpec spec = random_spec(70000 + static_cast<uint64_t>(i), 12000);
    spec.N = 1;
    check(spec, kEveryUse);
    if (HasFatalFailure()) return;
  }
}

TEST(CudaActivations, EveryTailOfKInEveryType) {
  for (int64_t K = 1; K <= 300; K += K < 8 ? 1 : 41) {
    for (int type = 0; type < 5; ++type) {
      ProblemSpec spec;
      spec.M = 2;
      spec.K = K;
      spec.x_dtype = static_cast<ternary_dtype>(type);
      spec.x_gap = spec.y_gap = 3;
      spec.seed = static_cast<uint64_t>(K);
      check(spec, {Use::i2s, Use::user});
      if (HasFatalFailure()) return;
      if (spec.x_dtype == TERNARY_I8) continue;
      spec.norm = true;
      spec.residual = static_cast<ternary_dtype>(K % 3);
      spec.in_place = K % 2 == 0;
      spec.values = Values::finite;
      check(spec, {Use::t5, Use::planes});
      if (HasFatalFailure()) return;
    }
  }
}

TEST(CudaActivations, LongRowsPassInChunks) {
  // A chunk is 24576 columns: exactly one, a little more, and two and a bit, with all that is read again in each pass.
  for (int64_t K : {24576, 24577, 50000}) {
    ProblemSpec spec;
    spec.M = 2;
    spec.K = K;
    spec.norm = true;
    spec.residual = TERNARY_F16;
    spec.in_place = true;
    spec.x_dtype = TERNARY_BF16;
    spec.kind = TERNARY_ALPHA_GROUP;
    spec.group = K % 2 == 0 ? 96 : 2048;
    spec.values = Values::finite;
    check(spec, {Use::i2s, Use::planes});
    if (HasFatalFailure()) return;
    spec.norm = spec.in_place = false;
    spec.residual.reset();
    spec.values = Values::mixed;
    spec.group = 0;
    spec.kind = TERNARY_ALPHA_COLUMN;
    check(spec, {Use::t5, Use::user});
    if (HasFatalFailure()) return;
  }
}

TEST(CudaActivations, RandomBlocksAndRotations) {
  const int64_t count = samples(80);
  for (int64_t i = 0; i < count; ++i) {
    ProblemSpec spec = random_block_spec(71000 + static_cast<uint64_t>(i), 12000);
    spec.N = 1;
    check(spec, kEveryUse);
    if (HasFatalFailure()) return;
  }
}

TEST(CudaActivations, EveryRotation) {
  for (int64_t rotation = 32; rotation <= 4096; rotation *= 2) {
    for (const int64_t runs : {int64_t{1}, int64_t{3}, 8192 / rotation}) {
      ProblemSpec spec;
      spec.M = 2;
      spec.K = runs * rotation;
      spec.rotation = rotation;
      spec.signs = runs != 1;
      spec.norm = runs == 3;
      spec.x_dtype = TERNARY_BF16;
      spec.values = Values::finite;
      if (runs != 3) spec.kind = TERNARY_ALPHA_COLUMN;
      spec.seed = static_cast<uint64_t>(rotation + runs);
      check(spec, {Use::i2s, Use::user, Use::planes});
      if (HasFatalFailure()) return;
    }
  }
}

// A chunk is 24576 columns. Maxima of blocks lie in shared memory up to 23831 columns by 32, else where scales will be;
// a block may be longer than a chunk, and begin in one and end in another.
TEST(CudaActivations, BlocksOfLongRows) {
  for (const int64_t K : {23808, 23840, 24576, 28672, 53248}) {
    for (const int64_t block : {32, 96, 160, 8192, 28000, 1 << 20}) {
      ProblemSpec spec;
      spec.M = 1;
      spec.K = K;
      spec.block = block;
      spec.x_dtype = TERNARY_BF16;
      spec.seed = static_cast<uint64_t>(K + block);
      spec.norm = block == 160;
      if (K % 4096 == 0 && block != 96) spec.rotation = 4096, spec.signs = true;
      check(spec, {K % 64 == 0 ? Use::i2s : Use::user});
      if (HasFatalFailure()) return;
    }
  }
}

// Floors, zeros and rows that are not finite, block by block: every row has its own way.
TEST(CudaActivations, BlocksOfExtremeRows) {
  for (const int64_t block : {32, 64, 128, 1024}) {
    for (const Values values : {Values::all_max, Values::zero, Values::mixed}) {
      for (const ternary_dtype x_dtype : {TERNARY_F32, TERNARY_F16, TERNARY_I8}) {
        ProblemSpec spec;
        spec.M = 12;
        spec.K = 333;
        spec.block = block;
        spec.x_dtype = x_dtype;
        spec.values = values;
        spec.seed = static_cast<uint64_t>(block);
        check(spec, {Use::i2s, Use::user});
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(CudaActivations, NormOfExtremeRows) {
  for (int64_t K : {255, 256, 257, 513, 4097}) {
    for (Values values : {Values::all_max, Values::zero, Values::mixed}) {
      ProblemSpec spec;
      spec.M = 3;
      spec.K = K;
      spec.norm = true;
      spec.values = values;
      check(spec, {Use::i2s});
      if (HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace ternary::test
