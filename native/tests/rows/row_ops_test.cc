// Quantisation by block, rotations and norms of heads through the C interface: the oracle's bits on every ISA, with every
// number of threads, alone and in a batch; and what is counted.
#include <gtest/gtest.h>
#include <xmmintrin.h>

#include <string>
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

/** What was written is all of `expected` from a row on, and nothing else. */
std::string verdict(const OutputMatrix& got, const OutputMatrix& expected, int64_t first_row = 0) {
  return got.outside_written(got.whole()) + got.difference(expected, got.whole(), first_row);
}

/** q and s of rows of a problem. */
struct Quantised {
  Quantised(const Problem& problem, int64_t rows)
      : q(TERNARY_I8, rows, problem.spec().K, problem.spec().K + 5),
        s(TERNARY_F32, rows, problem.scales(), problem.scales()) {}

  ternary_status run(ternary_runtime* runtime, const Problem& p, int64_t first) {
    const ProblemSpec& spec = p.spec();
    const uint8_t* x = p.x.data() + first * p.ldx() * (p.x.bytes() / ((spec.M - 1) * p.ldx() + spec.K));
    ternary_quantise_operands o = quantised(x, spec.x_dtype, p.ldx(), q.data(), q.ld(), s.data(), q.rows(), spec.K);
    if (spec.x_scale) o.x_scale = p.x_scale.as<float>() + first;
    if (spec.kind == TERNARY_ALPHA_COLUMN) o.alpha_column = p.alpha.as<float>();
    o.block = spec.block;
    o.rotation = spec.rotation;
    if (spec.signs) o.rotation_signs = p.signs.as<float>();
    return runtime == nullptr ? ternary_oracle_quantise(&o) : ternary_quantise(runtime, &o);
  }

  OutputMatrix q, s;
};

TEST(QuantiseByBlock, OnEveryIsaAndThreadCountAloneAndInABatch) {
  const std::vector<RuntimeHandle> all = runtimes({1, 2, 8});
  Random random(34);
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    ProblemSpec spec = random_block_spec(seed * 7919, 100000);
    spec.N = 1;
    spec.M = seed % 3 == 0 ? 90 : spec.M;
    spec.activation = TERNARY_A8;
    if (spec.x_dtype == TERNARY_I8) spec.x_dtype = TERNARY_F16;
    spec.x_scale = spec.x_dtype == TERNARY_F8_E4M3;
    const Problem problem(spec);
    Quantised expected(problem, spec.M);
    ASSERT_EQ(expected.run(nullptr, problem, 0), TERNARY_OK) << ternary_last_error();
    for (const RuntimeHandle& runtime : all) {
      const int64_t first = random.integer(0, spec.M - 1);
      for (const auto& [from, rows] : {std::pair(int64_t{0}, spec.M), std::pair(first, int64_t{1})}) {
        Quantised got(problem, rows);
        ASSERT_EQ(got.run(runtime.get(), problem, from), TERNARY_OK) << ternary_last_error();
        ASSERT_EQ(verdict(got.q, expected.q, from) + verdict(got.s, expected.s, from), "") << spec.text();
      }
    }
  }
}

TEST(QuantiseByBlock, IsCountedWithItsBlock) {
  const RuntimeHandle runtime = make_runtime("TERNARY_MAX_ISA=portable");
  for (const auto& [block, word] :
       {std::pair(0, ""), std::pair(32, ".block32"), std::pair(64, ".block64"), std::pair(128, ".block128"),
        std::pair(256, ".block256"), std::pair(96, ".block_other"), std::pair(4096, ".block_other")}) {
    ProblemSpec spec = plain_spec(TERNARY_A8, 2, 1, 300);
    spec.block = block;
    const Problem problem(spec);
    Quantised got(problem, 2);
    ASSERT_EQ(got.run(runtime.get(), problem, 0), TERNARY_OK) << ternary_last_error();
    EXPECT_EQ(ternary_last_path(runtime.get()),
              "quantise_activations.activations" + std::string(word) + ".cpu.portable");
  }
  const Counts paths = counters_of(runtime.get()).paths;
  EXPECT_EQ(paths, (Counts{{"quantise_activations.activations.cpu.portable", 1},
                           {"quantise_activations.activations.block32.cpu.portable", 1},
                           {"quantise_activations.activations.block64.cpu.portable", 1},
                           {"quantise_activations.activations.block128.cpu.portable", 1},
                           {"quantise_activations.activations.block256.cpu.portable", 1},
                           {"quantise_activations.activations.block_other.cpu.portable", 2}}));
}

