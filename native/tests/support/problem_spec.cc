#include "support/problem_spec.h"

#include <algorithm>
#include <cstdio>

#include "support/random.h"

namespace ternary::test {
namespace {

constexpr const char* kDtypeNames[] = {"f32", "f16", "bf16", "f8", "i8"};
constexpr const char* kKindNames[] = {"tensor", "row", "column", "group"};
constexpr const char* kValueNames[] = {"mixed", "finite", "all_max", "all_min", "alternating", "zero"};

}  // namespace

std::string ProblemSpec::text() const {
  char buffer[400];
  std::snprintf(buffer, sizeof buffer,
                "%s%s block=%ld rotation=%ld%s M=%ld N=%ld K=%ld x=%s y=%s alpha=%s:%ld%s%s residual=%s%s "
                "gaps=%ld,%ld,%ld values=%s seed=%lu",
                activation == TERNARY_A8 ? "a8" : "a16", norm ? " rmsnorm" : "", static_cast<long>(block),
                static_cast<long>(rotation), signs ? " with signs" : "", static_cast<long>(M), static_cast<long>(N),
                static_cast<long>(K), kDtypeNames[x_dtype], kDtypeNames[y_dtype], kKindNames[kind],
                static_cast<long>(group), bias ? " bias" : "", x_scale ? " x_scale" : "",
                residual ? kDtypeNames[*residual] : "none", in_place ? " in place" : "", static_cast<long>(x_gap),
                static_cast<long>(y_gap), static_cast<long>(residual_gap), kValueNames[static_cast<int>(values)],
                static_cast<unsigned long>(seed));
  return buffer;
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

ProblemSpec random_block_spec(uint64_t seed, int64_t budget) {
  ProblemSpec s = random_spec(seed, budget);
  Random random(seed ^ 0xb10c);
  const bool blocks = s.activation == TERNARY_A8 && !random.chance(4);
  if (!blocks || random.chance(2)) {
    s.rotation = random.pick<int64_t>({32, 64, 128, 256, 512, 1024, 2048, 4096});
    s.K = (s.K + s.rotation - 1) / s.rotation * s.rotation;
    s.signs = random.chance(2);
    s.M = std::max<int64_t>(1, std::min(s.M, budget / (s.N * s.K)));
    if (s.x_dtype == TERNARY_I8) s.x_dtype = TERNARY_BF16;
  }
  if (!blocks) return s;
  do {
    s.block = random.pick<int64_t>({32, 32, 64, 64, 96, 128, 128, 160, 192, 256, 512, 2048, 2080, 4096});
  } while (s.group > 0 && s.block % s.group != 0 && s.group % s.block != 0);
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

}  // namespace ternary::test
