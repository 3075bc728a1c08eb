#include "support/problem.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <vector>

#include "abi/dtype.h"
#include "core/product/a16_bound.h"
#include "support/operands.h"

namespace ternary::test {
namespace {

/** The nearest fp8; which of two equally near ones does not matter, as the result is only an input. */
uint8_t to_f8(float value) {
  const uint8_t sign = std::signbit(value) ? 0x80 : 0;
  if (!is_finite(value)) return sign | 0x7f;
  int low = 0, high = 0x7e;  // magnitudes ascend with their bits
  while (low < high) {
    const int middle = (low + high) / 2;
    const float between =
        0.5f * (f8_e4m3_to_float(static_cast<uint8_t>(middle)) + f8_e4m3_to_float(static_cast<uint8_t>(middle + 1)));
    if (std::fabs(value) > between)
      low = middle + 1;
    else
      high = middle;
  }
  return static_cast<uint8_t>(sign | low);
}

float row_value(Values values, int64_t m, int64_t k) {
  switch (values) {
    case Values::all_max: return 3.0f;
    case Values::all_min: return -3.0f;
    case Values::alternating: return k % 2 == 0 ? 2.5f : -2.5f;
    case Values::zero: return (m + k) % 2 == 0 ? 0.0f : -0.0f;
    default: return 0;
  }
}

int8_t int8_value(Random& random, Values values, int64_t k) {
  switch (values) {
    case Values::all_max: return 127;
    case Values::all_min: return -128;
    case Values::alternating: return k % 2 == 0 ? 127 : -128;
    case Values::zero: return 0;
    default: return static_cast<int8_t>(random.integer(-128, 127));
  }
}

int8_t weight_value(Random& random, Values values, int64_t n, int64_t k) {
  switch (values) {
    case Values::all_max:
    case Values::all_min: return n % 7 == 3 ? -1 : 1;
    case Values::alternating: return k % 2 == 0 ? 1 : -1;
    default: return static_cast<int8_t>(random.integer(-1, 1));
  }
}

GuardedBuffer positive_floats(Random& random, int64_t count, float scale) {
  GuardedBuffer buffer(count * static_cast<int64_t>(sizeof(float)));
  for (int64_t i = 0; i < count; ++i) buffer.as<float>()[i] = random.positive() * scale;
  return buffer;
}

GuardedBuffer random_signs(Random& random, int64_t count) {
  GuardedBuffer buffer(count * static_cast<int64_t>(sizeof(float)));
  for (int64_t i = 0; i < count; ++i) buffer.as<float>()[i] = random.chance(2) ? 1.0f : -1.0f;
  return buffer;
}

GuardedBuffer bell_floats(Random& random, int64_t count) {
  GuardedBuffer buffer(count * static_cast<int64_t>(sizeof(float)));
  for (int64_t i = 0; i < count; ++i) buffer.as<float>()[i] = random.bell();
  return buffer;
}

}  // namespace

void store_any(void* data, ternary_dtype dtype, int64_t index, float value) {
  if (dtype == TERNARY_F8_E4M3) {
    static_cast<uint8_t*>(data)[index] = to_f8(value);
  } else {
    store_float(data, dtype, index, value);
  }
}

void fill_row(Random& random, int kind, int64_t K, float* row) {
  const int64_t spot = random.integer(0, K - 1);
  for (int64_t k = 0; k < K; ++k) {
    switch (kind) {
      case 2: row[k] = k % 2 == 0 ? 0.0f : -0.0f; break;
      case 3: row[k] = static_cast<float>(random.integer(-126, 125)) + 0.5f; break;
      case 4: row[k] = random.bell() * 0x1p-128f; break;
      case 6: row[k] = random.bell() * 0x1p120f; break;
      case 8: row[k] = random.bell() * 1e-6f; break;
      case 9: row[k] = -3.5f; break;
      default: row[k] = random.bell(); break;
    }
  }
  if (kind == 1) row[spot] = 200.0f;
  if (kind == 3) row[spot] = 127.0f;  // inv = 1: every other value is a tie
  if (kind == 5) row[spot] = std::numeric_limits<float>::quiet_NaN();
  if (kind == 7) row[spot] = -std::numeric_limits<float>::infinity();
}

void vary_blocks(Random& random, int64_t block, int64_t K, float* row) {
  for (int64_t begin = 0; begin < K; begin += block) {
    const int kind = static_cast<int>(random.integer(0, 9));
    const float factors[] = {0.0f, 0x1p-60f, 0x1p-101f, 0x1p-128f, 0x1p-149f, 0x1p100f};
    if (kind >= 6) continue;
    for (int64_t k = begin; k < std::min(begin + block, K); ++k) {
      if (is_finite(row[k])) row[k] = row[k] * factors[kind];
    }
  }
}

Problem::Problem(const ProblemSpec& spec) : spec_(spec) {
  Random random(spec.seed);
  fill_x(random);
  fill_weights(random);
  if (spec.bias) bias = bell_floats(random, spec.N);
  if (spec.norm) norm_weight = positive_floats(random, spec.K, 2.0f);
  if (spec.residual) {
    residual = GuardedBuffer(((spec.M - 1) * ld_residual() + spec.K) * dtype_bytes(*spec.residual));
    std::memset(residual.data(), 0xff, residual.bytes());  // NaN in the gaps
    for (int64_t m = 0; m < spec.M; ++m) {
      for (int64_t k = 0; k < spec.K; ++k) {
        store_any(residual.data(), *spec.residual, m * ld_residual() + k, random.bell());
      }
    }
  }
  if (spec.signs) signs = random_signs(random, spec.K);
  if (spec.values == Values::mixed) add_special_values(random);
  for (GuardedBuffer* input : {&x, &x_scale, &w, &i2s, &alpha, &bias, &residual, &norm_weight, &signs})
    input->make_read_only();
}

void Problem::add_special_values(Random& random) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity(), kNaN = std::numeric_limits<float>::quiet_NaN();
  const auto put = [&](GuardedBuffer& buffer, std::initializer_list<float> values) {
    if (buffer.empty() || !random.chance(6)) return;
    buffer.as<float>()[random.integer(0, buffer.bytes() / 4 - 1)] = random.pick(values);
  };
  put(x_scale, {kNaN, kInfinity, 0.0f, -0.0f, 1e-42f, 3e38f});
  put(bias, {kNaN, -kInfinity, -0.0f, 1e-42f, 3e38f});
  put(norm_weight, {kNaN, kInfinity, 0.0f, -1.0f, 1e-42f, 3e38f});
  put(alpha, {0.0f, -1.0f, 1e-42f, 3e38f});  // must be finite, but s * alpha may overflow
}