TEST(QuantiseByBlock, AnOlderStructHasNoBlocks) {
  const RuntimeHandle runtime = make_runtime();
  const Problem problem(plain_spec(TERNARY_A8, 2, 1, 300));
  Quantised expected(problem, 2), got(problem, 2);
  ASSERT_EQ(expected.run(nullptr, problem, 0), TERNARY_OK);
  ternary_quantise_operands o =
      quantised(problem.x.data(), TERNARY_F32, 300, got.q.data(), got.q.ld(), got.s.data(), 2, 300);
  o.block = 7;
  o.rotation = 7;
  o.size = offsetof(ternary_quantise_operands, block);
  ASSERT_EQ(ternary_quantise(runtime.get(), &o), TERNARY_OK) << ternary_last_error();
  EXPECT_EQ(verdict(got.q, expected.q) + verdict(got.s, expected.s), "");
}

/** Rotates rows of a problem's X, in place if Y has its type and stride. */
ternary_status rotate(ternary_runtime* runtime, const Problem& p, int64_t first, OutputMatrix& y, bool inverse,
                      bool in_place) {
  const ProblemSpec& spec = p.spec();
  ternary_rotate_operands o = {};
  o.size = sizeof o;
  o.M = y.rows();
  o.K = spec.K;
  const int64_t element = p.x.bytes() / ((spec.M - 1) * p.ldx() + spec.K);
  o.x = in_place ? y.data() : p.x.data() + first * p.ldx() * element;
  o.ldx = p.ldx();
  if (spec.x_scale) o.x_scale = p.x_scale.as<float>() + first;
  o.y = y.data();
  o.ldy = y.ld();
  o.rotation = spec.rotation;
  if (spec.signs) o.signs = p.signs.as<float>();
  o.inverse = inverse;
  o.x_dtype = spec.x_dtype;
  o.y_dtype = y.dtype();
  return runtime == nullptr ? ternary_oracle_rotate(&o) : ternary_rotate(runtime, &o);
}

/** As random_block_spec(), with a rotation. */
ProblemSpec random_rotation(uint64_t seed) {
  for (;; seed += 1000) {
    ProblemSpec spec = random_block_spec(seed, 100000);
    if (spec.rotation == 0) continue;
    spec.N = 1;
    spec.M = seed % 4 == 0 ? 70 : spec.M;
    return spec;
  }
}

TEST(Rotate, OnEveryIsaAndThreadCountAloneAndInABatch) {
  const std::vector<RuntimeHandle> all = runtimes({1, 2, 8});
  Random random(35);
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    const ProblemSpec spec = random_rotation(seed);
    const Problem problem(spec);
    const bool inverse = random.chance(2);
    OutputMatrix expected(spec.y_dtype, spec.M, spec.K, spec.K + 3);
    ASSERT_EQ(rotate(nullptr, problem, 0, expected, inverse, false), TERNARY_OK) << ternary_last_error();
    for (const RuntimeHandle& runtime : all) {
      const int64_t one = random.integer(0, spec.M - 1);
      for (const auto& [first, rows] : {std::pair(int64_t{0}, spec.M), std::pair(one, int64_t{1})}) {
        OutputMatrix got(spec.y_dtype, rows, spec.K, spec.K + 3);
        ASSERT_EQ(rotate(runtime.get(), problem, first, got, inverse, false), TERNARY_OK) << ternary_last_error();
        ASSERT_EQ(verdict(got, expected, first), "") << spec.text();
      }
    }
    EXPECT_EQ(std::string(ternary_last_path(all.back().get())).rfind("rotate.rotate.cpu.", 0), 0u);
  }
}

TEST(Rotate, InPlaceAsElsewhere) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    ProblemSpec spec = random_rotation(seed * 31);
    if (spec.x_dtype == TERNARY_F8_E4M3) spec.x_dtype = TERNARY_BF16, spec.x_scale = false;
    const Problem problem(spec);
    OutputMatrix expected(spec.x_dtype, spec.M, spec.K, problem.ldx());
    ASSERT_EQ(rotate(nullptr, problem, 0, expected, false, false), TERNARY_OK) << ternary_last_error();
    for (const RuntimeHandle& runtime : runtimes({2})) {
      OutputMatrix got(spec.x_dtype, spec.M, spec.K, problem.ldx());
      for (int64_t m = 0; m < spec.M; ++m) {
        const int64_t row = problem.ldx() * (spec.x_dtype == TERNARY_F32 ? 4 : 2);
        std::copy_n(problem.x.data() + m * row, spec.K * (spec.x_dtype == TERNARY_F32 ? 4 : 2),
                    static_cast<uint8_t*>(got.row(m)));
      }
      ASSERT_EQ(rotate(runtime.get(), problem, 0, got, false, true), TERNARY_OK) << ternary_last_error();
      ASSERT_EQ(verdict(got, expected), "") << spec.text();
    }
  }
}

/** The sizes of a call's Q and K. */
struct HeadSizes {
  int64_t M, head_dim, q_heads, k_heads;
  ternary_dtype q_dtype, k_dtype;
};

