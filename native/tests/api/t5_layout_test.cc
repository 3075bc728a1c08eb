// T5: the 243 bytes and their codes, and the 13 bytes that are none.
#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "support/guarded_buffer.h"
#include "support/handles.h"
#include "ternary/ternary.h"

namespace ternary::test {
namespace {

constexpr int kPowerOf3[] = {81, 27, 9, 3, 1};

/** The bytes that no five codes give. */
std::set<int> invalid_bytes() {
  std::set<int> bytes;
  for (int byte = 0; byte < 256; ++byte) bytes.insert(byte);
  for (int v = 0; v < 243; ++v) bytes.erase((v * 256 + 242) / 243);
  return bytes;
}

/** [N, K] zero weights in T5. */
GuardedBuffer zeros(int64_t N, int64_t K) {
  int64_t i2s_bytes = 0, bytes = 0;
  EXPECT_EQ(ternary_layout_bytes(TERNARY_LAYOUT_I2S, N, K, &i2s_bytes), TERNARY_OK);
  EXPECT_EQ(ternary_layout_bytes(TERNARY_LAYOUT_T5_TILED, N, K, &bytes), TERNARY_OK);
  GuardedBuffer i2s(i2s_bytes), codes(bytes);
  std::memset(i2s.data(), 0x55, i2s.bytes());
  EXPECT_EQ(ternary_repack(i2s.data(), TERNARY_LAYOUT_I2S, N, K, codes.data(), TERNARY_LAYOUT_T5_TILED), TERNARY_OK);
  return codes;
}

TEST(T5Layout, EveryFiveCodesHaveTheirByte) {
  // Row n holds v = 16 * tile + n in the columns j, 4 + j, ..., for each of the four places j.
  const int64_t N = 16, K = 20 * 16;
  std::vector<int8_t> w(N * K);
  const auto value = [](int64_t n, int64_t tile, int64_t j) {
    return static_cast<int>((16 * tile + n + 61 * j) % 243);
  };
  for (int64_t n = 0; n < N; ++n) {
    for (int64_t k = 0; k < K; ++k) {
      w[n * K + k] = static_cast<int8_t>(value(n, k / 20, k % 4) / kPowerOf3[k % 20 / 4] % 3 - 1);
    }
  }
  GuardedBuffer i2s(N * K / 4), codes(N / 16 * K / 20 * 64), back(N * K / 4);
  ASSERT_EQ(ternary_pack(w.data(), K, N, K, i2s.data()), TERNARY_OK);
  ASSERT_EQ(ternary_repack(i2s.data(), TERNARY_LAYOUT_I2S, N, K, codes.data(), TERNARY_LAYOUT_T5_TILED), TERNARY_OK);
  std::set<int> bytes;
  for (int64_t tile = 0; tile < K / 20; ++tile) {
    for (int64_t n = 0; n < N; ++n) {
      for (int64_t j = 0; j < 4; ++j) {
        const int byte = codes.data()[64 * tile + 4 * n + j];
        EXPECT_EQ(byte, (value(n, tile, j) * 256 + 242) / 243);
        bytes.insert(byte);
        int x = byte;  // the digits as the header writes them
        for (int i = 0; i < 5; ++i, x = 3 * x % 256) EXPECT_EQ(3 * x >> 8, w[n * K + 20 * tile + 4 * i + j] + 1);
      }
    }
  }
  EXPECT_EQ(bytes.size(), 243u);
  ASSERT_EQ(ternary_repack(codes.data(), TERNARY_LAYOUT_T5_TILED, N, K, back.data(), TERNARY_LAYOUT_I2S), TERNARY_OK);
  EXPECT_EQ(std::memcmp(back.data(), i2s.data(), i2s.bytes()), 0);
}

TEST(T5Layout, EveryInvalidByteIsRejectedWithItsPlace) {
  ASSERT_EQ(invalid_bytes().size(), 13u);
  for (const int byte : invalid_bytes()) {
    for (auto [N, K] : {std::pair<int64_t, int64_t>{1, 1}, {17, 33}, {5, 70}, {16, 20}, {40, 43}}) {
      GuardedBuffer codes = zeros(N, K);
      const int64_t n = (byte * 7) % N, k = (byte * 11) % K, tile = n / 16 * ((K + 19) / 20) + k / 20;
      codes.data()[64 * tile + 4 * (n % 16) + k % 4] = static_cast<uint8_t>(byte);
      const std::string where = "row " + std::to_string(n) + ", column " + std::to_string(k / 20 * 20 + k % 4) +
                                " is " + std::to_string(byte);
      for (ternary_layout target : kLayouts) {
        int64_t bytes = 0;
        ASSERT_EQ(ternary_layout_bytes(target, N, K, &bytes), TERNARY_OK);
        OutputMatrix out(TERNARY_I8, 1, bytes, bytes);
        EXPECT_EQ(
            ternary_repack(codes.data(), TERNARY_LAYOUT_T5_TILED, N, K, static_cast<uint8_t*>(out.data()), target),
            TERNARY_INVALID_ARGUMENT);
        EXPECT_NE(std::string(ternary_last_error()).find(where), std::string::npos) << ternary_last_error();
        EXPECT_EQ(out.anything_written(), "");
        const float alpha = 1;
        ternary_weights* weights = nullptr;
        EXPECT_EQ(ternary_weights_create(codes.data(), TERNARY_LAYOUT_T5_TILED, N, K, target, TERNARY_ALPHA_TENSOR,
                                         &alpha, 1, 0, &weights),
                  TERNARY_INVALID_ARGUMENT);
        EXPECT_NE(std::string(ternary_last_error()).find(where), std::string::npos) << ternary_last_error();
        EXPECT_EQ(weights, nullptr);
      }
    }
  }
}

TEST(T5Layout, BytesOfPaddingAloneAreIgnored) {
  for (auto [N, K] : {std::pair<int64_t, int64_t>{1, 1}, {17, 22}, {5, 63}, {31, 40}}) {
    const GuardedBuffer clean = zeros(N, K);
    const int64_t tiles = (K + 19) / 20;
    for (const int byte : invalid_bytes()) {
      GuardedBuffer codes(clean.bytes()), out(clean.bytes());
      std::memcpy(codes.data(), clean.data(), clean.bytes());
      for (int64_t b = 0; b < codes.bytes(); ++b) {
        const int64_t n = b / 64 / tiles * 16 + b % 64 / 4, first_column = b / 64 % tiles * 20 + b % 4;
        if (n >= N || first_column >= K) codes.data()[b] = static_cast<uint8_t>(byte);
      }
      ASSERT_EQ(ternary_repack(codes.data(), TERNARY_LAYOUT_T5_TILED, N, K, out.data(), TERNARY_LAYOUT_T5_TILED),
                TERNARY_OK)
          << ternary_last_error();
      EXPECT_EQ(std::memcmp(out.data(), clean.data(), clean.bytes()), 0) << "padding is set on output";
    }
  }
}

}  // namespace
}  // namespace ternary::test
