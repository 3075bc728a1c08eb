// Every rule of packing, layouts and ternarise broken in turn: the status, a sentence that names the argument, and
// nothing written.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "abi/layout.h"
#include "support/guarded_buffer.h"
#include "support/refusal.h"

namespace ternary::test {
namespace {

/** What is said of the value after the last layout. */
const std::string kNoLayout = "layout is " + std::to_string(kLayoutCount) + "; it must be 0 (I2S), 1 (I2S tiled)";

constexpr int64_t kN = 5, kK = 40;

TEST(ConversionArguments, Layouts) {
  const std::vector<int8_t> w(kN * kK, 1);
  std::vector<uint8_t> codes(4096, 0x55);
  OutputMatrix out(TERNARY_I8, 1, 4096, 4096);
  uint8_t* bytes = static_cast<uint8_t*>(out.data());
  int8_t* weights = static_cast<int8_t*>(out.data());
  int64_t count = -7;
  expect_refused(ternary_layout_bytes(TERNARY_LAYOUT_I2S, 1, 1, nullptr), "bytes", "layout_bytes");
  expect_refused(ternary_layout_bytes(static_cast<ternary_layout>(kLayoutCount), 1, 1, &count), kNoLayout,
                 "layout_bytes");
  expect_refused(ternary_pack(nullptr, kK, kN, kK, bytes), "w is null", "pack");
  expect_refused(ternary_pack(w.data(), kK, kN, kK, nullptr), "i2s is null", "pack");
  expect_refused(ternary_pack(w.data(), kK - 1, kN, kK, bytes), "ldw is 39", "pack");
  expect_refused(ternary_pack(w.data(), INT64_MAX, kN, kK, bytes), "ldw", "pack");
  expect_refused(ternary_unpack(nullptr, kN, kK, weights, kK), "i2s is null", "unpack");
  expect_refused(ternary_unpack(codes.data(), kN, kK, nullptr, kK), "w is null", "unpack");
  expect_refused(ternary_unpack(codes.data(), kN, kK, weights, kK - 1), "ldw is 39", "unpack");
  expect_refused(ternary_pack_bitnet(nullptr, kN, kK, bytes), "packed is null", "pack_bitnet");
  expect_refused(ternary_pack_bitnet(codes.data(), kN, kK, nullptr), "i2s is null", "pack_bitnet");
  const auto repack = [&](const uint8_t* from, int from_layout, int64_t N, int64_t K, uint8_t* to, int to_layout) {
    return ternary_repack(from, static_cast<ternary_layout>(from_layout), N, K, to,
                          static_cast<ternary_layout>(to_layout));
  };
  expect_refused(repack(nullptr, 0, kN, kK, bytes, 1), "source is null", "repack");
  expect_refused(repack(codes.data(), 0, kN, kK, nullptr, 1), "target is null", "repack");
  expect_refused(repack(codes.data(), kLayoutCount, kN, kK, bytes, 1), kNoLayout, "repack");
  expect_refused(repack(codes.data(), 0, kN, kK, bytes, -1), "layout is -1", "repack");
  expect_refused(repack(codes.data(), 0, kN, kK, codes.data(), 1), "overlaps", "repack");
  expect_refused(repack(codes.data(), 1, kN, kK, codes.data() + 191, 0), "overlaps", "repack");
  for (int64_t bad : {int64_t{0}, int64_t{-1}, INT64_MIN, int64_t{1} << 31}) {
    const std::string fragment = "N is " + std::to_string(bad);
    expect_refused(ternary_layout_bytes(TERNARY_LAYOUT_I2S_TILED, bad, 1, &count), fragment, "layout_bytes");
    expect_refused(ternary_pack(w.data(), kK, bad, kK, bytes), fragment, "pack");
    expect_refused(ternary_unpack(codes.data(), bad, kK, weights, kK), fragment, "unpack");
    expect_refused(ternary_pack_bitnet(codes.data(), bad, kK, bytes), fragment, "pack_bitnet");
    expect_refused(repack(codes.data(), 0, bad, kK, bytes, 1), fragment, "repack");
  }
  for (int64_t bad : {int64_t{0}, int64_t{-1}, INT64_MAX, int64_t{1} << 24}) {
    const std::string fragment = "K is " + std::to_string(bad);
    expect_refused(ternary_layout_bytes(TERNARY_LAYOUT_I2S, 1, bad, &count), fragment, "layout_bytes");
    expect_refused(ternary_pack(w.data(), INT64_MAX, 1, bad, bytes), fragment, "pack");
    expect_refused(ternary_unpack(codes.data(), 1, bad, weights, INT64_MAX), fragment, "unpack");
    expect_refused(ternary_pack_bitnet(codes.data(), 1, bad, bytes), fragment, "pack_bitnet");
    expect_refused(repack(codes.data(), 0, 1, bad, bytes, 1), fragment, "repack");
  }
  EXPECT_EQ(count, -7);
  EXPECT_EQ(out.anything_written(), "");
  // The largest sizes are sizes: their bytes do not overflow.
  EXPECT_EQ(ternary_layout_bytes(TERNARY_LAYOUT_I2S_TILED, (int64_t{1} << 31) - 1, (int64_t{1} << 24) - 1, &count),
            TERNARY_OK)
      << ternary_last_error();
  EXPECT_EQ(count, (int64_t{1} << 27) * (int64_t{1} << 20) * 64);
}

TEST(ConversionArguments, Ternarise) {
  const std::vector<float> w(kN * kK, 1);
  OutputMatrix i2s(TERNARY_I8, kN, kK / 4, kK / 4), alpha(TERNARY_F32, 1, kN * kK, kN * kK);
  struct Arg {
    const void* w;
    ternary_dtype dtype;
    int64_t ldw, N, K;
    ternary_ternarise_method method;
    ternary_alpha_kind kind;
    int64_t group;
    uint8_t* i2s;
    float* alpha;
  };
  const Arg valid{w.data(),
                  TERNARY_F32,
                  kK,
                  kN,
                  kK,
                  TERNARY_ABSMEAN,
                  TERNARY_ALPHA_ROW,
                  0,
                  static_cast<uint8_t*>(i2s.data()),
                  static_cast<float*>(alpha.data())};
  const auto refuse = [&](const char* fragment, const std::function<void(Arg&)>& rule) {
    Arg a = valid;
    rule(a);
    expect_refused(ternary_ternarise(a.w, a.dtype, a.ldw, a.N, a.K, a.method, a.kind, a.group, a.i2s, a.alpha),
                   fragment, "ternarise");
    EXPECT_EQ(i2s.anything_written(), "");
    EXPECT_EQ(alpha.anything_written(), "");
  };
  refuse("w is null", [](Arg& a) { a.w = nullptr; });
  refuse("i2s is null", [](Arg& a) { a.i2s = nullptr; });
  refuse("alpha is null", [](Arg& a) { a.alpha = nullptr; });
  for (int bad : {-1, 3, 4, 7}) refuse("dtype is", [&](Arg& a) { a.dtype = static_cast<ternary_dtype>(bad); });
  refuse("N is 0", [](Arg& a) { a.N = 0; });
  refuse("K is -3", [](Arg& a) { a.K = -3; });
  refuse("ldw is 39", [](Arg& a) { a.ldw = kK - 1; });
  refuse("ldw", [](Arg& a) { a.ldw = INT64_MAX; });
  refuse("method is 2", [](Arg& a) { a.method = static_cast<ternary_ternarise_method>(2); });
  refuse("alpha kind is 4", [](Arg& a) { a.kind = static_cast<ternary_alpha_kind>(4); });
  refuse("group is 32", [](Arg& a) { a.group = 32; });
  for (int64_t bad : {0, 16, 33, -32}) {
    refuse(("group is " + std::to_string(bad)).c_str(), [&](Arg& a) {
      a.kind = TERNARY_ALPHA_GROUP;
      a.group = bad;
    });
  }
  refuse("w is at", [&](Arg& a) { a.w = misaligned(w.data()); });
  refuse("alpha is at",
         [&](Arg& a) { a.alpha = const_cast<float*>(misaligned(static_cast<const float*>(alpha.data()))); });
  refuse("overlaps w", [&](Arg& a) { a.i2s = reinterpret_cast<uint8_t*>(const_cast<float*>(w.data())); });
  refuse("overlaps w", [&](Arg& a) { a.alpha = const_cast<float*>(w.data()) + 3; });
  alignas(float) uint8_t shared[kN * kK] = {};
  refuse("overlaps i2s", [&](Arg& a) {
    a.i2s = shared;
    a.alpha = reinterpret_cast<float*>(shared) + kN;
  });
}

}  // namespace
}  // namespace ternary::test