void Problem::fill_x(Random& random) {
  const int64_t element = dtype_bytes(spec_.x_dtype);
  x = GuardedBuffer(((spec_.M - 1) * ldx() + spec_.K) * element);
  // Gaps hold NaN (int8: 127), which would spread if they were read.
  std::memset(x.data(), spec_.x_dtype == TERNARY_I8 ? 0x7f : 0xff, x.bytes());
  const bool generated = spec_.values == Values::mixed || spec_.values == Values::finite;
  std::vector<float> row(spec_.K);
  for (int64_t m = 0; m < spec_.M; ++m) {
    int kind = static_cast<int>(random.integer(0, 9));
    if (spec_.values == Values::finite && (kind == 5 || kind == 7)) kind = 0;
    if (spec_.x_dtype != TERNARY_I8 && generated) fill_row(random, kind, spec_.K, row.data());
    if (spec_.block > 0 && generated) vary_blocks(random, spec_.block, spec_.K, row.data());
    for (int64_t k = 0; k < spec_.K; ++k) {
      if (spec_.x_dtype == TERNARY_I8) {
        x.as<int8_t>()[m * ldx() + k] = int8_value(random, spec_.values, k);
      } else {
        store_any(x.data(), spec_.x_dtype, m * ldx() + k, generated ? row[k] : row_value(spec_.values, m, k));
      }
    }
  }
  if (spec_.x_dtype == TERNARY_I8 || spec_.x_scale)
    x_scale = positive_floats(random, spec_.M * (spec_.x_scale ? 1 : scales()), 0.05f);
}

void Problem::fill_weights(Random& random) {
  const int64_t N = spec_.N, K = spec_.K;
  w = GuardedBuffer(N * K);
  for (int64_t n = 0; n < N; ++n) {
    for (int64_t k = 0; k < K; ++k) w.as<int8_t>()[n * K + k] = weight_value(random, spec_.values, n, k);
  }
  i2s = GuardedBuffer(N * ((K + 3) / 4));
  if (ternary_pack(w.as<int8_t>(), K, N, K, i2s.data()) != TERNARY_OK) std::abort();
  const int64_t counts[] = {1, N, K, spec_.group == 0 ? 0 : N * groups()};
  alpha = positive_floats(random, counts[spec_.kind], 0.1f);
}

WeightsHandle Problem::weights(ternary_layout layout) const {
  ternary_weights* handle = nullptr;
  const ternary_status status =
      ternary_weights_create(i2s.data(), TERNARY_LAYOUT_I2S, spec_.N, spec_.K, layout, spec_.kind, alpha.as<float>(),
                             alpha_count(), spec_.group, &handle);
  if (status != TERNARY_OK) {
    std::fprintf(stderr, "weights of %s: %s\n", spec_.text().c_str(), ternary_last_error());
    std::abort();
  }
  return WeightsHandle(handle);
}

