// pack, unpack, repack and the published BitNet packing: round trips over every small shape, bytes by formula, code 3.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "abi/layout.h"
#include "support/guarded_buffer.h"
#include "support/handles.h"
#include "support/random.h"
#include "ternary/ternary.h"

namespace ternary::test {
namespace {

int64_t bytes_of(ternary_layout layout, int64_t N, int64_t K) {
  int64_t bytes = -1;
  EXPECT_EQ(ternary_layout_bytes(layout, N, K, &bytes), TERNARY_OK) << ternary_last_error();
  return bytes;
}

/** Where the header says that a code lives, maybe in the padding: the byte, and which of its codes. Of T3 the byte of the
 *  index, that of the sign and their bits too. */
struct Place {
  ternary_layout layout;
  int64_t byte, code;
  int64_t sign_byte = 0;
  int shift = 0, sign_shift = 0;
};

Place place(ternary_layout layout, int64_t K, int64_t n, int64_t k) {
  if (layout == TERNARY_LAYOUT_I2S) return {layout, n * ((K + 3) / 4) + k / 4, k % 4};
  const auto& [value, name, words, encoding, rows, columns, bytes] = traits(layout);
  const int64_t tile = n / rows * ((K + columns - 1) / columns) + k / columns;
  if (encoding == Encoding::t3) {
    const int64_t step = k % 48 / 6, lane = k % 6 / 3, row = 160 * tile + 16 * lane + n % 16;
    return {layout, row + 32 * (step / 2), k % 3, row + 128, step % 2 == 0 ? 0 : 4, static_cast<int>(7 - step)};
  }
  return {layout, bytes * tile + 4 * (n % rows) + k % 4, k % columns / 4};
}

bool is_t5(ternary_layout layout) { return traits(layout).encoding == Encoding::t5; }
bool is_t3(ternary_layout layout) { return traits(layout).encoding == Encoding::t3; }

constexpr int kPowerOf3[] = {81, 27, 9, 3, 1};

/** The three codes of T3 as a number of three base-3 digits, 13 for weights 0. */
int t3_value(const uint8_t* codes, const Place& p) {
  const int index = codes[p.byte] >> p.shift & 15;
  return 13 + (codes[p.sign_byte] >> p.sign_shift & 1 ? -index : index);
}

void set_t3_value(uint8_t* codes, const Place& p, int value) {
  uint8_t &index = codes[p.byte], &sign = codes[p.sign_byte];
  index = static_cast<uint8_t>((index & ~(15 << p.shift)) | std::abs(value - 13) << p.shift);
  sign = static_cast<uint8_t>((sign & ~(1 << p.sign_shift)) | (value < 13) << p.sign_shift);
}

/** v of a valid T5 byte. */
int t5_value(uint8_t byte) { return byte * 243 / 256; }

int code_at(const uint8_t* codes, const Place& p) {
  if (is_t5(p.layout)) return t5_value(codes[p.byte]) / kPowerOf3[p.code] % 3;
  if (is_t3(p.layout)) return t3_value(codes, p) / kPowerOf3[p.code + 2] % 3;
  return codes[p.byte] >> (2 * p.code) & 3;
}

/** A code 0 to 2, for I2S also 3. */
void set_code(uint8_t* codes, const Place& p, int code) {
  uint8_t& byte = codes[p.byte];
  if (is_t3(p.layout)) {
    set_t3_value(codes, p, t3_value(codes, p) + (code - code_at(codes, p)) * kPowerOf3[p.code + 2]);
  } else if (is_t5(p.layout)) {
    const int v = t5_value(byte) + (code - code_at(codes, p)) * kPowerOf3[p.code];
    byte = static_cast<uint8_t>((v * 256 + 242) / 243);
  } else {
    byte = static_cast<uint8_t>((byte & ~(3 << (2 * p.code))) | code << (2 * p.code));
  }
}

std::vector<int8_t> random_weights(Random& random, int64_t count) {
  std::vector<int8_t> w(count);
  for (int8_t& value : w) value = static_cast<int8_t>(random.integer(-1, 1));
  return w;
}

/** Rows and columns including the padding that the layout stores. */
int64_t stored_rows(ternary_layout layout, int64_t N) { return round_up(N, traits(layout).rows); }
int64_t stored_columns(ternary_layout layout, int64_t K) { return round_up(K, traits(layout).columns); }

void check_codes(const uint8_t* codes, ternary_layout layout, int64_t N, int64_t K, const std::vector<int8_t>& w) {
  for (int64_t n = 0; n < stored_rows(layout, N); ++n) {
    for (int64_t k = 0; k < stored_columns(layout, K); ++k) {
      const int expected = n < N && k < K ? w[n * K + k] + 1 : 1;
      ASSERT_EQ(code_at(codes, place(layout, K, n, k)), expected)
          << N << "x" << K << " layout " << layout << " at " << n << "," << k;
    }
  }
}

/** Packs, then repacks from every layout to every layout and looks at every code. */
void round_trip(Random& random, int64_t N, int64_t K) {
  const std::vector<int8_t> w = random_weights(random, N * K);
  ASSERT_EQ(bytes_of(TERNARY_LAYOUT_I2S, N, K), N * ((K + 3) / 4));
  ASSERT_EQ(bytes_of(TERNARY_LAYOUT_I2S_TILED, N, K), (N + 15) / 16 * ((K + 15) / 16) * 64);
  ASSERT_EQ(bytes_of(TERNARY_LAYOUT_T5_TILED, N, K), (N + 15) / 16 * ((K + 19) / 20) * 64);
  ASSERT_EQ(bytes_of(TERNARY_LAYOUT_T3_TILED, N, K), (N + 15) / 16 * ((K + 47) / 48) * 160);
  GuardedBuffer i2s(bytes_of(TERNARY_LAYOUT_I2S, N, K));
  ASSERT_EQ(ternary_pack(w.data(), K, N, K, i2s.data()), TERNARY_OK) << ternary_last_error();
  check_codes(i2s.data(), TERNARY_LAYOUT_I2S, N, K, w);
  for (ternary_layout source : kLayouts) {
    GuardedBuffer codes(bytes_of(source, N, K));
    ASSERT_EQ(ternary_repack(i2s.data(), TERNARY_LAYOUT_I2S, N, K, codes.data(), source), TERNARY_OK);
    check_codes(codes.data(), source, N, K, w);
    for (ternary_layout target : kLayouts) {
      GuardedBuffer again(bytes_of(target, N, K));
      ASSERT_EQ(ternary_repack(codes.data(), source, N, K, again.data(), target), TERNARY_OK) << ternary_last_error();
      check_codes(again.data(), target, N, K, w);
      if (target != source) continue;
      ASSERT_EQ(std::memcmp(codes.data(), again.data(), codes.bytes()), 0) << N << "x" << K;
    }
  }
  OutputMatrix unpacked(TERNARY_I8, N, K, K + 3);
  ASSERT_EQ(ternary_unpack(i2s.data(), N, K, static_cast<int8_t*>(unpacked.data()), K + 3), TERNARY_OK);
  ASSERT_EQ(unpacked.outside_written(unpacked.whole()), "");
  for (int64_t n = 0; n < N; ++n) ASSERT_EQ(std::memcmp(unpacked.row(n), &w[n * K], K), 0) << "row " << n;
}

TEST(Layout, RoundTripsOfEverySmallShape) {
  Random random(11);
  for (int64_t N = 1; N <= 70; ++N) {
    for (int64_t K = 1; K <= 70; ++K) {
      round_trip(random, N, K);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(Layout, RoundTripsOfRandomShapes) {
  Random random(12);
  for (int i = 0; i < 60 && !HasFatalFailure(); ++i) {
    round_trip(random, random.integer(1, 300), random.integer(1, 1200));
  }
}

TEST(Layout, PackReadsRowsByTheirStrideAndRejectsOtherValues) {
  const int64_t N = 5, K = 9, ldw = 13;
  GuardedBuffer w((N - 1) * ldw + K);
  std::memset(w.data(), 77, w.bytes());  // gaps must not be looked at
  for (int64_t n = 0; n < N; ++n) {
    for (int64_t k = 0; k < K; ++k) w.as<int8_t>()[n * ldw + k] = static_cast<int8_t>((n + k) % 3 - 1);
  }
  OutputMatrix i2s(TERNARY_I8, N, 3, 3);
  uint8_t* bytes = static_cast<uint8_t*>(i2s.data());
  ASSERT_EQ(ternary_pack(w.as<int8_t>(), ldw, N, K, bytes), TERNARY_OK) << ternary_last_error();
  for (int64_t n = 0; n < N; ++n) {
    for (int64_t k = 0; k < K; ++k) EXPECT_EQ(code_at(bytes, place(TERNARY_LAYOUT_I2S, K, n, k)), (n + k) % 3);
  }
  for (int bad : {2, -2, 127, -128, 3}) {
    w.as<int8_t>()[3 * ldw + 7] = static_cast<int8_t>(bad);
    OutputMatrix untouched(TERNARY_I8, N, 3, 3);
    EXPECT_EQ(ternary_pack(w.as<int8_t>(), ldw, N, K, static_cast<uint8_t*>(untouched.data())),
              TERNARY_INVALID_ARGUMENT);
    const std::string sentence = ternary_last_error();
    EXPECT_NE(sentence.find(std::to_string(bad)), std::string::npos) << sentence;
    EXPECT_NE(sentence.find("row 3"), std::string::npos) << sentence;
    EXPECT_NE(sentence.find("column 7"), std::string::npos) << sentence;
    EXPECT_EQ(untouched.anything_written(), "");
  }
}

TEST(Layout, Code3IsRejectedWithItsPlaceByEveryReader) {
  Random random(13);
  for (ternary_layout layout : kLayouts) {
    if (is_t5(layout) || is_t3(layout)) continue;  // t5_layout_test.cc, t3_layout_test.cc
    for (auto [N, K] : {std::pair<int64_t, int64_t>{1, 1}, {17, 33}, {5, 70}, {16, 16}, {40, 21}}) {
      const std::vector<int8_t> w = random_weights(random, N * K);
      GuardedBuffer i2s(bytes_of(TERNARY_LAYOUT_I2S, N, K)), codes(bytes_of(layout, N, K));
      ASSERT_EQ(ternary_pack(w.data(), K, N, K, i2s.data()), TERNARY_OK);
      ASSERT_EQ(ternary_repack(i2s.data(), TERNARY_LAYOUT_I2S, N, K, codes.data(), layout), TERNARY_OK);
      const int64_t n = random.integer(0, N - 1), k = random.integer(0, K - 1);
      set_code(codes.data(), place(layout, K, n, k), 3);
      const std::string where = "row " + std::to_string(n) + ", column " + std::to_string(k);
      for (ternary_layout target : kLayouts) {
        const int64_t bytes = bytes_of(target, N, K);
        OutputMatrix out(TERNARY_I8, 1, bytes, bytes);
        EXPECT_EQ(ternary_repack(codes.data(), layout, N, K, static_cast<uint8_t*>(out.data()), target),
                  TERNARY_INVALID_ARGUMENT);
        EXPECT_NE(std::string(ternary_last_error()).find(where), std::string::npos) << ternary_last_error();
        EXPECT_EQ(out.anything_written(), "");
        const float alpha = 1;
        ternary_weights* weights = nullptr;
        EXPECT_EQ(
            ternary_weights_create(codes.data(), layout, N, K, target, TERNARY_ALPHA_TENSOR, &alpha, 1, 0, &weights),
            TERNARY_INVALID_ARGUMENT);
        EXPECT_NE(std::string(ternary_last_error()).find(where), std::string::npos) << ternary_last_error();
        EXPECT_EQ(weights, nullptr);
      }
      if (layout != TERNARY_LAYOUT_I2S) continue;
      OutputMatrix out(TERNARY_I8, N, K, K);
      EXPECT_EQ(ternary_unpack(codes.data(), N, K, static_cast<int8_t*>(out.data()), K), TERNARY_INVALID_ARGUMENT);
      EXPECT_NE(std::string(ternary_last_error()).find(where), std::string::npos) << ternary_last_error();
      EXPECT_EQ(out.anything_written(), "");
    }
  }
}

TEST(Layout, PaddingIsIgnoredOnInputAndNormalisedOnOutput) {
  Random random(14);
  for (auto [N, K] : {std::pair<int64_t, int64_t>{1, 1}, {17, 33}, {5, 70}, {15, 31}, {33, 18}}) {
    const std::vector<int8_t> w = random_weights(random, N * K);
    for (ternary_layout source : kLayouts) {
      GuardedBuffer i2s(bytes_of(TERNARY_LAYOUT_I2S, N, K)), codes(bytes_of(source, N, K));
      ASSERT_EQ(ternary_pack(w.data(), K, N, K, i2s.data()), TERNARY_OK);
      ASSERT_EQ(ternary_repack(i2s.data(), TERNARY_LAYOUT_I2S, N, K, codes.data(), source), TERNARY_OK);
      for (int64_t n = 0; n < stored_rows(source, N); ++n) {
        for (int64_t k = 0; k < stored_columns(source, K); ++k) {
          const int largest = is_t5(source) || is_t3(source) ? 2 : 3;
          if (n >= N || k >= K) {
            set_code(codes.data(), place(source, K, n, k), static_cast<int>(random.integer(0, largest)));
          }
        }
      }
      for (ternary_layout target : kLayouts) {
        GuardedBuffer out(bytes_of(target, N, K));
        ASSERT_EQ(ternary_repack(codes.data(), source, N, K, out.data(), target), TERNARY_OK) << ternary_last_error();
        check_codes(out.data(), target, N, K, w);
      }
    }
  }
}

TEST(Layout, PublishedPackingWithPaddingRows) {
  Random random(15);
  for (int64_t N = 1; N <= 21; ++N) {
    const int64_t K = 37, R = (N + 3) / 4;
    const std::vector<int8_t> w = random_weights(random, N * K);
    for (int padding = 0; padding < 4; ++padding) {
      GuardedBuffer packed(R * K), i2s(bytes_of(TERNARY_LAYOUT_I2S, N, K));
      for (int64_t r = 0; r < R; ++r) {
        for (int64_t k = 0; k < K; ++k) {
          int byte = 0;
          for (int i = 0; i < 4; ++i) {
            const int64_t n = r + i * R;
            byte |= (n < N ? w[n * K + k] + 1 : padding) << (2 * i);
          }
          packed.data()[r * K + k] = static_cast<uint8_t>(byte);
        }
      }
      ASSERT_EQ(ternary_pack_bitnet(packed.data(), N, K, i2s.data()), TERNARY_OK) << ternary_last_error();
      check_codes(i2s.data(), TERNARY_LAYOUT_I2S, N, K, w);
    }
    // The same, with a code 3 that does belong to the matrix.
    const int64_t n = random.integer(0, N - 1), k = random.integer(0, K - 1);
    GuardedBuffer packed(R * K);
    std::memset(packed.data(), 0x55, packed.bytes());
    packed.data()[n % R * K + k] |= static_cast<uint8_t>(3 << (2 * (n / R)));
    OutputMatrix out(TERNARY_I8, N, (K + 3) / 4, (K + 3) / 4);
    EXPECT_EQ(ternary_pack_bitnet(packed.data(), N, K, static_cast<uint8_t*>(out.data())), TERNARY_INVALID_ARGUMENT);
    EXPECT_NE(std::string(ternary_last_error()).find("row " + std::to_string(n) + ", column " + std::to_string(k)),
              std::string::npos)
        << ternary_last_error();
    EXPECT_EQ(out.anything_written(), "");
  }
}

TEST(Layout, WeightsGiveTheirCodesBackFromEveryLayout) {
  Random random(16);
  for (auto [N, K] : {std::pair<int64_t, int64_t>{1, 1}, {17, 33}, {48, 70}}) {
    const std::vector<int8_t> w = random_weights(random, N * K);
    GuardedBuffer i2s(bytes_of(TERNARY_LAYOUT_I2S, N, K)), back(i2s.bytes());
    ASSERT_EQ(ternary_pack(w.data(), K, N, K, i2s.data()), TERNARY_OK);
    const float alpha = 0.5f;
    for (ternary_layout layout : kLayouts) {
      ternary_weights* weights = nullptr;
      ASSERT_EQ(ternary_weights_create(i2s.data(), TERNARY_LAYOUT_I2S, N, K, layout, TERNARY_ALPHA_TENSOR, &alpha, 1, 0,
                                       &weights),
                TERNARY_OK);
      const WeightsHandle handle(weights);
      EXPECT_GE(ternary_weights_bytes(weights), bytes_of(layout, N, K) + static_cast<int64_t>(sizeof(float)));
      ASSERT_EQ(ternary_weights_codes(weights, back.data()), TERNARY_OK);
      EXPECT_EQ(std::memcmp(back.data(), i2s.data(), i2s.bytes()), 0);
    }
  }
}

}  // namespace
}  // namespace ternary::test
