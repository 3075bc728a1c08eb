// T3: the 27 triples and where they lie, the five patterns that are none, and products of what is largest.
#include <gtest/gtest.h>

#include <cstring>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "support/guarded_buffer.h"
#include "support/handles.h"
#include "support/operands.h"
#include "support/problem.h"
#include "ternary/ternary.h"

namespace ternary::test {
namespace {

constexpr ternary_layout kT3 = TERNARY_LAYOUT_T3_TILED;

/** Weight j of v = 9 * w0 + 3 * w1 + w2. */
int weight(int v, int64_t j) {
  const int power[] = {9, 3, 1};
  return (v + 13) / power[j] % 3 - 1;
}

GuardedBuffer repacked(const std::vector<int8_t>& w, int64_t N, int64_t K, ternary_layout layout) {
  int64_t i2s_bytes = 0, bytes = 0;
  EXPECT_EQ(ternary_layout_bytes(TERNARY_LAYOUT_I2S, N, K, &i2s_bytes), TERNARY_OK);
  EXPECT_EQ(ternary_layout_bytes(layout, N, K, &bytes), TERNARY_OK);
  GuardedBuffer i2s(i2s_bytes), codes(bytes);
  EXPECT_EQ(ternary_pack(w.data(), K, N, K, i2s.data()), TERNARY_OK);
  EXPECT_EQ(ternary_repack(i2s.data(), TERNARY_LAYOUT_I2S, N, K, codes.data(), layout), TERNARY_OK);
  return codes;
}

/** Index and sign of the triple of columns k ... k + 2, as the header writes them. */
struct Triple {
  Triple(uint8_t* codes, int64_t K, int64_t n, int64_t k) {
    const int64_t tile = n / 16 * ((K + 47) / 48) + k / 48, t = k % 48 / 3, l = t % 2, s = t / 2;
    index = codes + 160 * tile + 32 * (s / 2) + 16 * l + n % 16;
    sign = codes + 160 * tile + 128 + 16 * l + n % 16;
    index_shift = static_cast<int>(4 * (s % 2));
    sign_shift = static_cast<int>(7 - s);
  }

  int v() const { return (*sign >> sign_shift & 1 ? -1 : 1) * (*index >> index_shift & 15); }
  void set(int index_value, int sign_value) const {
    *index = static_cast<uint8_t>((*index & ~(15 << index_shift)) | index_value << index_shift);
    *sign = static_cast<uint8_t>((*sign & ~(1 << sign_shift)) | sign_value << sign_shift);
  }

