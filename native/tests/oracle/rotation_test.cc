// The oracle's rotations and norms of heads: values by hand, and the butterflies written a second time.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "abi/dtype.h"
#include "core/product/oracle.h"
#include "support/random.h"

namespace ternary::test {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
using Floats = std::vector<float>;

Floats rotated(const Floats& x, int64_t rotation, const Floats& signs, bool inverse) {
  Floats y(x.size());
  RotateTask task = {};
  task.x = x.data();
  task.rotation = rotation;
  task.signs = signs.empty() ? nullptr : signs.data();
  task.inverse = inverse;
  task.K = static_cast<int64_t>(x.size());
  task.y = y.data();
  oracle::rotate(task, 1);
  return y;
}

TEST(OracleRotation, OfOneColumnIsAColumnOfTheMatrix) {
  for (const auto& [rotation, factor] : {std::pair(32, 0x1.6a09e6p-3f), std::pair(64, 0x1p-3f),
                                         std::pair(2048, 0x1.6a09e6p-6f), std::pair(4096, 0x1p-6f)}) {
    for (int64_t column = 0; column < rotation; column += column < 40 ? 1 : 97) {
      Floats x(2 * rotation, 0.0f);
      x[rotation + column] = 1;
      const Floats y = rotated(x, rotation, {}, false);
      for (int64_t i = 0; i < rotation; ++i) {
        ASSERT_EQ(y[i], 0) << "the other run";
        ASSERT_EQ(y[rotation + i], __builtin_parityl(i & column) ? -factor : factor) << rotation << ": " << i;
      }
    }
  }
}

/** Butterflies of the halves first, then those between them: the order of the strides, written as a recursion. */
void second_hadamard(float* v, int64_t count) {
  if (count == 1) return;
  const int64_t half = count / 2;
  second_hadamard(v, half);
  second_hadamard(v + half, half);
  for (int64_t i = 0; i < half; ++i) {
    const float a = v[i], b = v[i + half];
    v[i] = a + b;
    v[i + half] = a - b;
  }
}

TEST(OracleRotation, RoundsInTheOrderOfTheStrides) {
  Random random(18);
  for (int64_t rotation = 32; rotation <= 4096; rotation *= 2) {
    Floats x(rotation), signs(rotation);
    for (float& value : x) value = random.bell();
    for (float& sign : signs) sign = random.chance(2) ? 1.0f : -1.0f;
    const auto factor = static_cast<float>(1 / std::sqrt(static_cast<double>(rotation)));
    Floats forward(rotation), inverse = x;
    for (int64_t k = 0; k < rotation; ++k) forward[k] = signs[k] * x[k];
    second_hadamard(forward.data(), rotation);
    second_hadamard(inverse.data(), rotation);
    for (int64_t k = 0; k < rotation; ++k) {
      forward[k] = forward[k] * factor;
      inverse[k] = signs[k] * (inverse[k] * factor);
    }
    EXPECT_EQ(rotated(x, rotation, signs, false), forward) << rotation;
    EXPECT_EQ(rotated(x, rotation, signs, true), inverse) << rotation;
  }
}

TEST(OracleRotation, TheInverseUndoesIt) {
  Random random(19);
  for (const int64_t rotation : {64, 256, 4096}) {  // whole numbers times powers of two: exact
    Floats x(3 * rotation), signs(3 * rotation);
    for (float& value : x) value = static_cast<float>(random.integer(-100, 100));
    for (float& sign : signs) sign = random.chance(2) ? 1.0f : -1.0f;
    EXPECT_EQ(rotated(rotated(x, rotation, signs, false), rotation, signs, true), x) << rotation;
    EXPECT_NE(rotated(rotated(x, rotation, signs, true), rotation, signs, true), x) << rotation;
  }
}

TEST(OracleRotation, StandsBetweenTheNormAndColumnAlpha) {
  constexpr int64_t K = 64;
  Random random(20);
  Floats x(K), weight(K), signs(K), alpha(K);
  for (int64_t k = 0; k < K; ++k) {
    x[k] = random.bell(), weight[k] = random.positive(), alpha[k] = random.positive();
    signs[k] = random.chance(2) ? 1.0f : -1.0f;
  }
  const auto run = [&](const Floats& from, auto set) {
    Floats f(K);
    ActivationTask task = {};
    task.x = from.data();
    task.K = task.padded = K;
    task.f = f.data();
    set(task);
    oracle::activations(task, 1);
    return f;
  };
  const auto norm = [&](ActivationTask& t) { t.norm_weight = weight.data(), t.eps = 1e-5f; };
  const auto rotate = [&](ActivationTask& t) { t.rotation = 32, t.signs = signs.data(); };
  const auto scale = [&](ActivationTask& t) { t.alpha_column = alpha.data(); };
  const Floats all = run(x, [&](ActivationTask& t) { norm(t), rotate(t), scale(t); });
  EXPECT_EQ(all, run(run(run(x, norm), rotate), scale));
  EXPECT_EQ(run(x, rotate), rotated(x, 32, signs, false));
}

TEST(OracleHeadNorm, IsOfEachHeadAlone) {
  Floats data = {2, 2, 2, 2, 0, 0, 0, 0, kInfinity, 1, 1, 1, -7};  // three heads of four, and a gap
  const Floats weight = {3, 1, -1, 0};
  oracle::head_norm({data.data(), TERNARY_F32, 13, 3, 4, weight.data(), 5.0f}, 1);
  const float third = 2 * (1.0f / 3.0f);  // 1 / sqrt(4 + 5)
  EXPECT_EQ(data[0], third * 3);
  EXPECT_EQ(data[1], third);
  EXPECT_EQ(data[2], -third);
  for (size_t i = 3; i < 8; ++i) EXPECT_EQ(data[i], 0) << i;
  for (size_t i = 8; i < 12; ++i) EXPECT_TRUE(std::isnan(data[i])) << i;
  EXPECT_EQ(data[12], -7);
}

TEST(OracleHeadNorm, HasItsStrideAndRoundsOnce) {
  std::vector<uint16_t> data(7, 0xffff);  // two rows of one head of two, a gap between them
  for (const size_t row : {size_t{0}, size_t{5}}) data[row] = float_to_bf16(1), data[row + 1] = float_to_bf16(3);
  const Floats weight = {1.0f / 3, 2};
  oracle::head_norm({data.data(), TERNARY_BF16, 5, 1, 2, weight.data(), 4.0f}, 2);  // 1 / sqrt(5 + 4)
  for (const size_t row : {size_t{0}, size_t{5}}) {
    EXPECT_EQ(data[row], float_to_bf16(1.0f / 3 * (1.0f / 3)));
    EXPECT_EQ(data[row + 1], float_to_bf16(3 * (1.0f / 3) * 2));
  }
  for (size_t i = 2; i < 5; ++i) EXPECT_EQ(data[i], 0xffff);
}

}  // namespace
}  // namespace ternary::test
