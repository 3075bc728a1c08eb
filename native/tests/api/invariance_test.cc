// The same bits whatever the number of rows, the position in the batch, threads, strides, layout and the caller's
// floating-point environment.
#include <gtest/gtest.h>
#include <xmmintrin.h>

#include <string>
#include <tuple>
#include <vector>

#include "support/operands.h"
#include "support/problem.h"

namespace ternary::test {
namespace {

std::vector<RuntimeHandle> runtimes(const std::vector<int>& threads) {
  std::vector<RuntimeHandle> made;
  for (const std::string& isa : available_isas()) {
    for (int count : threads) {
      made.push_back(make_runtime("TERNARY_MAX_ISA=" + isa + "\nTERNARY_NUM_THREADS=" + std::to_string(count)));
      EXPECT_NE(made.back(), nullptr) << ternary_last_error();
    }
  }
  return made;
}

/** Large enough that dispatch splits the work. */
std::vector<ProblemSpec> large_specs() {
  std::vector<ProblemSpec> specs;
  for (ternary_activation activation : {TERNARY_A8, TERNARY_A16}) {
    for (auto [M, N, K] : {std::tuple<int64_t, int64_t, int64_t>{1, 2100, 1040},
                           {3, 1333, 515},
                           {65, 129, 300},
                           {200, 17, 530},
                           {33, 530, 96}}) {
      ProblemSpec spec;
      spec.activation = activation;
      spec.M = M;
      spec.N = N;
      spec.K = K;
      spec.kind = M % 2 ? TERNARY_ALPHA_GROUP : TERNARY_ALPHA_ROW;
      spec.group = M % 2 ? 64 : 0;
      spec.bias = true;
      spec.norm = N % 2 == 1;
      if (spec.norm) spec.residual = TERNARY_BF16;
      spec.seed = static_cast<uint64_t>(M * N);
      specs.push_back(spec);
    }
  }
  return specs;
}

TEST(Invariance, ThreadCountAndIsa) {
  const std::vector<RuntimeHandle> all = runtimes({1, 2, 3, 8});
  for (const ProblemSpec& spec : large_specs()) {
    const Problem problem(spec);
    const Output expected = problem.expected();
    const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
    for (const RuntimeHandle& runtime : all) {
      Output got = problem.output();
      ASSERT_EQ(problem.run(runtime.get(), layer.get(), got), TERNARY_OK) << ternary_last_error();
      ASSERT_EQ(problem.verdict(got, expected), "");
    }
  }
}

TEST(Invariance, RowsAloneAndInAnyPosition) {
  const std::vector<RuntimeHandle> all = runtimes({2});
  Random random(31);
  for (uint64_t seed = 1; seed <= (on_gpu() ? 8 : 40); ++seed) {
    ProblemSpec spec = random_spec(seed * 7, 1500000);
    spec.M = 70;
    if (spec.M * spec.N * spec.K > 3000000) spec.N = 3;
    const Problem problem(spec);
    const Output expected = problem.expected();
    const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
    for (const RuntimeHandle& runtime : all) {
      for (int64_t rows : {int64_t{1}, int64_t{2}, random.integer(3, 15), int64_t{16}, random.integer(17, 70)}) {
        const int64_t first = random.integer(0, spec.M - rows);
        Output got = problem.output(first, rows);
        ASSERT_EQ(problem.run(runtime.get(), layer.get(), got, first, rows), TERNARY_OK) << ternary_last_error();
        ASSERT_EQ(problem.verdict(got, expected, first), "") << "rows " << first << " + " << rows;
      }
    }
  }
}

TEST(Invariance, StridesAndLayout) {
  const std::vector<RuntimeHandle> all = runtimes({1});
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    ProblemSpec dense = random_spec(seed * 13, 200000);
    dense.x_gap = dense.y_gap = dense.residual_gap = 0;
    ProblemSpec strided = dense;
    strided.x_gap = 5;
    strided.y_gap = 7;
    strided.residual_gap = 11;
    const Problem a(dense), b(strided);  // the same values from the same seed
    const Output expected = a.expected();
    for (const RuntimeHandle& runtime : all) {
      for (ternary_layout layout : kLayouts) {
        Output got = b.output();
        ASSERT_EQ(b.run(runtime.get(), b.layer(layout).get(), got), TERNARY_OK) << ternary_last_error();
        ASSERT_EQ(b.verdict(got, expected), "") << "layout " << layout;
      }
    }
  }
}

/** Runs the problem with a floating-point environment left on by the caller; it must still be on afterwards. */
void check_environment(const Problem& problem, ternary_runtime* runtime, const Output& expected, unsigned mxcsr) {
  const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
  Output got = problem.output();
  const unsigned before = _mm_getcsr();
  _mm_setcsr(mxcsr);
  const ternary_status status = problem.run(runtime, layer.get(), got);
  const unsigned after = _mm_getcsr();
  _mm_setcsr(before);
  ASSERT_EQ(status, TERNARY_OK) << ternary_last_error();
  EXPECT_EQ(after & ~0x3fu, mxcsr & ~0x3fu) << "the caller's environment was not restored";  // flags are sticky
  EXPECT_EQ(problem.verdict(got, expected), "") << "mxcsr " << std::hex << mxcsr;
}

TEST(Invariance, CallersFloatingPointEnvironment) {
  const std::vector<RuntimeHandle> all = runtimes({1, 2});
  constexpr unsigned kFlush = 0x8040, kDown = 0x2000, kUp = 0x4000, kTruncate = 0x6000, kDefault = 0x1f80;
  for (uint64_t seed = 1; seed <= 25; ++seed) {
    ProblemSpec spec = random_spec(seed * 17, 400000);
    spec.values = Values::mixed;
    spec.y_dtype = TERNARY_F32;
    const Problem problem(spec);
    const Output expected = problem.expected();
    for (unsigned extra : {kFlush, kDown, kUp, kTruncate, kFlush | kUp}) {
      check_environment(problem, nullptr, expected, kDefault | extra);  // the oracle too
      for (const RuntimeHandle& runtime : all) check_environment(problem, runtime.get(), expected, kDefault | extra);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(Invariance, ARuntimeMadeWhileTheCallersEnvironmentIsOff) {
  // A new thread inherits the floating-point environment of the thread that makes it.
  const unsigned before = _mm_getcsr();
  _mm_setcsr(0x1f80 | 0x8040 | 0x6000);
  const RuntimeHandle runtime = make_runtime("TERNARY_NUM_THREADS=8");
  _mm_setcsr(before);
  ASSERT_NE(runtime, nullptr) << ternary_last_error();
  for (const ProblemSpec& spec : large_specs()) {
    const Problem problem(spec);
    const Output expected = problem.expected();
    const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
    for (int call = 0; call < 20; ++call) {  // until the workers have had their share
      Output got = problem.output();
      ASSERT_EQ(problem.run(runtime.get(), layer.get(), got), TERNARY_OK) << ternary_last_error();
      ASSERT_EQ(problem.verdict(got, expected), "");
    }
  }
}

TEST(Invariance, FlushToZeroWouldBeSeen) {
  // Denormal x whose scaled values are not 0, and denormal y: with FTZ or DAZ on inside a kernel both become 0.
  ProblemSpec spec;
  spec.M = 2;
  spec.N = 3;
  spec.K = 40;
  spec.activation = TERNARY_A16;
  spec.values = Values::all_max;
  const Problem problem(spec);
  std::vector<float> x(spec.M * spec.K, 0x1p-140f);
  const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
  for (const RuntimeHandle& runtime : runtimes({1})) {
    std::vector<float> y(spec.M * spec.N, -1), expected(spec.M * spec.N, -2);
    ternary_operands o = product_of(x.data(), TERNARY_F32, spec.K, expected.data(), TERNARY_F32, spec.N, spec.M);
    ASSERT_EQ(ternary_oracle_apply(layer.get(), &o), TERNARY_OK);
    o.y = y.data();
    const unsigned before = _mm_getcsr();
    _mm_setcsr(before | 0x8040);
    const ternary_status status = ternary_apply(runtime.get(), layer.get(), &o);
    _mm_setcsr(before);
    ASSERT_EQ(status, TERNARY_OK);
    EXPECT_EQ(y, expected);
    EXPECT_NE(expected[0], 0.0f);
  }
}

TEST(Invariance, QuantiseByEveryIsaAndThreadCount) {
  const std::vector<RuntimeHandle> all = runtimes({1, 2, 8});
  Random random(33);
  for (int i = 0; i < 40; ++i) {
    ProblemSpec spec = random_spec(static_cast<uint64_t>(i) + 900, 100000);
    spec.M = i % 4 == 0 ? 90 : spec.M;
    spec.N = 1;
    spec.kind = i % 2 ? TERNARY_ALPHA_COLUMN : TERNARY_ALPHA_TENSOR;
    spec.group = 0;
    if (spec.x_dtype == TERNARY_I8) spec.x_dtype = TERNARY_F16;
    spec.x_scale = spec.x_dtype == TERNARY_F8_E4M3;
    const Problem p(spec);
    OutputMatrix q(TERNARY_I8, spec.M, spec.K, spec.K + 5), s(TERNARY_F32, 1, spec.M, spec.M);
    ternary_quantise_operands o =
        quantised(p.x.data(), spec.x_dtype, p.ldx(), q.data(), q.ld(), s.data(), spec.M, spec.K);
    if (!p.x_scale.empty()) o.x_scale = p.x_scale.as<float>();
    if (i % 2) o.alpha_column = p.alpha.as<float>();
    ASSERT_EQ(ternary_oracle_quantise(&o), TERNARY_OK) << ternary_last_error();
    for (const RuntimeHandle& runtime : all) {
      OutputMatrix q2(TERNARY_I8, spec.M, spec.K, spec.K + 5), s2(TERNARY_F32, 1, spec.M, spec.M);
      o.q = static_cast<int8_t*>(q2.data());
      o.s = static_cast<float*>(s2.data());
      ASSERT_EQ(ternary_quantise(runtime.get(), &o), TERNARY_OK) << ternary_last_error();
      ASSERT_EQ(q2.outside_written(q2.whole()) + q2.difference(q, q.whole()), "") << spec.text();
      ASSERT_EQ(s2.outside_written(s2.whole()) + s2.difference(s, s.whole()), "") << spec.text();
    }
  }
}

}  // namespace
}  // namespace ternary::test
