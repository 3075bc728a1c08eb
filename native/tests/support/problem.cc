#include "support/problem.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <vector>

#include "abi/dtype.h"
#include "support/operands.h"

namespace ternary::test {
namespace {

constexpr const char* kDtypeNames[] = {"f32", "f16", "bf16", "f8", "i8"};
constexpr const char* kKindNames[] = {"tensor", "row", "column", "group"};
constexpr const char* kValueNames[] = {"mixed", "finite", "all_max", "all_min", "alternating", "zero"};

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

GuardedBuffer bell_floats(Random& random, int64_t count) {
  GuardedBuffer buffer(count * static_cast<int64_t>(sizeof(float)));
  for (int64_t i = 0; i < count; ++i) buffer.as<float>()[i] = random.bell();
  return buffer;
}

}  // namespace

std::string ProblemSpec::text() const {
  char buffer[320];
  std::snprintf(buffer, sizeof buffer,
                "%s%s M=%ld N=%ld K=%ld x=%s y=%s alpha=%s:%ld%s%s residual=%s%s gaps=%ld,%ld,%ld values=%s seed=%lu",
                activation == TERNARY_A8 ? "a8" : "a16", norm ? " rmsnorm" : "", static_cast<long>(M),
                static_cast<long>(N), static_cast<long>(K), kDtypeNames[x_dtype], kDtypeNames[y_dtype],
                kKindNames[kind], static_cast<long>(group), bias ? " bias" : "", x_scale ? " x_scale" : "",
                residual ? kDtypeNames[*residual] : "none", in_place ? " in place" : "", static_cast<long>(x_gap),
                static_cast<long>(y_gap), static_cast<long>(residual_gap), kValueNames[static_cast<int>(values)],
                static_cast<unsigned long>(seed));
  return buffer;
}

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
  if (spec.values == Values::mixed) add_special_values(random);
  for (GuardedBuffer* input : {&x, &x_scale, &w, &i2s, &alpha, &bias, &residual, &norm_weight}) input->make_read_only();
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
    for (int64_t k = 0; k < spec_.K; ++k) {
      if (spec_.x_dtype == TERNARY_I8) {
        x.as<int8_t>()[m * ldx() + k] = int8_value(random, spec_.values, k);
      } else {
        store_any(x.data(), spec_.x_dtype, m * ldx() + k, generated ? row[k] : row_value(spec_.values, m, k));
      }
    }
  }
  if (spec_.x_dtype == TERNARY_I8 || spec_.x_scale) x_scale = positive_floats(random, spec_.M, 0.05f);
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
  if (spec_.bias) made_of.bias = bias.as<float>();
  if (spec_.norm) {
    made_of.norm_weight = norm_weight.as<float>();
    made_of.eps = eps;
  }
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
  if (!x_scale.empty()) o.x_scale = x_scale.as<float>() + first_row;
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
      if (std::isnan(y) && std::isnan(wanted)) continue;
      const double bound = a16_bound(problem, m + first_row, n, wanted);
      const bool close = bound >= 0 ? std::fabs(y - wanted) <= bound : !std::isnan(wanted);
      if (close || y == wanted) continue;
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

ProblemSpec random_spec(uint64_t seed, int64_t budget) {
  Random random(seed);
  ProblemSpec s;
  s.seed = seed;
  do {
    s.K = random.chance(3) ? random.pick<int64_t>({1, 63, 64, 65, 127, 128, 129, 255, 256, 257, 1040, 2047, 2049, 4133})
                           : random.integer(1, 300);
    s.N = random.chance(3) ? random.pick<int64_t>({1, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 100})
                           : random.integer(1, 40);
    s.M = random.chance(3) ? random.pick<int64_t>({1, 15, 16, 17, 31, 32, 33, 64, 65}) : random.integer(1, 9);
  } while (s.M * s.N * s.K > budget);
  s.activation = random.chance(3) ? TERNARY_A16 : TERNARY_A8;
  s.norm = random.chance(3);
  s.kind = random.pick({TERNARY_ALPHA_TENSOR, TERNARY_ALPHA_ROW, TERNARY_ALPHA_COLUMN, TERNARY_ALPHA_GROUP});
  if (s.kind == TERNARY_ALPHA_GROUP) s.group = random.pick<int64_t>({32, 64, 96, 128, 160, 256, 2048, 4096});
  const bool int8_allowed = s.activation == TERNARY_A8 && !s.norm && s.kind != TERNARY_ALPHA_COLUMN;
  s.x_dtype = static_cast<ternary_dtype>(random.integer(0, int8_allowed ? 4 : 3));
  s.x_scale = s.x_dtype == TERNARY_F8_E4M3 && random.chance(2);
  s.y_dtype = random.pick({TERNARY_F32, TERNARY_F16, TERNARY_BF16});
  s.bias = random.chance(2);
  if (s.norm && !random.chance(3)) {
    s.residual = random.pick({TERNARY_F32, TERNARY_F16, TERNARY_BF16});
    s.in_place = random.chance(2);
  }
  for (int64_t* gap : {&s.x_gap, &s.y_gap, &s.residual_gap}) *gap = random.chance(2) ? random.integer(1, 70) : 0;
  s.values = random.chance(2) ? Values::mixed : static_cast<Values>(random.integer(0, 5));
  return s;
}

ProblemSpec plain_spec(ternary_activation activation, int64_t M, int64_t N, int64_t K) {
  ProblemSpec spec;
  spec.activation = activation;
  spec.M = M;
  spec.N = N;
  spec.K = K;
  spec.kind = TERNARY_ALPHA_ROW;
  spec.bias = true;
  spec.values = Values::finite;
  return spec;
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
