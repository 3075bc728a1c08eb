// The functions of elementary.h on every kind of lanes that this machine has: the bits of the same text on one float, over
// all of bf16 and f16 and four million floats.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "abi/dtype.h"
#include "abi/elementary.h"
#include "core/base/float_environment.h"
#include "cpu/cpu_features.h"
#include "cpu/elementary_lanes.h"
#include "support/random.h"

namespace ternary::test {
namespace {

struct LanesRow {
  const char* name;
  Isa isa;  ///< whose instructions it executes
  ElementaryFunctions (*functions)();
};

constexpr LanesRow kLanes[] = {{"portable", Isa::portable, elementary_on_portable},
                               {"avx2", Isa::avx2, elementary_on_avx2},
                               {"avx512", Isa::avx512vnni, elementary_on_avx512},
                               {"emulated avx512", Isa::avx2, elementary_on_emulated_avx512}};

struct FunctionRow {
  const char* name;
  float (*scalar)(float);
  RowFn ElementaryFunctions::* lanes;
};

const FunctionRow kFunctions[] = {
    {"exp", elementary::exp<Scalar>, &ElementaryFunctions::exp},
    {"sigmoid", elementary::sigmoid<Scalar>, &ElementaryFunctions::sigmoid},
    {"silu", elementary::silu<Scalar>, &ElementaryFunctions::silu},
    {"gelu", elementary::gelu<Scalar>, &ElementaryFunctions::gelu},
    {"relu2", elementary::relu2<Scalar>, &ElementaryFunctions::relu2},
    {"clamp_gate", [](float g) { return elementary::clamp_gate<Scalar>(g, kTestedLimit); },
     &ElementaryFunctions::clamp_gate},
    {"clamp_up", [](float u) { return elementary::clamp_up<Scalar>(u, kTestedLimit); }, &ElementaryFunctions::clamp_up},
};

/** Random bits give mostly what saturates; so half of the floats are of sizes that the functions are used with. */
std::vector<float> inputs() {
  std::vector<float> x;
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    x.push_back(bf16_to_float(static_cast<uint16_t>(bits)));
    x.push_back(f16_to_float(static_cast<uint16_t>(bits)));
  }
  Random random(18);
  for (int i = 0; i < 1 << 21; ++i) {
    x.push_back(bits_float(static_cast<uint32_t>(random.bits())));
    x.push_back(random.bell() * 30);
  }
  return x;
}

/** Empty, or the first value that differs: by bits, NaN as a class. */
std::string difference(const std::vector<float>& x, const std::vector<float>& got, const std::vector<float>& expected) {
  for (size_t i = 0; i < x.size(); ++i) {
    if (float_bits(got[i]) == float_bits(expected[i]) || (std::isnan(got[i]) && std::isnan(expected[i]))) continue;
    return "of " + std::to_string(x[i]) + " is " + std::to_string(got[i]) + ", expected " + std::to_string(expected[i]);
  }
  return "";
}

TEST(ElementaryLanes, GiveTheBitsOfOneFloat) {
  const FloatEnvironment environment;
  const std::vector<float> x = inputs();
  ASSERT_EQ(x.size() % 16, 0u);
  std::vector<float> expected(x.size()), got(x.size());
  for (const FunctionRow& function : kFunctions) {
    std::transform(x.begin(), x.end(), expected.begin(), function.scalar);
    for (const LanesRow& lanes : kLanes) {
      if (cpu::isa_missing(lanes.isa) != nullptr) continue;
      (lanes.functions().*function.lanes)(x.data(), got.data(), static_cast<int64_t>(x.size()));
      EXPECT_EQ(difference(x, got, expected), "") << function.name << " on " << lanes.name;
    }
  }
}

}  // namespace
}  // namespace ternary::test
