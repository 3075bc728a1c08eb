// bitnet.cpp's GPU packing: one word of a tile worked out by hand, and every weight of random matrices.
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "support/random.h"
#include "ternary/ternary.h"

namespace ternary::test {
namespace {

std::vector<int8_t> unpack_ladder(const std::vector<uint8_t>& packed, int64_t N, int64_t K) {
  std::vector<uint8_t> i2s(N * K / 4);
  std::vector<int8_t> w(N * K);
  EXPECT_EQ(ternary_pack_ladder(packed.data(), N, K, i2s.data()), TERNARY_OK) << ternary_last_error();
  EXPECT_EQ(ternary_unpack(i2s.data(), N, K, w.data(), K), TERNARY_OK) << ternary_last_error();
  return w;
}

TEST(Ladder, AWordByHand) {
  // A tile of zeros (code 2 everywhere: bytes 0xaa) with word 21 set. 21 = 16 + 5 is of the second half of rows, row
  // 8 + 5 = 13, and of the first 16 columns. The steps of gpu/pack_weight.py for columns 0 ... 15 of that row, weights
  //   +1 0 -1 0   0 +1 0 0   -1 -1 0 0   0 0 0 +1
  // codes w + 2 are 3 2 1 2  2 3 2 2  1 1 2 2  2 2 2 3; four a byte, column 4j + i at bits 2i of byte j:
  //   9b ae a5 ea
  // and interleaved, code e of the word to bits 8 (e mod 4) + 2 (e / 4), that is codes 0, 4, 8, 12 into byte 0:
  //   byte 0 = 3 2 1 2 = 0x9b, byte 1 = 2 3 1 2 = 0x9e, byte 2 = 1 2 2 2 = 0xa9, byte 3 = 2 2 2 3 = 0xea
  std::vector<uint8_t> packed(128, 0xaa);
  const std::array<uint8_t, 4> word = {0x9b, 0x9e, 0xa9, 0xea};
  std::copy(word.begin(), word.end(), packed.begin() + 4 * 21);
  std::vector<int8_t> expected(16 * 32, 0);
  const std::array<int8_t, 16> row = {1, 0, -1, 0, 0, 1, 0, 0, -1, -1, 0, 0, 0, 0, 0, 1};
  std::copy(row.begin(), row.end(), expected.begin() + 13 * 32);
  EXPECT_EQ(unpack_ladder(packed, 16, 32), expected);
}

TEST(Ladder, TheFirstAndTheSecondSixteenColumns) {
  // Word 8 is row 0, columns 16 ... 31; code 1 (weight -1) at its column 5: byte 5 % 4 = 1, bits 2 * (5 / 4) = 2.
  std::vector<uint8_t> packed(128, 0xaa);
  packed[4 * 8 + 1] = 0xa6;
  std::vector<int8_t> expected(16 * 32, 0);
  expected[16 + 5] = -1;
  EXPECT_EQ(unpack_ladder(packed, 16, 32), expected);
}

/** The published packing, in its own three steps: permute tiles, four codes a byte, interleave words. */
std::vector<uint8_t> pack_as_published(const std::vector<int8_t>& w, int64_t N, int64_t K) {
  std::vector<uint8_t> packed;
  for (int64_t tile_row = 0; tile_row < N; tile_row += 16) {
    for (int64_t tile_column = 0; tile_column < K; tile_column += 32) {
      for (int64_t thread = 0; thread < 32; ++thread) {
        const int64_t row = tile_row + thread / 16 * 8 + thread % 8, column = tile_column + 16 * (thread % 16 / 8);
        uint32_t plain = 0, interleaved = 0;
        for (int64_t e = 0; e < 16; ++e) plain |= static_cast<uint32_t>(w[row * K + column + e] + 2) << (2 * e);
        for (int64_t i = 0; i < 4; ++i) {
          for (int64_t j = 0; j < 4; ++j) {
            const int64_t offset = 4 * i + j;
            interleaved |= (plain >> (2 * offset) & 3) << (offset % 4 * 8 + offset / 4 * 2);
          }
        }
        for (int64_t b = 0; b < 4; ++b) packed.push_back(static_cast<uint8_t>(interleaved >> (8 * b)));
      }
    }
  }
  return packed;
}

TEST(Ladder, RandomMatrices) {
  Random random(5);
  for (const auto& [N, K] : {std::pair<int64_t, int64_t>{16, 32}, {32, 32}, {16, 96}, {48, 160}}) {
    std::vector<int8_t> w(N * K);
    for (int8_t& weight : w) weight = static_cast<int8_t>(random.integer(-1, 1));
    EXPECT_EQ(unpack_ladder(pack_as_published(w, N, K), N, K), w) << N << " x " << K;
  }
}

TEST(Ladder, WhatItRefuses) {
  std::vector<uint8_t> packed(256, 0xaa), i2s(256, 0x77);
  const auto refused = [&](int64_t N, int64_t K, const uint8_t* source, const std::string& words) {
    EXPECT_EQ(ternary_pack_ladder(source, N, K, i2s.data()), TERNARY_INVALID_ARGUMENT);
    EXPECT_NE(std::string(ternary_last_error()).find(words), std::string::npos) << ternary_last_error();
    EXPECT_EQ(i2s, std::vector<uint8_t>(256, 0x77));
  };
  refused(8, 32, packed.data(), "N is 8; the ladder packing has multiples of 16");
  refused(16, 48, packed.data(), "K is 48; the ladder packing has multiples of 32");
  refused(0, 32, packed.data(), "N is 0");
  refused(16, 32, nullptr, "packed is null");
  refused(16, 32, i2s.data() + 1, "overlaps");
  packed[128 + 4 * 21 + 1] = 0xa2;  // tile 1, word 21: row 13; code 4 + 1 of it: column 32 + 5
  refused(16, 64, packed.data(), "row 13, column 37 is 0");
}

}  // namespace
}  // namespace ternary::test
