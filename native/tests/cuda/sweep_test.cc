// Odd problems through the C interface on a GPU: every type of X and Y at addresses and row strides that are multiples
// of nothing but the element, with N, K and M of 1 and of one less and one more than what kernels take at a time. By the
// asynchronous functions, whose pointers are the caller's: the others' staged copies are aligned.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "abi/dtype.h"
#include "support/cuda/device_problem.h"

namespace ternary::test {
namespace {

constexpr int64_t kRows[] = {1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 33, 64, 65};
constexpr int64_t kOutputs[] = {1, 2, 3, 7, 15, 16, 17, 31, 33, 63, 65, 129};
constexpr int64_t kColumns[] = {1,   2,   3,   5,   31,  33,  63,  65,  127,  129, 159,
                                161, 255, 257, 319, 321, 511, 513, 641, 1023, 2049};
constexpr ternary_dtype kXTypes[] = {TERNARY_F32, TERNARY_F16, TERNARY_BF16, TERNARY_F8_E4M3, TERNARY_I8};
constexpr ternary_dtype kYTypes[] = {TERNARY_F32, TERNARY_F16, TERNARY_BF16};

/** A matrix on the device, its first element so many elements from an aligned address. */
class ShiftedMatrix {
 public:
  ShiftedMatrix(const void* host, int64_t bytes, int64_t shift_bytes)
      : memory_(bytes == 0 ? 0 : bytes + shift_bytes), bytes_(bytes), shift_(shift_bytes) {
    write(host);
  }
  void* get() const { return bytes_ == 0 ? nullptr : memory_.as<char>() + shift_; }
  void write(const void* host) const { upload(get(), host, bytes_); }
  void read(void* host) const {
    if (bytes_ > 0) must(cudaMemcpy(host, get(), static_cast<size_t>(bytes_), cudaMemcpyDeviceToHost), "copy out");
  }

