// Compiled once for each kind of lanes. TERNARY_LANES is its header, TERNARY_FUNCTIONS the function to define.
#include "cpu/elementary_lanes.h"

#include TERNARY_LANES

#include "abi/elementary.h"

namespace ternary::test {
namespace {

using cpu::Lanes;

template <Lanes::F (*function)(Lanes::F)>
void apply(const float* x, float* y, int64_t count) {
  for (int64_t i = 0; i < count; i += 16) Lanes::store(y + i, function(Lanes::load(x + i)));
}

Lanes::F clamp_gate(Lanes::F gate) { return elementary::clamp_gate<Lanes>(gate, kTestedLimit); }
Lanes::F clamp_up(Lanes::F up) { return elementary::clamp_up<Lanes>(up, kTestedLimit); }

}  // namespace

ElementaryFunctions TERNARY_FUNCTIONS() {
  return {apply<elementary::exp<Lanes>>,
          apply<elementary::sigmoid<Lanes>>,
          apply<elementary::silu<Lanes>>,
          apply<elementary::gelu<Lanes>>,
          apply<elementary::relu2<Lanes>>,
          apply<clamp_gate>,
          apply<clamp_up>};
}

}  // namespace ternary::test