  uint8_t *index, *sign;
  int index_shift, sign_shift;
};

/** What no triple of weights gives. */
const std::vector<std::pair<int, int>> kInvalid = {{14, 0}, {15, 0}, {14, 1}, {15, 1}, {0, 1}};

TEST(T3Layout, EveryTripleHasItsIndexAndSign) {
  const int64_t N = 40, K = 48 * 5 - 6;
  const auto value = [](int64_t n, int64_t t) { return static_cast<int>((7 * n + t) % 27) - 13; };
  std::vector<int8_t> w(N * K);
  for (int64_t n = 0; n < N; ++n) {
    for (int64_t k = 0; k < K; ++k) w[n * K + k] = static_cast<int8_t>(weight(value(n, k / 3), k % 3));
  }
  GuardedBuffer codes = repacked(w, N, K, kT3);
  std::set<int> values;
  for (int64_t n = 0; n < 48; ++n) {
    for (int64_t k = 0; k < 48 * 5; k += 3) {
      const int v = Triple(codes.data(), K, n, k).v();
      EXPECT_EQ(v, n < N && k < K ? value(n, k / 3) : 0) << n << ", " << k;
      values.insert(v);
    }
  }
  EXPECT_EQ(values.size(), 27u);
}

TEST(T3Layout, EveryInvalidTripleIsRejectedWithItsPlace) {
  for (const auto& [index, sign] : kInvalid) {
    for (auto [N, K] : {std::pair<int64_t, int64_t>{1, 1}, {17, 33}, {5, 70}, {16, 48}, {40, 100}}) {
      GuardedBuffer codes = repacked(std::vector<int8_t>(N * K), N, K, kT3);
      const int64_t n = (index + 7 * sign + 3) % N, k = (11 * index + sign) % K;
      Triple(codes.data(), K, n, k).set(index, sign);
      const std::string where = "row " + std::to_string(n) + ", column " + std::to_string(k / 3 * 3) + " is " +
                                std::to_string(index) + " with the sign " + std::to_string(sign);
      for (ternary_layout target : kLayouts) {
        int64_t bytes = 0;
        ASSERT_EQ(ternary_layout_bytes(target, N, K, &bytes), TERNARY_OK);
        OutputMatrix out(TERNARY_I8, 1, bytes, bytes);
        EXPECT_EQ(ternary_repack(codes.data(), kT3, N, K, static_cast<uint8_t*>(out.data()), target),
                  TERNARY_INVALID_ARGUMENT);
        EXPECT_NE(std::string(ternary_last_error()).find(where), std::string::npos) << ternary_last_error();
        EXPECT_EQ(out.anything_written(), "");
        const float alpha = 1;
        ternary_weights* weights = nullptr;
        EXPECT_EQ(ternary_weights_create(codes.data(), kT3, N, K, target, TERNARY_ALPHA_TENSOR, &alpha, 1, 0, &weights),
                  TERNARY_INVALID_ARGUMENT);
        EXPECT_NE(std::string(ternary_last_error()).find(where), std::string::npos) << ternary_last_error();
        EXPECT_EQ(weights, nullptr);
      }
    }
  }
}

TEST(T3Layout, TriplesOfPaddingAloneAreIgnored) {
  for (auto [N, K] : {std::pair<int64_t, int64_t>{1, 1}, {17, 22}, {5, 63}, {31, 100}}) {
    GuardedBuffer clean = repacked(std::vector<int8_t>(N * K), N, K, kT3);
    for (const auto& [index, sign] : kInvalid) {
      GuardedBuffer codes(clean.bytes()), out(clean.bytes());
      std::memcpy(codes.data(), clean.data(), clean.bytes());
      for (int64_t n = 0; n < (N + 15) / 16 * 16; ++n) {
        for (int64_t k = 0; k < (K + 47) / 48 * 48; k += 3) {
          if (n >= N || k >= K) Triple(codes.data(), K, n, k).set(index, sign);
        }
      }
      ASSERT_EQ(ternary_repack(codes.data(), kT3, N, K, out.data(), kT3), TERNARY_OK) << ternary_last_error();
      EXPECT_EQ(std::memcmp(out.data(), clean.data(), clean.bytes()), 0) << "padding is set on output";
    }
  }
}

constexpr int kExtremes[] = {-128, -127, -14, 0, 13, 127};

/** q of column k in row m of X: three of the extremes in turns. */
int extreme(int64_t m, int64_t k) {
  constexpr int64_t kChoices = std::size(kExtremes), kPower[] = {kChoices * kChoices, kChoices, 1};
  return kExtremes[m / kPower[k % 3] % kChoices];
}

/** Weight (n, k): a row repeats one triple, from row 27 on with the sign reversed in one of a tile's places. */
int repeated(int64_t n, int64_t k) {
  const int sign = n >= 27 && k / 3 % 16 == n % 16 ? -1 : 1;
  return sign * weight(static_cast<int>(n % 27) - 13, k % 3);
}

/** A row of W repeats one triple of weights and a row of X one of q: every table meets its largest sums as often as a
 *  tile, a chunk and a row of K can add them up. */
TEST(T3Layout, EveryTripleOfWeightsMeetsTheLargestAndSmallestQ) {
  const int64_t M = 6 * 6 * 6, N = 54, K = 4800;
  std::vector<int8_t> w(N * K), x(M * K);
  for (int64_t n = 0; n < N; ++n) {
    for (int64_t k = 0; k < K; ++k) w[n * K + k] = static_cast<int8_t>(repeated(n, k));
  }
  for (int64_t m = 0; m < M; ++m) {
    for (int64_t k = 0; k < K; ++k) x[m * K + k] = static_cast<int8_t>(extreme(m, k));
  }
  GuardedBuffer codes = repacked(w, N, K, kT3);
  const float alpha = 1;
  ternary_weights* made = nullptr;
  ASSERT_EQ(ternary_weights_create(codes.data(), kT3, N, K, kT3, TERNARY_ALPHA_TENSOR, &alpha, 1, 0, &made),
            TERNARY_OK);
  const WeightsHandle weights(made);
  const LayerHandle layer = make_layer(plain_layer(made, TERNARY_A8));
  ASSERT_NE(layer, nullptr) << ternary_last_error();
  const std::vector<float> scales(M, 1.0f);
  for (const std::string& isa : available_isas()) {
    const RuntimeHandle runtime = make_runtime("TERNARY_MAX_ISA=" + isa);
    for (const int64_t rows : {int64_t{1}, M}) {  // one row at a time, then all at once
      std::vector<float> y(M * N);
      for (int64_t m = 0; m < M; m += rows) {
        ternary_operands o = product_of(&x[m * K], TERNARY_I8, K, &y[m * N], TERNARY_F32, N, rows);
        o.x_scale = scales.data();
        ASSERT_EQ(ternary_apply(runtime.get(), layer.get(), &o), TERNARY_OK) << ternary_last_error();
      }
      for (int64_t m = 0; m < M; ++m) {
        for (int64_t n = 0; n < N; ++n) {
          int64_t sum = 0;
          for (int64_t k = 0; k < 48; ++k) sum += K / 48 * extreme(m, k) * repeated(n, k);
          ASSERT_EQ(y[m * N + n], static_cast<float>(sum)) << isa << ", row " << m << ", column " << n;
        }
      }
    }
  }
}

}  // namespace
}  // namespace ternary::test
