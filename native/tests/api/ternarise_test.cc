// ternarise beyond the golden vectors: order of summation, ties, strides, types, and bad input.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "support/guarded_buffer.h"
#include "support/problem.h"
#include "ternary/ternary.h"

namespace ternary::test {
namespace {

struct Ternarised {
  std::vector<int8_t> w;
  std::vector<float> alpha;
};

Ternarised ternarise(const std::vector<float>& dense, int64_t N, int64_t K, ternary_ternarise_method method,
                     ternary_alpha_kind kind, int64_t group = 0) {
  const int64_t counts[] = {1, N, K, group == 0 ? 0 : N * ((K + group - 1) / group)};
  std::vector<uint8_t> i2s(N * ((K + 3) / 4));
  Ternarised t{std::vector<int8_t>(N * K), std::vector<float>(counts[kind])};
  const ternary_status status =
      ternary_ternarise(dense.data(), TERNARY_F32, K, N, K, method, kind, group, i2s.data(), t.alpha.data());
  EXPECT_EQ(status, TERNARY_OK) << ternary_last_error();
  EXPECT_EQ(ternary_unpack(i2s.data(), N, K, t.w.data(), K), TERNARY_OK);
  return t;
}

TEST(Ternarise, AbsmeanRoundsTiesToEven) {
  // mean|w| is 2, so 1 is a tie (to 0), 3 a tie between 1 and 2 (to 2, clamped to 1).
  const Ternarised exact = ternarise({1, -1, 3, -3}, 1, 4, TERNARY_ABSMEAN, TERNARY_ALPHA_ROW);
  EXPECT_EQ(exact.alpha, std::vector<float>({2}));
  EXPECT_EQ(exact.w, std::vector<int8_t>({0, 0, 1, -1}));
}

TEST(Ternarise, AbsmeanHasAFloorAndThresholdHasNone) {
  const std::vector<float> zeros(8, 0.0f);
  EXPECT_EQ(ternarise(zeros, 2, 4, TERNARY_ABSMEAN, TERNARY_ALPHA_ROW).alpha, std::vector<float>(2, 1e-5f));
  const Ternarised none = ternarise(zeros, 2, 4, TERNARY_THRESHOLD, TERNARY_ALPHA_ROW);
  EXPECT_EQ(none.alpha, std::vector<float>(2, 0.0f));
  EXPECT_EQ(none.w, std::vector<int8_t>(8, 0));
}

TEST(Ternarise, ThresholdKeepsWhatIsAboveAndAveragesIt) {
  // Column 0: mean 2.5, limit 1.75: keeps 4, 4; column 1: all equal, all kept.
  const Ternarised t = ternarise({4, 1, -4, -1, 1, 1, -1, 1}, 4, 2, TERNARY_THRESHOLD, TERNARY_ALPHA_COLUMN);
  EXPECT_EQ(t.alpha, std::vector<float>({4, 1}));
  EXPECT_EQ(t.w, std::vector<int8_t>({1, 1, -1, -1, 0, 1, 0, 1}));
}

TEST(Ternarise, ThresholdDropsWhatLiesOnTheLimit) {
  const std::vector<float> dense = {7, -13};
  ASSERT_EQ(0.7 * 10, 7.0) << "the limit is exactly the first weight";
  const Ternarised t = ternarise(dense, 1, 2, TERNARY_THRESHOLD, TERNARY_ALPHA_TENSOR);
  EXPECT_EQ(t.alpha, std::vector<float>({13}));
  EXPECT_EQ(t.w, std::vector<int8_t>({0, -1}));
}

TEST(Ternarise, SumsAscendInDouble) {
  // 2^53 + 2^29 is the middle between two floats, and each 1 after it is lost: ascending, alpha rounds to the even one
  // below. In any other order the ones add up first and alpha rounds up.
  std::vector<float> dense(1024, 1.0f);
  dense[0] = 0x1p53f;
  dense[1] = 0x1p29f;
  EXPECT_EQ(ternarise(dense, 1, 1024, TERNARY_ABSMEAN, TERNARY_ALPHA_TENSOR).alpha[0], 0x1p43f);
  EXPECT_EQ(ternarise(dense, 1024, 1, TERNARY_ABSMEAN, TERNARY_ALPHA_COLUMN).alpha[0], 0x1p43f);
  // fp32 would lose the small ones here, double does not.
  std::vector<float> small(4097, 1.0f);
  small[0] = 0x1p24f;
  EXPECT_EQ(ternarise(small, 1, 4097, TERNARY_ABSMEAN, TERNARY_ALPHA_TENSOR).alpha[0],
            static_cast<float>((0x1p24 + 4096) / 4097));
}

TEST(Ternarise, StridesAndTypesGiveTheSameCodes) {
  Random random(21);
  const int64_t N = 6, K = 75, ld = 80;
  for (ternary_dtype dtype : {TERNARY_F32, TERNARY_F16, TERNARY_BF16}) {
    const int64_t element = dtype == TERNARY_F32 ? 4 : 2;
    GuardedBuffer dense(N * K * element), strided(((N - 1) * ld + K) * element);
    std::memset(strided.data(), 0xff, strided.bytes());  // NaN in the gaps
    for (int64_t n = 0; n < N; ++n) {
      for (int64_t k = 0; k < K; ++k) {
        const float value = static_cast<float>(random.integer(-64, 64)) / 32;  // exact in every type
        store_any(dense.data(), dtype, n * K + k, value);
        store_any(strided.data(), dtype, n * ld + k, value);
      }
    }
    GuardedBuffer a(N * 19), b(N * 19), alpha_a(N * 3 * 4), alpha_b(N * 3 * 4);
    ASSERT_EQ(ternary_ternarise(dense.data(), dtype, K, N, K, TERNARY_ABSMEAN, TERNARY_ALPHA_GROUP, 32, a.data(),
                                alpha_a.as<float>()),
              TERNARY_OK)
        << ternary_last_error();
    ASSERT_EQ(ternary_ternarise(strided.data(), dtype, ld, N, K, TERNARY_ABSMEAN, TERNARY_ALPHA_GROUP, 32, b.data(),
                                alpha_b.as<float>()),
              TERNARY_OK)
        << ternary_last_error();
    EXPECT_EQ(std::memcmp(a.data(), b.data(), a.bytes()), 0);
    EXPECT_EQ(std::memcmp(alpha_a.data(), alpha_b.data(), alpha_a.bytes()), 0);
  }
}

TEST(Ternarise, NonFiniteWeightsAreNamedAndNothingIsWritten) {
  for (float bad : {NAN, INFINITY, -INFINITY}) {
    std::vector<float> dense(3 * 7, 0.5f);
    dense[2 * 7 + 4] = bad;
    OutputMatrix i2s(TERNARY_I8, 3, 2, 2), alpha(TERNARY_F32, 1, 1, 1);
    EXPECT_EQ(ternary_ternarise(dense.data(), TERNARY_F32, 7, 3, 7, TERNARY_ABSMEAN, TERNARY_ALPHA_TENSOR, 0,
                                static_cast<uint8_t*>(i2s.data()), static_cast<float*>(alpha.data())),
              TERNARY_INVALID_ARGUMENT);
    EXPECT_NE(std::string(ternary_last_error()).find("row 2, column 4"), std::string::npos) << ternary_last_error();
    EXPECT_EQ(i2s.anything_written(), "");
    EXPECT_EQ(alpha.anything_written(), "");
  }
}

}  // namespace
}  // namespace ternary::test
