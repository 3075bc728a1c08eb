// Every kernel that rotates rows, every one that normalises heads, and every one of gates, against the oracle: same bits,
// and nothing written outside.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "abi/dtype.h"
#include "core/product/gate.h"
#include "core/product/oracle.h"
#include "support/backend_rows.h"
#include "support/problem.h"

namespace ternary::test {
namespace {

/** A matrix of any type with rows of all kinds: denormals, NaN, infinities, zeros. */
OutputMatrix random_matrix(Random& random, ternary_dtype dtype, int64_t rows, int64_t columns, int64_t ld) {
  OutputMatrix matrix(dtype, rows, columns, ld);
  std::vector<float> row(columns);
  for (int64_t m = 0; m < rows; ++m) {
    fill_row(random, static_cast<int>(random.integer(0, 9)), columns, row.data());
    if (random.chance(2)) vary_blocks(random, 32, columns, row.data());
    for (int64_t k = 0; k < columns; ++k) store_any(matrix.data(), dtype, m * ld + k, row[k]);
  }
  return matrix;
}

GuardedBuffer random_floats(Random& random, int64_t count, bool signs) {
  GuardedBuffer buffer(count * static_cast<int64_t>(sizeof(float)));
  for (int64_t i = 0; i < count; ++i) buffer.as<float>()[i] = signs ? (random.chance(2) ? 1.0f : -1.0f) : random.bell();
  buffer.make_read_only();
  return buffer;
}

/** Empty if rows m_begin ... m_end, and nothing else, hold the oracle's bits. `got` was poison, or full if in place. */
std::string verdict(const OutputMatrix& got, const OutputMatrix& expected, int64_t m_begin, int64_t m_end,
                    bool in_place) {
  const Part part{m_begin, m_end, 0, got.columns()};
  const std::string outside = got.outside_written(in_place ? got.whole() : part);
  return outside.empty() ? got.difference(expected, part) : outside;
}

struct Rotation {
  int64_t M, K, rotation;
  ternary_dtype x_dtype, y_dtype;
  bool signs, inverse, in_place;
  uint64_t seed;
};

void check_rotation(const Rotation& r) {
  Random random(r.seed);
  const int64_t ldx = r.K + random.integer(0, 5), ldy = r.in_place ? ldx : r.K + random.integer(0, 5);
  const OutputMatrix x = random_matrix(random, r.x_dtype, r.M, r.K, ldx);
  const GuardedBuffer signs = random_floats(random, r.K, true), scale = random_floats(random, r.M, false);
  const auto task_for = [&](const OutputMatrix& y) {
    RotateTask task = {};
    task.x = r.in_place ? y.data() : x.data();
    task.x_dtype = r.x_dtype;
    task.ldx = ldx;
    if (r.x_dtype == TERNARY_F8_E4M3) task.x_scale = scale.as<float>();
    task.rotation = r.rotation;
    if (r.signs) task.signs = signs.as<float>();
    task.inverse = r.inverse;
    task.K = r.K;
    task.y = y.data();
    task.y_dtype = r.y_dtype;
    task.ldy = ldy;
    return task;
  };
  const auto output = [&] { return r.in_place ? x.copy() : OutputMatrix(r.y_dtype, r.M, r.K, ldy); };
  const OutputMatrix expected = output();
  oracle::rotate(task_for(expected), r.M);
  for (const Kernel* kernel : runnable_rows(Stage::rotate)) {
    const std::string what = std::string(kernel->file) + ", rotation " + std::to_string(r.rotation) + " of K " +
                             std::to_string(r.K) + ", seed " + std::to_string(r.seed);
    set_crash_note(what);
    const OutputMatrix whole = output(), part = output();
    call_rotate(*kernel, task_for(whole), 0, r.M);
    ASSERT_EQ(verdict(whole, expected, 0, r.M, r.in_place), "") << what;
    const int64_t begin = random.integer(0, r.M - 1), end = random.integer(begin + 1, r.M);
    call_rotate(*kernel, task_for(part), begin, end);
    ASSERT_EQ(verdict(part, expected, begin, end, r.in_place), "") << what << ", a part";
  }
}

TEST(RotateKernels, EveryRotationInEveryTypeAndDirection) {
  ASSERT_GE(runnable_rows(Stage::rotate).size(), 1u);
  uint64_t seed = 1;
  for (int64_t rotation = 32; rotation <= 4096; rotation *= 2) {
    for (const int64_t runs : {1, 3}) {
      for (int x_type = 0; x_type < 4; ++x_type) {
        for (int y_type = 0; y_type < 3; ++y_type) {
          for (const bool inverse : {false, true}) {
            const bool in_place = x_type == y_type && seed % 2 == 0;
            check_rotation({4, runs * rotation, rotation, static_cast<ternary_dtype>(x_type),
                            static_cast<ternary_dtype>(y_type), seed % 3 != 0, inverse, in_place, seed});
            ++seed;
            if (HasFatalFailure()) return;
          }
        }
      }
    }
  }
}

struct Heads {
  int64_t M, heads, head_dim;
  ternary_dtype dtype;
  uint64_t seed;
};

void check_heads(const Heads& h) {
  Random random(h.seed);
  const int64_t columns = h.heads * h.head_dim, ld = columns + random.integer(0, 5);
  const OutputMatrix data = random_matrix(random, h.dtype, h.M, columns, ld);
  const GuardedBuffer weight = random_floats(random, h.head_dim, false);
  const auto task_for = [&](const OutputMatrix& matrix) {
    return HeadNormTask{matrix.data(), h.dtype, ld, h.heads, h.head_dim, weight.as<float>(), 1e-6f};
  };
  const OutputMatrix expected = data.copy();
  oracle::head_norm(task_for(expected), h.M);
  for (const Kernel* kernel : runnable_rows(Stage::head_norm)) {
    const std::string what = std::string(kernel->file) + ", " + std::to_string(h.heads) + " heads of " +
                             std::to_string(h.head_dim) + ", seed " + std::to_string(h.seed);
    set_crash_note(what);
    const OutputMatrix got = data.copy();
    const int64_t begin = random.integer(0, h.M - 1), end = random.integer(begin + 1, h.M);
    call_head_norm(*kernel, task_for(got), begin, end);
    ASSERT_EQ(verdict(got, expected, begin, end, true), "") << what;
    for (const auto& [from, to] : {std::pair(int64_t{0}, begin), std::pair(end, h.M)}) {
      ASSERT_EQ(got.difference(data, {from, to, 0, columns}), "") << what << ", other rows";
    }
  }
}

TEST(HeadNormKernels, EverySizeInEveryType) {
  ASSERT_GE(runnable_rows(Stage::head_norm).size(), 1u);
  uint64_t seed = 1;
  for (int64_t head_dim = 1; head_dim <= 700; head_dim += head_dim < 70 ? 1 : 29) {
    for (int type = 0; type < 3; ++type) {
      check_heads({5, 1 + static_cast<int64_t>(seed % 4), head_dim, static_cast<ternary_dtype>(type), seed});
      ++seed;
      if (HasFatalFailure()) return;
    }
  }
  for (const int64_t head_dim : {64, 96, 128, 256, 4096}) {
    check_heads({3, 8, head_dim, TERNARY_BF16, seed++});
    if (HasFatalFailure()) return;
  }
}

struct Gates {
  int64_t M, I;
  ternary_gate_order order;
  ternary_gate_function function;
  ternary_dtype round_gate_up, round_activation, round_product;
  uint64_t seed;
};

void check_gates(const Gates& g) {
  Random random(g.seed);
  const int64_t ld_in = 2 * g.I + random.integer(0, 5), ldh = g.I + random.integer(0, 5);
  const OutputMatrix in = random_matrix(random, TERNARY_F32, g.M, 2 * g.I, ld_in);
  const OutputMatrix other = random_matrix(random, TERNARY_F32, g.M, 2 * g.I, ld_in);
  const OutputMatrix& up_in = g.seed % 3 == 0 ? other : in;
  const auto task_for = [&](const OutputMatrix& h) {
    return GateTask{static_cast<const float*>(in.data()),
                    static_cast<const float*>(up_in.data()),
                    ld_in,
                    g.order,
                    g.function,
                    g.seed % 2 == 0 ? 7.0f : 0.25f,
                    g.round_gate_up,
                    g.round_activation,
                    g.round_product,
                    g.I,
                    static_cast<float*>(h.data()),
                    ldh};
  };
  const OutputMatrix expected(TERNARY_F32, g.M, g.I, ldh);
  oracle::gate(task_for(expected), g.M);
  for (const Kernel* kernel : runnable_rows(Stage::gate)) {
    const OutputMatrix got(TERNARY_F32, g.M, g.I, ldh);
    const int64_t begin = random.integer(0, g.M - 1), end = random.integer(begin + 1, g.M);
    call_gate(*kernel, task_for(got), begin, end);
    ASSERT_EQ(verdict(got, expected, begin, end, false), "")
        << kernel->file << ", I " << g.I << ", order " << g.order << ", function " << g.function << ", rounded to "
        << g.round_gate_up << ' ' << g.round_activation << ' ' << g.round_product << ", seed " << g.seed;
  }
}

/** Calls check({order, function, three roundings}) for every combination. */
template <class Check>
void for_gates(Check check) {
  for (const auto order : {TERNARY_GATE_UP, TERNARY_UP_GATE, TERNARY_INTERLEAVED}) {
    for (const auto function : {TERNARY_SILU, TERNARY_SILU_CLAMP, TERNARY_RELU2, TERNARY_GELU}) {
      for (const auto first : {TERNARY_F32, TERNARY_F16, TERNARY_BF16}) {
        for (const auto second : {TERNARY_F32, TERNARY_F16, TERNARY_BF16}) {
          for (const auto third : {TERNARY_F32, TERNARY_F16, TERNARY_BF16}) {
            check(Gates{4, 0, order, function, first, second, third, 0});
            if (testing::Test::HasFatalFailure()) return;
          }
        }
      }
    }
  }
}

TEST(GateKernels, EveryOrderFunctionAndRoundingAtEveryTail) {
  ASSERT_GE(runnable_rows(Stage::gate).size(), 1u);
  uint64_t seed = 1;
  for_gates([&](Gates gates) {
    for (gates.I = 1; gates.I <= 34; ++gates.I) {
      gates.seed = seed++;
      check_gates(gates);
      if (HasFatalFailure()) return;
    }
    gates.I = 768 + static_cast<int64_t>(seed % 5);
    gates.seed = seed++;
    check_gates(gates);
  });
}

}  // namespace
}  // namespace ternary::test
