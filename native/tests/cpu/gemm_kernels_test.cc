// Every product kernel of the backend's table against the oracle, called as dispatch calls it: same bits, nothing
// written outside of the part asked for, nothing read beyond the end of any input.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <string>

#include "abi/dtype.h"
#include "core/product/oracle.h"
#include "core/weights/weights.h"
#include "support/backend_rows.h"
#include "support/problem.h"

namespace ternary::test {
namespace {

/** A task whose inputs all end at a guard, and what the oracle makes of it. */
class GemmCase {
 public:
  GemmCase(const ProblemSpec& spec, ternary_layout layout) : problem_(spec), weights_(problem_.weights(layout)) {
    prepare_activations();
    codes_ = copy(weights_->codes.get(), weights_->codes_bytes);
    alpha_ = copy(weights_->alpha.data(), static_cast<int64_t>(weights_->alpha.size() * sizeof(float)));
    task_.w = codes_.data();
    task_.alpha = alpha_.as<float>();
    task_.group = weights_->group;
    task_.bias = spec.bias ? problem_.bias.as<float>() : nullptr;
    task_.y_dtype = spec.y_dtype;
    task_.ldy = spec.N + spec.y_gap;
    task_.M = spec.M;
    task_.N = spec.N;
    task_.K = spec.K;
    expected_ = output();
    oracle::gemm(task_for(expected_), layout);
  }

  const ProblemSpec& spec() const { return problem_.spec(); }
  const OutputMatrix& expected() const { return expected_; }
  OutputMatrix output() const { return OutputMatrix(spec().y_dtype, spec().M, spec().N, spec().N + spec().y_gap); }

  /** Runs the kernel on one part of the output. Empty if that part, and nothing else, holds the oracle's bits. */
  std::string run(const Kernel& kernel, const Part& part) const {
    set_crash_note(std::string(kernel.file) + ": " + spec().text());
    const OutputMatrix got = output();
    call_gemm(kernel, task_for(got), part.m_begin, part.m_end, part.n_begin, part.n_end);
    std::string what = got.outside_written(part);
    if (what.empty()) what = got.difference(expected_, part);
    return what.empty() ? "" : what + " in " + spec().text();
  }

 private:
  static GuardedBuffer copy(const void* data, int64_t bytes) {
    GuardedBuffer buffer(bytes);
    std::memcpy(buffer.data(), data, bytes);
    buffer.make_read_only();
    return buffer;
  }

  GemmTask task_for(const OutputMatrix& y) const {
    GemmTask task = task_;
    task.y = y.data();
    return task;
  }

  void prepare_activations() {
    const ProblemSpec& s = spec();
    const int64_t ld = padded_columns(weights_->layout, s.K);
    ActivationTask activations = {};
    activations.x = problem_.x.data();
    activations.x_dtype = s.x_dtype;
    activations.ldx = problem_.ldx();
    activations.x_scale = problem_.x_scale.empty() ? nullptr : problem_.x_scale.as<float>();
    activations.alpha_column = weights_->column_alpha();
    activations.rotation = s.rotation;
    activations.signs = s.signs ? problem_.signs.as<float>() : nullptr;
    activations.K = s.K;
    activations.block = task_.block = s.block;
    activations.padded = task_.ldq = task_.ldf = activations.ldq = activations.ldf = ld;
    if (s.activation == TERNARY_A8) {
      q_ = GuardedBuffer(s.M * ld);
      s_ = GuardedBuffer(s.M * problem_.scales() * static_cast<int64_t>(sizeof(float)));
      activations.unit = unit_columns(weights_->group, s.block);
      q_sums_ = GuardedBuffer(s.M * sums_of_row(s.K, activations.unit) * static_cast<int64_t>(sizeof(int32_t)));
      task_.q = activations.q = q_.as<int8_t>();
      task_.s = activations.s = s_.as<float>();
      task_.q_sums = activations.q_sums = q_sums_.as<int32_t>();
    } else {
      f_ = GuardedBuffer(s.M * ld * static_cast<int64_t>(sizeof(float)));
      task_.f = activations.f = f_.as<float>();
    }
    oracle::activations(activations, s.M);
    for (GuardedBuffer* input : {&q_, &s_, &q_sums_, &f_}) input->make_read_only();
  }

