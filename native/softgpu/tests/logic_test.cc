// Bits: all 256 tables of lop3, every mode of prmt, bfe, bfi, shf, popc, clz, brev, bfind, against loops over bits.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "softgpu/tests/snippet.h"

namespace ternary::softgpu {
namespace {

std::vector<uint32_t> random_register(uint32_t seed) {
  std::mt19937 random(seed);
  return lanes_of([&](int) { return static_cast<uint32_t>(random()); });
}

TEST(Lop3, EveryTable) {
  const Registers inputs = {random_register(1), random_register(2), random_register(3)};
  for (int first = 0; first < 256; first += 16) {
    std::string body;
    for (int i = 0; i < 16; ++i) {
      body += "lop3.b32 %o" + std::to_string(i) + ", %i0, %i1, %i2, " + std::to_string(first + i) + ";\n";
    }
    const Registers got = run_lines(body, inputs, 16);
    for (int i = 0; i < 16; ++i) {
      for (int lane = 0; lane < 32; ++lane) {
        uint32_t expected = 0;
        for (int bit = 0; bit < 32; ++bit) {
          int at = 0;
          for (const auto& input : inputs) at = 2 * at + static_cast<int>(input[lane] >> bit & 1);
          expected |= static_cast<uint32_t>((first + i) >> at & 1) << bit;
        }
        ASSERT_EQ(got[i][lane], expected) << "table " << first + i << " lane " << lane;
      }
    }
  }
}

// Tables that the PTX ISA names: 0x80 = a & b & c, 0xfe = a | b | c, 0x96 = a ^ b ^ c, 0x40 = a & b & ~c, 0xf0 = a.
TEST(Lop3, NamedTables) {
  const Registers inputs = {random_register(4), random_register(5), random_register(6)};
  const Registers got = run_lines(
      "lop3.b32 %o0, %i0, %i1, %i2, 0x80;\nlop3.b32 %o1, %i0, %i1, %i2, 0xfe;\nlop3.b32 %o2, %i0, %i1, %i2, 0x96;\n"
      "lop3.b32 %o3, %i0, %i1, %i2, 0x40;\nlop3.b32 %o4, %i0, %i1, %i2, 0xf0;\nlop3.b32 %o5, %i0, %i1, %i2, 0xcc;\n"
      "lop3.b32 %o6, %i0, %i1, %i2, 0xaa;\nlop3.b32 %o7, %i0, %i1, %i2, 0xea;",
      inputs, 8);
  for (int lane = 0; lane < 32; ++lane) {
    const uint32_t a = inputs[0][lane], b = inputs[1][lane], c = inputs[2][lane];
    const uint32_t expected[8] = {a & b & c, a | b | c, a ^ b ^ c, a & b & ~c, a, b, c, (a & b) | c};
    for (int i = 0; i < 8; ++i) EXPECT_EQ(got[i][lane], expected[i]) << i;
  }
}

int byte_of(uint32_t a, uint32_t b, int index) {
  return (index < 4 ? a >> (8 * index) : b >> (8 * (index - 4))) & 0xff;
}

TEST(Prmt, GeneralMode) {
  std::mt19937 random(7);
  const Registers inputs = {random_register(8), random_register(9), random_register(10)};
  const Registers got = run_lines(
      "prmt.b32 %o0, %i0, %i1, %i2;\nprmt.b32 %o1, %i0, %i1, 0x7531;\n"
      "prmt.b32 %o2, %i0, %i1, 0xfb62;",
      inputs, 3);
  for (int lane = 0; lane < 32; ++lane) {
    const uint32_t a = inputs[0][lane], b = inputs[1][lane], selectors[3] = {inputs[2][lane], 0x7531, 0xfb62};
    for (int i = 0; i < 3; ++i) {
      uint32_t expected = 0;
      for (int k = 0; k < 4; ++k) {
        const int selector = selectors[i] >> (4 * k) & 15, byte = byte_of(a, b, selector & 7);
        expected |= static_cast<uint32_t>(selector & 8 ? (byte & 0x80 ? 0xff : 0) : byte) << (8 * k);
      }
      EXPECT_EQ(got[i][lane], expected) << i << ' ' << lane;
    }
  }
}

// The ISA's table: bytes d.b3 d.b2 d.b1 d.b0 for c = 0 ... 3 of each special mode.
TEST(Prmt, SpecialModes) {
  const struct {
    const char* mode;
    int bytes[4][4];
  } kModes[] = {{"f4e", {{3, 2, 1, 0}, {4, 3, 2, 1}, {5, 4, 3, 2}, {6, 5, 4, 3}}},
                {"b4e", {{5, 6, 7, 0}, {6, 7, 0, 1}, {7, 0, 1, 2}, {0, 1, 2, 3}}},
                {"rc8", {{0, 0, 0, 0}, {1, 1, 1, 1}, {2, 2, 2, 2}, {3, 3, 3, 3}}},
                {"ecl", {{3, 2, 1, 0}, {3, 2, 1, 1}, {3, 2, 2, 2}, {3, 3, 3, 3}}},
                {"ecr", {{0, 0, 0, 0}, {1, 1, 1, 0}, {2, 2, 1, 0}, {3, 2, 1, 0}}},
                {"rc16", {{1, 0, 1, 0}, {3, 2, 3, 2}, {1, 0, 1, 0}, {3, 2, 3, 2}}}};
  for (const auto& mode : kModes) {
    const Registers inputs = {random_register(11), random_register(12), random_register(13)};
    const Registers got = run_lines(std::string("prmt.b32.") + mode.mode + " %o0, %i0, %i1, %i2;", inputs);
    for (int lane = 0; lane < 32; ++lane) {
      uint32_t expected = 0;
      for (int k = 0; k < 4; ++k) {
        const int from = mode.bytes[inputs[2][lane] & 3][3 - k];
        expected |= static_cast<uint32_t>(byte_of(inputs[0][lane], inputs[1][lane], from)) << (8 * k);
      }
      EXPECT_EQ(got[0][lane], expected) << mode.mode << ' ' << lane;
    }
  }
}

TEST(Bfe, EveryPositionAndLength) {
  const std::vector<uint32_t> values = random_register(14);
  for (const int position : {0, 1, 5, 16, 27, 31, 32, 40, 255}) {
    for (const int length : {0, 1, 4, 8, 31, 32, 33, 255}) {
      const std::string field = std::to_string(position) + ", " + std::to_string(length) + ";\n";
      const Registers got = run_lines("bfe.u32 %o0, %i0, " + field + "bfe.s32 %o1, %i0, " + field, {values}, 2);
      for (int lane = 0; lane < 32; ++lane) {
        uint32_t plain = 0, extended = 0;
        // The field's sign is its last bit, or bit 31 if it reaches beyond; what is beyond is the sign.
        const int last = std::min(position + length - 1, 31);
        const uint32_t sign = length == 0 ? 0 : values[lane] >> last & 1;
        for (int i = 0; i < 32; ++i) {
          const bool inside = i < length && position + i <= 31;
          const uint32_t bit = inside ? values[lane] >> (position + i) & 1 : 0;
          plain |= bit << i;
          extended |= (inside ? bit : sign) << i;
        }
        ASSERT_EQ(got[0][lane], plain) << position << ' ' << length;
        ASSERT_EQ(got[1][lane], extended) << position << ' ' << length;
      }
    }
  }
}

TEST(Bfi, EveryPositionAndLength) {
  const Registers inputs = {random_register(15), random_register(16)};
  for (const int position : {0, 1, 5, 16, 27, 31, 32, 255}) {
    for (const int length : {0, 1, 4, 8, 31, 32, 255}) {
      const Registers got =
          run_lines("bfi.b32 %o0, %i0, %i1, " + std::to_string(position) + ", " + std::to_string(length) + ";", inputs);
      for (int lane = 0; lane < 32; ++lane) {
        uint32_t expected = inputs[1][lane];
        for (int i = 0; i < length && position + i < 32; ++i) {
          expected &= ~(1u << (position + i));
          expected |= (inputs[0][lane] >> i & 1) << (position + i);
        }
        ASSERT_EQ(got[0][lane], expected) << position << ' ' << length;
      }
    }
  }
}

TEST(Shifts, ClampAndWrap) {
  const Registers inputs = {random_register(17), random_register(18),
                            lanes_of([](int lane) { return static_cast<uint32_t>(lane * 3); })};
  const Registers got = run_lines(
      "shf.l.wrap.b32 %o0, %i0, %i1, %i2;\nshf.l.clamp.b32 %o1, %i0, %i1, %i2;\nshf.r.wrap.b32 %o2, %i0, %i1, %i2;\n"
      "shf.r.clamp.b32 %o3, %i0, %i1, %i2;\nshl.b32 %o4, %i0, %i2;\nshr.u32 %o5, %i0, %i2;\nshr.s32 %o6, %i0, %i2;",
      inputs, 7);
  for (int lane = 0; lane < 32; ++lane) {
    const uint32_t a = inputs[0][lane], b = inputs[1][lane], n = inputs[2][lane];
    const uint64_t both = uint64_t{b} << 32 | a;
    const uint32_t wrapped = n & 31, clamped = std::min(n, 32u);
    EXPECT_EQ(got[0][lane], static_cast<uint32_t>(both << wrapped >> 32));
    EXPECT_EQ(got[1][lane], clamped == 32 ? a : static_cast<uint32_t>(both << clamped >> 32));
    EXPECT_EQ(got[2][lane], static_cast<uint32_t>(both >> wrapped));
    EXPECT_EQ(got[3][lane], static_cast<uint32_t>(both >> clamped));
    EXPECT_EQ(got[4][lane], n > 31 ? 0 : a << n);
    EXPECT_EQ(got[5][lane], n > 31 ? 0 : a >> n);
    EXPECT_EQ(got[6][lane], static_cast<uint32_t>(static_cast<int32_t>(a) >> std::min(n, 31u)));
  }
}

TEST(Bits, CountsAndReversal) {
  std::vector<uint32_t> values = random_register(19);
  values[0] = 0, values[1] = ~0u, values[2] = 1, values[3] = 0x80000000u;
  const Registers got = run_lines(
      "popc.b32 %o0, %i0;\nclz.b32 %o1, %i0;\nbrev.b32 %o2, %i0;\nbfind.u32 %o3, %i0;\nbfind.s32 %o4, %i0;\n"
      "not.b32 %o5, %i0;\nbfind.shiftamt.u32 %o6, %i0;",
      {values}, 7);
  for (int lane = 0; lane < 32; ++lane) {
    const uint32_t value = values[lane];
    uint32_t ones = 0, reversed = 0, highest = ~0u, highest_unlike_sign = ~0u;
    for (uint32_t bit = 0; bit < 32; ++bit) {
      ones += value >> bit & 1;
      reversed |= (value >> bit & 1) << (31 - bit);
      if (value >> bit & 1) highest = bit;
      if ((value >> bit & 1) != value >> 31) highest_unlike_sign = bit;
    }
    EXPECT_EQ(got[0][lane], ones);
    EXPECT_EQ(got[1][lane], highest == ~0u ? 32 : 31 - highest);
    EXPECT_EQ(got[2][lane], reversed);
    EXPECT_EQ(got[3][lane], highest);
    EXPECT_EQ(got[4][lane], highest_unlike_sign);
    EXPECT_EQ(got[5][lane], ~value);
    EXPECT_EQ(got[6][lane], highest == ~0u ? ~0u : 31 - highest);
  }
}

}  // namespace
}  // namespace ternary::softgpu
