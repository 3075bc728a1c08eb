// Every rule of the C interface broken in turn: the status, a sentence that names the argument, and nothing written.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "abi/layout.h"
#include "support/guarded_buffer.h"
#include "support/handles.h"

namespace ternary::test {
namespace {

/** What is said of the value after the last layout. */
const std::string kNoLayout = "layout is " + std::to_string(kLayoutCount) + "; it must be 0 (I2S), 1 (I2S tiled)";

constexpr int64_t kM = 3, kN = 5, kK = 40, kHuge = int64_t{1} << 62;

/** Asserts status and sentence of a call that has just failed. */
void expect_refused(ternary_status status, const std::string& fragment, const std::string& what) {
  EXPECT_EQ(status, TERNARY_INVALID_ARGUMENT) << what;
  const std::string sentence = ternary_last_error();
  EXPECT_NE(sentence.find(fragment), std::string::npos)
      << what << ": \"" << sentence << "\" lacks \"" << fragment << '"';
}

WeightsHandle make_weights(ternary_alpha_kind kind, int64_t group = 0) {
  const std::vector<uint8_t> codes(kN * kK / 4, 0x94);
  const std::vector<float> alpha(kN * kK, 0.25f);
  const int64_t counts[] = {1, kN, kK, group == 0 ? 0 : kN * ((kK + group - 1) / group)};
  ternary_weights* weights = nullptr;
  EXPECT_EQ(ternary_weights_create(codes.data(), TERNARY_LAYOUT_I2S, kN, kK, TERNARY_LAYOUT_I2S_TILED, kind,
                                   alpha.data(), counts[kind], group, &weights),
            TERNARY_OK)
      << ternary_last_error();
  return WeightsHandle(weights);
}

/** Every argument of a product, valid until a rule is broken. */
struct Call {
  const ternary_weights* weights = nullptr;
  ternary_runtime* runtime = nullptr;
  ternary_activation activation = TERNARY_A8;
  const void* x = nullptr;
  ternary_dtype x_dtype = TERNARY_F32;
  int64_t ldx = kK;
  const float* x_scale = nullptr;
  const void* residual = nullptr;
  void* residual_out = nullptr;
  ternary_dtype residual_dtype = TERNARY_F32;
  int64_t ld_residual = kK;
  const float* norm_weight = nullptr;
  float eps = 1e-5f;
  const float* bias = nullptr;
  void* y = nullptr;
  ternary_dtype y_dtype = TERNARY_F32;
  int64_t ldy = kN, M = kM;
};

class Arguments : public testing::Test {
 protected:
  Arguments() {
    call_.weights = weights_.get();
    call_.runtime = runtime_.get();
    call_.x = x_.data();
    call_.y = y_.data();
    call_.bias = bias_.data();
    call_.norm_weight = norm_.data();
    call_.residual = residual_.data();
    call_.residual_out = residual_out_.data();
  }

  ternary_status linear(const Call& c, bool oracle) {
    if (oracle) {
      return ternary_oracle_linear(c.weights, c.activation, c.x, c.x_dtype, c.ldx, c.x_scale, c.bias, c.y, c.y_dtype,
                                   c.ldy, c.M);
    }
    return ternary_linear(c.runtime, c.weights, c.activation, c.x, c.x_dtype, c.ldx, c.x_scale, c.bias, c.y, c.y_dtype,
                          c.ldy, c.M);
  }

  ternary_status rmsnorm(const Call& c, bool oracle) {
    if (oracle) {
      return ternary_oracle_rmsnorm_linear(c.weights, c.activation, c.x, c.x_dtype, c.ldx, c.x_scale, c.residual,
                                           c.residual_out, c.residual_dtype, c.ld_residual, c.norm_weight, c.eps,
                                           c.bias, c.y, c.y_dtype, c.ldy, c.M);
    }
    return ternary_rmsnorm_linear(c.runtime, c.weights, c.activation, c.x, c.x_dtype, c.ldx, c.x_scale, c.residual,
                                  c.residual_out, c.residual_dtype, c.ld_residual, c.norm_weight, c.eps, c.bias, c.y,
                                  c.y_dtype, c.ldy, c.M);
  }