/** Q and K of one call. */
class Heads {
 public:
  Heads(Random& random, const HeadSizes& sizes)
      : sizes_(sizes),
        q_(filled(random, sizes.q_dtype, sizes.M, sizes.q_heads * sizes.head_dim)),
        k_(filled(random, sizes.k_dtype, sizes.M, sizes.k_heads * sizes.head_dim)) {
    for (std::vector<float>* weight : {&q_weight_, &k_weight_}) {
      for (int64_t i = 0; i < sizes.head_dim; ++i) weight->push_back(random.bell());
    }
  }

  /** On copies, which are returned. */
  std::pair<OutputMatrix, OutputMatrix> run(ternary_runtime* runtime) const {
    std::pair<OutputMatrix, OutputMatrix> out(q_.copy(), k_.copy());
    ternary_qk_norm_operands o = {};
    o.size = sizeof o;
    o.M = sizes_.M;
    o.head_dim = sizes_.head_dim;
    o.q = heads(out.first, q_weight_, 1e-6f);
    o.k = heads(out.second, k_weight_, 1e-5f);
    EXPECT_EQ(runtime == nullptr ? ternary_oracle_qk_norm(&o) : ternary_qk_norm(runtime, &o), TERNARY_OK)
        << ternary_last_error();
    return out;
  }

 private:
  static OutputMatrix filled(Random& random, ternary_dtype dtype, int64_t rows, int64_t columns) {
    OutputMatrix matrix(dtype, rows, columns, columns + 7);
    std::vector<float> row(columns);
    for (int64_t m = 0; m < rows; ++m) {
      fill_row(random, static_cast<int>(random.integer(0, 9)), columns, row.data());
      for (int64_t i = 0; i < columns; ++i) store_any(matrix.data(), dtype, m * matrix.ld() + i, row[i]);
    }
    return matrix;
  }

  ternary_heads heads(const OutputMatrix& matrix, const std::vector<float>& weight, float eps) const {
    return {matrix.data(), matrix.ld(), matrix.columns() / sizes_.head_dim, weight.data(), eps, matrix.dtype()};
  }

  HeadSizes sizes_;
  OutputMatrix q_, k_;
  std::vector<float> q_weight_, k_weight_;
};

TEST(QkNorm, OnEveryIsaAndThreadCount) {
  const std::vector<RuntimeHandle> all = runtimes({1, 2, 8});
  Random random(36);
  for (int i = 0; i < 40; ++i) {
    const auto type = [&] { return static_cast<ternary_dtype>(random.integer(0, 2)); };
    const int64_t head_dim = random.chance(2) ? random.pick<int64_t>({64, 96, 128}) : random.integer(1, 300);
    const Heads problem(random, {i % 5 == 0 ? 90 : random.integer(1, 6), head_dim, random.integer(1, 5),
                                 random.integer(1, 5), type(), type()});
    const auto expected = problem.run(nullptr);
    for (const RuntimeHandle& runtime : all) {
      const auto got = problem.run(runtime.get());
      ASSERT_EQ(verdict(got.first, expected.first) + verdict(got.second, expected.second), "") << head_dim;
      EXPECT_EQ(std::string(ternary_last_path(runtime.get())).rfind("qk_norm.head_norm.cpu.", 0), 0u);
    }
  }
  for (const auto& [path, count] : counters_of(all.front().get()).paths) EXPECT_EQ(count, 40u) << path;
}

TEST(RowOps, InACallersFloatingPointEnvironment) {
  // Denormals that FTZ and DAZ would lose, and rounding that is not to nearest.
  Random random(37);
  const Heads heads(random, {2, 40, 2, 3, TERNARY_F32, TERNARY_BF16});
  ProblemSpec spec = random_rotation(5);
  spec.values = Values::mixed;
  const Problem problem(spec);
  OutputMatrix expected(TERNARY_F32, spec.M, spec.K, spec.K);
  ASSERT_EQ(rotate(nullptr, problem, 0, expected, false, false), TERNARY_OK) << ternary_last_error();
  const auto normed = heads.run(nullptr);
  for (const RuntimeHandle& runtime : runtimes({1, 2})) {
    for (const unsigned extra : {0x8040u, 0x6000u}) {
      OutputMatrix got(TERNARY_F32, spec.M, spec.K, spec.K);
      const unsigned before = _mm_getcsr();
      _mm_setcsr(before | extra);
      const ternary_status status = rotate(runtime.get(), problem, 0, got, false, false);
      const auto heads_got = heads.run(runtime.get());
      const unsigned after = _mm_getcsr();
      _mm_setcsr(before);
      EXPECT_EQ(status, TERNARY_OK);
      EXPECT_EQ(after & 0xffc0u, (before | extra) & 0xffc0u) << "the caller's, but for its flags";
      ASSERT_EQ(verdict(got, expected), "") << spec.text();
      ASSERT_EQ(verdict(heads_got.first, normed.first) + verdict(heads_got.second, normed.second), "");
    }
  }
}

}  // namespace
}  // namespace ternary::test