 private:
  DeviceBytes memory_;
  int64_t bytes_, shift_;
};

int64_t bytes_of(const OutputMatrix& matrix) {
  return matrix.empty() ? 0 : ((matrix.rows() - 1) * matrix.ld() + matrix.columns()) * dtype_bytes(matrix.dtype());
}

/** Runs the problem with X, residual and Y each `shift` elements from an aligned address. */
void check(ternary_runtime* runtime, const ProblemSpec& spec, ternary_layout layout, int64_t shift) {
  const Problem p(spec);
  const LayerHandle layer = p.layer(layout);
  Output got = p.output();
  const ShiftedMatrix x(p.x.data(), p.x.bytes(), shift * dtype_bytes(spec.x_dtype));
  const ShiftedMatrix y(got.y.data(), bytes_of(got.y), shift * dtype_bytes(spec.y_dtype));
  const DeviceBytes scale(p.x_scale.data(), p.x_scale.bytes());
  const ternary_dtype type = spec.residual.value_or(TERNARY_F32);
  const ShiftedMatrix residual(p.residual.data(), p.residual.bytes(), shift * dtype_bytes(type));
  const ShiftedMatrix out(got.residual_out.empty() ? nullptr : got.residual_out.data(), bytes_of(got.residual_out),
                          shift * dtype_bytes(type));
  const Stream stream;
  const ternary_cuda_call call = call_of(stream);
  ternary_operands o = product_of(x.get(), spec.x_dtype, p.ldx(), y.get(), spec.y_dtype, got.y.ld(), spec.M);
  o.x_scale = scale.as<float>();
  if (spec.residual) {
    o.residual = spec.in_place ? out.get() : residual.get();
    o.residual_out = out.get();
    o.residual_dtype = type;
    o.ld_residual = p.ld_residual();
  }
  o.call = &call;
  const ternary_status status = ternary_apply_async(runtime, layer.get(), &o);
  ASSERT_EQ(status, TERNARY_OK) << ternary_last_error() << " in " << spec.text();
  stream.wait();
  y.read(got.y.data());
  if (!got.residual_out.empty()) out.read(got.residual_out.data());
  ASSERT_EQ(p.verdict(got, p.expected()), "") << shift << " elements from an aligned address, layout " << layout;
}

/** The next of some values, so that each meets many of the others'. */
template <typename T, size_t count>
T take(const T (&values)[count], int64_t i) {
  return values[static_cast<size_t>(i) % count];
}

ProblemSpec odd_spec(int64_t i, Random& random) {
  ProblemSpec spec;
  spec.M = take(kRows, random.integer(0, 99));
  spec.N = take(kOutputs, random.integer(0, 99));
  spec.K = take(kColumns, i);
  if (spec.M > 17 && spec.N * spec.K > 20000) spec.N = 1 + spec.N % 8;
  spec.x_dtype = take(kXTypes, i);
  spec.y_dtype = take(kYTypes, i / 5);
  spec.activation = spec.x_dtype != TERNARY_I8 && random.chance(3) ? TERNARY_A16 : TERNARY_A8;
  spec.kind = take({TERNARY_ALPHA_TENSOR, TERNARY_ALPHA_ROW, TERNARY_ALPHA_GROUP, TERNARY_ALPHA_COLUMN}, i / 2);
  if (spec.kind == TERNARY_ALPHA_COLUMN && spec.x_dtype == TERNARY_I8) spec.kind = TERNARY_ALPHA_ROW;
  if (spec.kind == TERNARY_ALPHA_GROUP) spec.group = 32 * random.integer(1, 5);
  spec.x_scale = spec.x_dtype == TERNARY_F8_E4M3 && random.chance(2);
  spec.norm = spec.x_dtype != TERNARY_I8 && random.chance(3);
  if (spec.norm && random.chance(2)) {
    spec.residual = take(kYTypes, random.integer(0, 2));
    spec.in_place = random.chance(2);
  }
  spec.bias = random.chance(2);
  for (int64_t* gap : {&spec.x_gap, &spec.y_gap, &spec.residual_gap}) {
    *gap = random.chance(3) ? 0 : random.integer(1, 9);
  }
  spec.values = random.chance(3) ? Values::mixed : Values::finite;
  spec.seed = static_cast<uint64_t>(70000 + i);
  return spec;
}

TEST(CudaSweep, OddShapesAddressesAndStrides) {
  const char* settings[] = {"", "TERNARY_PREFILL_SKIP_M=2", "TERNARY_I2S_SPLITS=3", "TERNARY_FUSE_RMSNORM_QKV=0"};
  std::vector<RuntimeHandle> runtimes;
  for (const char* setting : settings) {
    runtimes.push_back(make_runtime(std::string("TERNARY_DEVICE=cuda\n") + setting));
    ASSERT_NE(runtimes.back(), nullptr) << ternary_last_error();
  }
  Random random(7);
  for (int64_t i = 0; i < samples(600); ++i) {
    const size_t runtime = random.chance(2) ? 0 : static_cast<size_t>(random.integer(1, 3));
    const ternary_layout layout = take(kLayouts, random.integer(0, std::size(kLayouts) - 1));
    check(runtimes[runtime].get(), odd_spec(i, random), layout, random.integer(0, 7));
    if (HasFatalFailure()) return;
  }
}

/** Quantised rows in the caller's matrix, whose address and stride are multiples of nothing. */
TEST(CudaSweep, OddQuantisedRows) {
  const RuntimeHandle runtime = make_runtime("TERNARY_DEVICE=cuda");
  ASSERT_NE(runtime, nullptr) << ternary_last_error();
  const Stream stream;
  const ternary_cuda_call call = call_of(stream);
  Random random(8);
  for (int64_t i = 0; i < samples(60); ++i) {
    ProblemSpec spec = odd_spec(i, random);
    spec.x_dtype = take(kXTypes, i % 4);  // int8 is quantised already
    spec.x_scale = spec.x_dtype == TERNARY_F8_E4M3;
    spec.kind = TERNARY_ALPHA_COLUMN;
    spec.norm = false;
    spec.residual.reset();
    spec.N = 1;
    const Problem p(spec);
    const int64_t M = spec.M, K = spec.K, ldq = K + random.integer(0, 5), shift = random.integer(0, 7);
    const int64_t bytes = (M - 1) * ldq + K;
    std::vector<int8_t> expected(bytes, 77), got(bytes, 77);
    std::vector<float> expected_s(M), s(M);
    ternary_quantise_operands o =
        quantised(p.x.data(), spec.x_dtype, p.ldx(), expected.data(), ldq, expected_s.data(), M, K);
    o.alpha_column = random.chance(2) ? nullptr : p.alpha.as<float>();
    o.x_scale = p.x_scale.empty() ? nullptr : p.x_scale.as<float>();
    ASSERT_EQ(ternary_oracle_quantise(&o), TERNARY_OK) << ternary_last_error();
    const ShiftedMatrix x(p.x.data(), p.x.bytes(), shift * dtype_bytes(spec.x_dtype)), q(got.data(), bytes, shift);
    const DeviceBytes scales(p.x_scale.data(), p.x_scale.bytes()), alphas(p.alpha.data(), p.alpha.bytes());
    const DeviceBytes s_out(M * 4);
    ternary_quantise_operands there = quantised(x.get(), spec.x_dtype, p.ldx(), q.get(), ldq, s_out.get(), M, K);
    there.x_scale = scales.as<float>();
    there.alpha_column = o.alpha_column == nullptr ? nullptr : alphas.as<float>();
    there.call = &call;
    ASSERT_EQ(ternary_quantise_async(runtime.get(), &there), TERNARY_OK)
        << ternary_last_error() << " in " << spec.text();
    stream.wait();
    q.read(got.data());
    s_out.read(s.data());
    ASSERT_EQ(got, expected) << spec.text();
    for (int64_t m = 0; m < M; ++m) ASSERT_TRUE(same_bits(TERNARY_F32, &s[m], &expected_s[m])) << spec.text();
  }
}

}  // namespace
}  // namespace ternary::test