  Problem problem_;
  WeightsHandle weights_;
  GemmTask task_ = {};
  GuardedBuffer q_, s_, q_sums_, f_, codes_, alpha_;
  OutputMatrix expected_;
};

bool accepts(const Kernel& kernel, const ProblemSpec& spec) {
  const int64_t unit = unit_columns(spec.group, spec.block);
  return spec.K <= kernel.k_max && (unit % kernel.group_multiple == 0 || unit >= spec.K);
}

/** A random part that the row's multiples allow. */
Part random_part(Random& random, const Kernel& kernel, int64_t M, int64_t N) {
  const auto range = [&](int64_t size, int64_t multiple) {
    const int64_t count = ceil_div(size, multiple), begin = random.integer(0, count - 1);
    return std::pair(begin * multiple, std::min(size, random.integer(begin + 1, count) * multiple));
  };
  const auto [m_begin, m_end] = range(M, kernel.m_multiple);
  const auto [n_begin, n_end] = range(N, kernel.n_multiple);
  return {m_begin, m_end, n_begin, n_end};
}

/** Runs all rows of the stage that accept the problem, each on the whole and on a part. */
void check_all_rows(const ProblemSpec& spec) {
  Random random(spec.seed ^ 0x5eed);
  const Stage stage = spec.activation == TERNARY_A8 ? Stage::gemm_a8 : Stage::gemm_a16;
  for (ternary_layout layout : kLayouts) {
    const GemmCase gemm(spec, layout);
    for (const Kernel* kernel : runnable_rows(stage)) {
      if (kernel->layout != layout || !accepts(*kernel, spec)) continue;
      ASSERT_EQ(gemm.run(*kernel, gemm.expected().whole()), "") << kernel->file;
      ASSERT_EQ(gemm.run(*kernel, random_part(random, *kernel, spec.M, spec.N)), "") << kernel->file << ", a part";
    }
  }
}

TEST(GemmKernels, TableCoversTheIsasThatThisBackendRuns) {
  for (Stage stage : {Stage::gemm_a8, Stage::gemm_a16}) {
    std::set<std::string> names;
    for (const Kernel* kernel : runnable_rows(stage)) {
      EXPECT_TRUE(names.insert(std::string(kernel->name) + isa_name(kernel->isa)).second) << kernel->name << " twice";
      EXPECT_NE(std::string(kernel->file).find(std::string("__") + isa_name(kernel->isa)), std::string::npos)
          << kernel->file;
      EXPECT_NE(kernel->gemm, nullptr) << kernel->file;
      EXPECT_GE(kernel->group_multiple, 32) << kernel->file;
    }
    EXPECT_GE(names.size(), std::size(kLayouts)) << "a kernel for each layout at least";
  }
}

TEST(GemmKernels, RandomProblems) {
  const int64_t count = samples(2000);
  for (int64_t i = 0; i < count; ++i) {
    ProblemSpec spec = random_spec(1000 + static_cast<uint64_t>(i), 1500000);
    spec.norm = false;
    spec.residual.reset();
    check_all_rows(spec);
    if (HasFatalFailure()) return;
  }
}

TEST(GemmKernels, EveryTailOfNAndK) {
  // One of N's tails with each of K's and the reverse; M runs along so that every remainder of 16 rows appears.
  for (ternary_activation activation : {TERNARY_A8, TERNARY_A16}) {
    for (int64_t i = 1; i <= 130; ++i) {
      check_all_rows(plain_spec(activation, i % 33 + 1, 17, i));
      if (i <= 70) check_all_rows(plain_spec(activation, i % 5 + 1, i, 65));
      if (HasFatalFailure()) return;
    }
  }
}

TEST(GemmKernels, EveryGroupAndItsShortLastGroup) {
  for (ternary_activation activation : {TERNARY_A8, TERNARY_A16}) {
    for (int64_t group : {32, 64, 96, 128, 192, 1024, 2016, 2048, 2080, 4096, 1 << 24}) {
      for (int64_t K : {group - 1, group, group + 1, 2 * group + 33, int64_t{2048} + 2 * group, int64_t{4500}}) {
        if (K < 1 || K > 9000) continue;
        ProblemSpec spec = plain_spec(activation, 1 + (K + group) % 3, 19, K);
        spec.kind = TERNARY_ALPHA_GROUP;
        spec.group = group;
        spec.bias = K % 2 == 0;
        check_all_rows(spec);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(GemmKernels, RandomProblemsByBlock) {
  const int64_t count = samples(1500);
  for (int64_t i = 0; i < count; ++i) {
    ProblemSpec spec = random_block_spec(90000 + static_cast<uint64_t>(i), 1500000);
    spec.norm = false;
    spec.residual.reset();
    check_all_rows(spec);
    if (HasFatalFailure()) return;
  }
}

TEST(GemmKernels, EveryTailOfNAndKByBlock) {
  for (const int64_t block : {32, 64, 96, 128}) {
    for (int64_t i = 1; i <= 130; i += block == 32 ? 1 : 3) {
      for (ProblemSpec spec : {plain_spec(TERNARY_A8, i % 33 + 1, 17, i), plain_spec(TERNARY_A8, i % 5 + 1, i, 2113)}) {
        spec.block = block;
        check_all_rows(spec);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(GemmKernels, EveryBlockWithEveryGroup) {
  for (const int64_t block : {32, 64, 96, 128, 192, 256, 1024, 2048, 2080, 4096, 1 << 24}) {
    for (const int64_t group : {0, 32, 64, 96, 128, 192, 256, 2048, 4096, 8192}) {
      if (group > 0 && block % group != 0 && group % block != 0) continue;
      for (const int64_t K : {block - 1, block + 1, 2048 + block + 33, int64_t{4500}}) {
        if (K > 9000) continue;
        ProblemSpec spec = plain_spec(TERNARY_A8, 1 + (K + group) % 3, 19, K);
        spec.block = block;
        spec.group = group;
        if (group > 0) spec.kind = TERNARY_ALPHA_GROUP;
        spec.bias = K % 2 == 0;
        spec.x_dtype = K % 3 == 0 ? TERNARY_I8 : TERNARY_F32;
        check_all_rows(spec);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(GemmKernels, LargestSumsDoNotWrap) {
  // 127 * K and -128 * K, for K far beyond what an int16, or an int32 of sums scaled by 64, would hold.
  for (Values values : {Values::all_max, Values::all_min, Values::alternating}) {
    for (int64_t K : {int64_t{259}, int64_t{66000}, (int64_t{1} << 19) + 77, (int64_t{1} << 20) + 1}) {
      ProblemSpec spec = plain_spec(TERNARY_A8, 2, 17, K);
      spec.x_dtype = TERNARY_I8;
      spec.values = values;
      check_all_rows(spec);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(GemmKernels, LargestK) {
  ProblemSpec spec = plain_spec(TERNARY_A8, 1, 2, (int64_t{1} << 24) - 1);
  spec.x_dtype = TERNARY_I8;
  spec.kind = TERNARY_ALPHA_TENSOR;
  spec.bias = false;
  for (Values values : {Values::all_max, Values::all_min}) {
    spec.values = values;
    for (ternary_layout layout : kTiledLayouts) {
      const GemmCase gemm(spec, layout);
      // float() of the exact sum: 2^31 - 128 for the -128 rows, which an int32 only just holds.
      EXPECT_GT(std::abs(gemm.expected().value(0, 0)), 1e5f);
      for (const Kernel* kernel : runnable_rows(Stage::gemm_a8)) {
        if (kernel->layout != layout || !accepts(*kernel, spec)) continue;
        EXPECT_EQ(gemm.run(*kernel, gemm.expected().whole()), "") << kernel->file;
      }
    }
  }
}

TEST(GemmKernels, LongGroupsDoNotWrap) {
  ProblemSpec spec = plain_spec(TERNARY_A8, 3, 33, 70000);
  spec.x_dtype = TERNARY_I8;
  spec.kind = TERNARY_ALPHA_GROUP;
  for (Values values : {Values::all_max, Values::all_min}) {
    for (int64_t group : {64, 4096, 65536, 1 << 20}) {
      spec.values = values;
      spec.group = group;
      for (const int64_t block : {int64_t{0}, group}) {
        spec.block = block;
        check_all_rows(spec);
        if (HasFatalFailure()) return;
      }
    }
  }
}

}  // namespace
}  // namespace ternary::test