LayerHandle Problem::layer(const ternary_weights* weights) const {
  ternary_layer_spec made_of = plain_layer(weights, spec_.activation);
  made_of.expected_rows = spec_.expected_rows;
  if (spec_.bias) made_of.bias = bias.as<float>();
  if (spec_.norm) {
    made_of.norm_weight = norm_weight.as<float>();
    made_of.eps = eps;
  }
  made_of.block = spec_.block;
  made_of.rotation = spec_.rotation;
  if (spec_.signs) made_of.rotation_signs = signs.as<float>();
  LayerHandle layer = make_layer(made_of);
  if (layer == nullptr) {
    std::fprintf(stderr, "layer of %s: %s\n", spec_.text().c_str(), ternary_last_error());
    std::abort();
  }
  return layer;
}

Output Problem::output(int64_t first_row, int64_t rows) const {
  Output out;
  out.y = OutputMatrix(spec_.y_dtype, rows, spec_.N, spec_.N + spec_.y_gap);
  if (!spec_.residual) return out;
  out.residual_out = OutputMatrix(*spec_.residual, rows, spec_.K, ld_residual());
  if (spec_.in_place) {
    const int64_t element = dtype_bytes(*spec_.residual);
    for (int64_t m = 0; m < rows; ++m) {
      std::memcpy(out.residual_out.row(m), residual.data() + (first_row + m) * ld_residual() * element,
                  spec_.K * element);
    }
  }
  return out;
}

ternary_operands Problem::operands(Output& out, int64_t first_row, int64_t rows) const {
  const void* x_row = x.data() + first_row * ldx() * dtype_bytes(spec_.x_dtype);
  ternary_operands o = product_of(x_row, spec_.x_dtype, ldx(), out.y.data(), spec_.y_dtype, out.y.ld(), rows);
  if (!x_scale.empty()) {
    o.x_scale = x_scale.as<float>() + first_row * (spec_.x_dtype == TERNARY_I8 ? scales() : 1);
  }
  if (!spec_.residual) return o;
  o.residual_out = out.residual_out.data();
  o.residual =
      spec_.in_place ? o.residual_out : residual.data() + first_row * ld_residual() * dtype_bytes(*spec_.residual);
  o.residual_dtype = *spec_.residual;
  o.ld_residual = ld_residual();
  return o;
}

ternary_status Problem::run(ternary_runtime* runtime, const ternary_layer* layer, Output& out, int64_t first_row,
                            int64_t rows) const {
  set_crash_note(spec_.text());
  const ternary_operands o = operands(out, first_row, rows);
  return runtime == nullptr ? ternary_oracle_apply(layer, &o) : ternary_apply(runtime, layer, &o);
}

Output Problem::expected() const {
  Output out = output();
  if (run(nullptr, layer(TERNARY_LAYOUT_I2S).get(), out) != TERNARY_OK) {
    std::fprintf(stderr, "oracle of %s: %s\n", spec_.text().c_str(), ternary_last_error());
    std::abort();
  }
  return out;
}

namespace {

/** Empty, or the first element that is further from what is expected than a16_bound() allows. */
std::string a16_difference(const Problem& problem, const OutputMatrix& got, const OutputMatrix& expected,
                           int64_t first_row) {
  for (int64_t m = 0; m < got.rows(); ++m) {
    for (int64_t n = 0; n < got.columns(); ++n) {
      const double y = got.value(m, n), wanted = expected.value(m + first_row, n);
      const double bound = a16_bound(problem, m + first_row, n, wanted);
      if (within(bound, y, wanted)) continue;
      return "row " + std::to_string(m) + ", column " + std::to_string(n) + " is " + std::to_string(y) + ", expected " +
             std::to_string(wanted) + " within " + std::to_string(bound);
    }
  }
  return "";
}

}  // namespace

std::string Problem::verdict(const Output& got, const Output& expected, int64_t first_row) const {
  const struct {
    const char* name;
    const OutputMatrix& got;
    const OutputMatrix& expected;
  } outputs[] = {{"y", got.y, expected.y}, {"residual_out", got.residual_out, expected.residual_out}};
  for (const auto& o : outputs) {
    if (o.got.empty()) continue;
    std::string what = o.got.outside_written(o.got.whole());
    const bool bounded = on_gpu() && spec_.activation == TERNARY_A16 && &o.got == &got.y;
    if (what.empty() && bounded) what = a16_difference(*this, o.got, o.expected, first_row);
    if (what.empty() && !bounded) what = o.got.difference(o.expected, o.got.whole(), first_row);
    if (!what.empty()) return std::string(o.name) + ": " + what + " in " + spec_.text();
  }
  return "";
}

double alpha_of(const Problem& p, int64_t n, int64_t k) {
  const float* alpha = p.alpha.as<float>();
  switch (p.spec().kind) {
    case TERNARY_ALPHA_ROW: return alpha[n];
    case TERNARY_ALPHA_COLUMN: return alpha[k];
    case TERNARY_ALPHA_GROUP: return alpha[n * p.groups() + k / p.spec().group];
    default: return alpha[0];
  }
}

}  // namespace ternary::test