  using Break = std::function<void(Call&)>;

  /** Breaks a rule that linear and rmsnorm_linear share; the oracle has it as well. */
  void both(const char* fragment, const Break& rule) {
    linear_only(fragment, rule);
    norm_only(fragment, rule);
  }
  void linear_only(const char* fragment, const Break& rule) {
    Call c = call_;
    rule(c);
    for (bool oracle : {false, true}) {
      if (oracle && c.runtime == nullptr) continue;
      expect_refused(linear(c, oracle), fragment, "linear");
      expect_untouched();
    }
  }
  void norm_only(const char* fragment, const Break& rule) {
    Call c = call_;
    rule(c);
    for (bool oracle : {false, true}) {
      if (oracle && c.runtime == nullptr) continue;
      expect_refused(rmsnorm(c, oracle), fragment, "rmsnorm_linear");
      expect_untouched();
    }
  }

  void expect_untouched() {
    EXPECT_EQ(y_.anything_written(), "");
    EXPECT_EQ(residual_out_.anything_written(), "");
  }

  template <typename T>
  static const T* misaligned(const T* pointer) {
    return reinterpret_cast<const T*>(reinterpret_cast<const char*>(pointer) + 1);
  }

  RuntimeHandle runtime_ = make_runtime();
  WeightsHandle weights_ = make_weights(TERNARY_ALPHA_ROW), column_ = make_weights(TERNARY_ALPHA_COLUMN);
  /** `count` ones, with room behind, so that an output laid over their end overlaps nothing else. */
  static std::vector<float> ones(int64_t count) { return std::vector<float>(count + kM * kK, 1); }
  std::vector<float> x_ = ones(kM * kK), bias_ = ones(kN), norm_ = ones(kK), residual_ = ones(kM * kK),
                     scale_ = ones(kM);
  OutputMatrix y_{TERNARY_F32, kM, kN, kN}, residual_out_{TERNARY_F32, kM, kK, kK};
  Call call_;
};

TEST_F(Arguments, TheValidCallIsValid) {
  for (bool oracle : {false, true}) {
    EXPECT_EQ(linear(call_, oracle), TERNARY_OK) << ternary_last_error();
    EXPECT_EQ(rmsnorm(call_, oracle), TERNARY_OK) << ternary_last_error();
  }
}

TEST_F(Arguments, Nulls) {
  both("weights", [](Call& c) { c.weights = nullptr; });
  both("x ", [](Call& c) { c.x = nullptr; });
  both("y ", [](Call& c) { c.y = nullptr; });
  norm_only("norm_weight", [](Call& c) { c.norm_weight = nullptr; });
  norm_only("residual_out", [](Call& c) { c.residual_out = nullptr; });
  norm_only("residual_out", [](Call& c) { c.residual = nullptr; });
  both("runtime", [](Call& c) { c.runtime = nullptr; });
}

TEST_F(Arguments, Sizes) {
  for (int64_t bad : {int64_t{0}, int64_t{-1}, int64_t{1} << 31, INT64_MIN, INT64_MAX}) {
    both(("M is " + std::to_string(bad)).c_str(), [&](Call& c) { c.M = bad; });
  }
  for (int64_t bad : {int64_t{0}, int64_t{-1}, kK - 1, INT64_MIN}) {
    both(("ldx is " + std::to_string(bad)).c_str(), [&](Call& c) { c.ldx = bad; });
    norm_only(("ld_residual is " + std::to_string(bad)).c_str(), [&](Call& c) { c.ld_residual = bad; });
  }
  for (int64_t bad : {int64_t{0}, int64_t{-5}, kN - 1}) {
    both(("ldy is " + std::to_string(bad)).c_str(), [&](Call& c) { c.ldy = bad; });
  }
  for (int64_t bad : {kHuge, INT64_MAX}) {  // rows * stride * element overflows
    both("ldx", [&](Call& c) { c.ldx = bad; });
    both("ldy", [&](Call& c) { c.ldy = bad; });
    norm_only("ld_residual", [&](Call& c) { c.ld_residual = bad; });
  }
}

TEST_F(Arguments, Types) {
  for (int bad : {-1, 5, 1000}) both("x_dtype", [&](Call& c) { c.x_dtype = static_cast<ternary_dtype>(bad); });
  for (int bad : {-1, 3, 4, 5}) {
    both("y_dtype", [&](Call& c) { c.y_dtype = static_cast<ternary_dtype>(bad); });
    norm_only("residual_dtype", [&](Call& c) { c.residual_dtype = static_cast<ternary_dtype>(bad); });
  }
  for (int bad : {-1, 2}) both("activation", [&](Call& c) { c.activation = static_cast<ternary_activation>(bad); });
  both("x_scale", [&](Call& c) { c.x_scale = scale_.data(); });  // not for F32
  linear_only("x_scale", [](Call& c) { c.x_dtype = TERNARY_I8; });
  const auto int8 = [&](Call& c) {
    c.x_dtype = TERNARY_I8;
    c.x_scale = scale_.data();
  };
  norm_only("I8", int8);
  linear_only("I8", [&](Call& c) {
    int8(c);
    c.activation = TERNARY_A16;
  });
  linear_only("I8", [&](Call& c) {
    int8(c);
    c.weights = column_.get();
  });
}

TEST_F(Arguments, Eps) {
  for (float bad : {0.0f, -1e-5f, NAN, INFINITY, -INFINITY}) norm_only("eps", [&](Call& c) { c.eps = bad; });
}

TEST_F(Arguments, Alignment) {
  both("x ", [&](Call& c) { c.x = misaligned(x_.data()); });
  both("y ", [&](Call& c) { c.y = const_cast<float*>(misaligned(static_cast<const float*>(y_.data()))); });
  both("bias", [&](Call& c) { c.bias = misaligned(bias_.data()); });
  norm_only("norm_weight", [&](Call& c) { c.norm_weight = misaligned(norm_.data()); });
  norm_only("residual", [&](Call& c) { c.residual = misaligned(residual_.data()); });
  norm_only("residual_out", [&](Call& c) {
    c.residual_out = const_cast<float*>(misaligned(static_cast<const float*>(residual_out_.data())));
  });
  linear_only("x_scale", [&](Call& c) {
    c.x_dtype = TERNARY_I8;
    c.x_scale = misaligned(scale_.data());
  });
}

TEST_F(Arguments, Overlap) {
  // y inside each input, at its first and at its last element.
  const auto cast = [](const std::vector<float>& v, size_t i) { return const_cast<float*>(v.data()) + i; };
  both("overlaps x", [&](Call& c) { c.y = cast(x_, 0); });
  both("overlaps x", [&](Call& c) { c.y = cast(x_, kM * kK - 1); });
  both("overlaps bias", [&](Call& c) { c.y = cast(bias_, kN - 1); });
  norm_only("overlaps norm_weight", [&](Call& c) { c.y = cast(norm_, kK - 1); });
  norm_only("overlaps residual", [&](Call& c) { c.y = cast(residual_, kM * kK - 1); });
  norm_only("overlaps residual_out", [&](Call& c) { c.y = static_cast<float*>(residual_out_.data()) + kM * kK - 1; });
  norm_only("overlaps residual", [&](Call& c) { c.residual_out = cast(residual_, 1); });
  norm_only("overlaps x", [&](Call& c) { c.residual_out = cast(x_, 0); });
  linear_only("overlaps x_scale", [&](Call& c) {
    c.x_dtype = TERNARY_I8;
    c.x_scale = scale_.data();
    c.y = cast(scale_, kM - 1);
  });
  for (const std::vector<float>* input : {&x_, &bias_, &norm_, &residual_, &scale_}) {
    for (float value : *input) ASSERT_EQ(value, 1.0f);
  }
  // Side by side is no overlap, and residual_out may be residual.
  std::vector<float> both_buffers(kM * kK + kM * kN);
  Call c = call_;
  c.x = both_buffers.data();
  c.y = both_buffers.data() + kM * kK;
  EXPECT_EQ(linear(c, false), TERNARY_OK) << ternary_last_error();
  c.residual_out = residual_.data();
  EXPECT_EQ(rmsnorm(c, false), TERNARY_OK) << ternary_last_error();
}

TEST_F(Arguments, Quantise) {
  OutputMatrix q(TERNARY_I8, kM, kK, kK), s(TERNARY_F32, kM, 1, 1);
  struct Arg {
    ternary_runtime* runtime;
    const void* x;
    ternary_dtype dtype;
    int64_t ldx;
    const float *x_scale, *alpha;
    int8_t* q;
    int64_t ldq;
    float* s;
    int64_t M, K;
  };
  const Arg valid{runtime_.get(),
                  x_.data(),
                  TERNARY_F32,
                  kK,
                  nullptr,
                  norm_.data(),
                  static_cast<int8_t*>(q.data()),
                  kK,
                  static_cast<float*>(s.data()),
                  kM,
                  kK};
  const auto refuse = [&](const char* fragment, const std::function<void(Arg&)>& rule) {
    Arg a = valid;
    rule(a);
    expect_refused(
        ternary_quantise_activations(a.runtime, a.x, a.dtype, a.ldx, a.x_scale, a.alpha, a.q, a.ldq, a.s, a.M, a.K),
        fragment, "quantise");
    if (a.runtime != nullptr) {
      expect_refused(
          ternary_oracle_quantise_activations(a.x, a.dtype, a.ldx, a.x_scale, a.alpha, a.q, a.ldq, a.s, a.M, a.K),
          fragment, "oracle quantise");
    }
    EXPECT_EQ(q.anything_written(), "");
    EXPECT_EQ(s.anything_written(), "");
  };
  refuse("runtime", [](Arg& a) { a.runtime = nullptr; });
  refuse("x ", [](Arg& a) { a.x = nullptr; });
  refuse("q ", [](Arg& a) { a.q = nullptr; });
  refuse("s ", [](Arg& a) { a.s = nullptr; });
  refuse("x_dtype", [](Arg& a) { a.dtype = TERNARY_I8; });
  refuse("x_dtype", [](Arg& a) { a.dtype = static_cast<ternary_dtype>(9); });
  refuse("x_scale", [&](Arg& a) { a.x_scale = scale_.data(); });
  refuse("ldx is 39", [](Arg& a) { a.ldx = kK - 1; });
  refuse("ldq is 39", [](Arg& a) { a.ldq = kK - 1; });
  refuse("ldq", [](Arg& a) { a.ldq = INT64_MAX; });
  refuse("ldx", [](Arg& a) { a.ldx = kHuge; });
  for (int64_t bad : {int64_t{0}, int64_t{-7}, int64_t{1} << 31}) refuse("M is ", [&](Arg& a) { a.M = bad; });
  for (int64_t bad : {int64_t{0}, int64_t{-7}, int64_t{1} << 24}) refuse("K is ", [&](Arg& a) { a.K = bad; });
  refuse("alpha_column", [&](Arg& a) { a.alpha = misaligned(norm_.data()); });
  refuse("s ", [&](Arg& a) { a.s = const_cast<float*>(misaligned(static_cast<const float*>(s.data()))); });
  refuse("overlaps x", [&](Arg& a) { a.q = reinterpret_cast<int8_t*>(x_.data()); });
  refuse("overlaps x", [&](Arg& a) { a.s = x_.data() + 5; });
  refuse("overlaps", [&](Arg& a) { a.s = reinterpret_cast<float*>(a.q); });
  refuse("overlaps alpha_column", [&](Arg& a) { a.s = norm_.data() + kK - 1; });
}

TEST_F(Arguments, Layouts) {
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

TEST_F(Arguments, Ternarise) {
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

TEST_F(Arguments, Weights) {
  std::vector<uint8_t> codes(kN * kK / 4, 0x55);
  std::vector<float> alpha(kN * kK, 1);
  ternary_weights* const poison = reinterpret_cast<ternary_weights*>(&codes);
  struct Arg {
    const uint8_t* codes;
    int source;
    int64_t N, K;
    int layout, kind;
    const float* alpha;
    int64_t count, group;
  };
  const Arg valid{codes.data(), 0, kN, kK, 1, TERNARY_ALPHA_ROW, alpha.data(), kN, 0};
  const auto refuse = [&](const char* fragment, const std::function<void(Arg&)>& rule) {
    Arg a = valid;
    rule(a);
    ternary_weights* made = poison;
    expect_refused(ternary_weights_create(a.codes, static_cast<ternary_layout>(a.source), a.N, a.K,
                                          static_cast<ternary_layout>(a.layout),
                                          static_cast<ternary_alpha_kind>(a.kind), a.alpha, a.count, a.group, &made),
                   fragment, "weights_create");
    EXPECT_EQ(made, poison) << "the handle was written";
  };
  refuse("codes is null", [](Arg& a) { a.codes = nullptr; });
  refuse("alpha is null", [](Arg& a) { a.alpha = nullptr; });
  refuse("alpha is at", [&](Arg& a) { a.alpha = misaligned(alpha.data()); });
  refuse(kNoLayout.c_str(), [](Arg& a) { a.source = kLayoutCount; });
  refuse("layout is -1", [](Arg& a) { a.layout = -1; });
  refuse("alpha kind is 4", [](Arg& a) { a.kind = 4; });
  refuse("N is 0", [](Arg& a) { a.N = 0; });
  refuse("K is 16777216", [](Arg& a) { a.K = int64_t{1} << 24; });
  for (int64_t bad : {int64_t{0}, int64_t{-1}, kN - 1, kN + 1}) {
    refuse(("alpha_count is " + std::to_string(bad)).c_str(), [&](Arg& a) { a.count = bad; });
  }
  refuse("alpha_count", [](Arg& a) { a.kind = TERNARY_ALPHA_TENSOR; });
  refuse("alpha_count", [](Arg& a) { a.kind = TERNARY_ALPHA_COLUMN; });
  refuse("group is 64", [](Arg& a) { a.group = 64; });
  for (int64_t bad : {int64_t{0}, int64_t{31}, int64_t{48}, int64_t{-64}, INT64_MAX, INT64_MIN}) {
    refuse(("group is " + std::to_string(bad)).c_str(), [&](Arg& a) {
      a.kind = TERNARY_ALPHA_GROUP;
      a.group = bad;
    });
  }
  refuse("alpha_count is 5", [](Arg& a) {
    a.kind = TERNARY_ALPHA_GROUP;
    a.group = 32;  // two groups a row
  });
  for (float bad : {NAN, INFINITY, -INFINITY}) {
    alpha[kN - 1] = bad;
    refuse("alpha[4]", [](Arg&) {});
  }
  alpha[kN - 1] = 1;
  expect_refused(ternary_weights_create(codes.data(), TERNARY_LAYOUT_I2S, kN, kK, TERNARY_LAYOUT_I2S, TERNARY_ALPHA_ROW,
                                        alpha.data(), kN, 0, nullptr),
                 "weights is null", "weights_create");
  expect_refused(ternary_weights_codes(nullptr, codes.data()), "weights is null", "weights_codes");
  expect_refused(ternary_weights_codes(weights_.get(), nullptr), "i2s is null", "weights_codes");
  EXPECT_EQ(ternary_weights_bytes(nullptr), 0);
  ternary_weights_destroy(nullptr);
}

TEST_F(Arguments, Runtime) {
  expect_refused(ternary_runtime_create(nullptr, nullptr), "runtime is null", "runtime_create");
  expect_refused(ternary_runtime_info(nullptr, nullptr, 0, nullptr), "runtime is null", "info");
  expect_refused(ternary_runtime_counters(nullptr, nullptr, 0, nullptr), "runtime is null", "counters");
  expect_refused(ternary_runtime_reset_counters(nullptr), "runtime is null", "reset");
  expect_refused(ternary_runtime_info(runtime_.get(), nullptr, 10, nullptr), "json is null", "info");
  expect_refused(ternary_runtime_counters(runtime_.get(), nullptr, 10, nullptr), "json is null", "counters");
  expect_refused(ternary_write_report(nullptr), "path is null", "write_report");
  expect_refused(ternary_write_report(""), "", "write_report");
  EXPECT_EQ(ternary_runtime_notices(nullptr), nullptr);
  EXPECT_STREQ(ternary_last_path(nullptr), "");
  ternary_runtime_destroy(nullptr);
}

}  // namespace
}  // namespace ternary::test
