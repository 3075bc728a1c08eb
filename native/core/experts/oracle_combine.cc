/** The oracle's slots by expert, and the sums over slots. */
#include <vector>

#include "abi/dtype.h"
#include "core/experts/oracle.h"

namespace ternary::oracle {
namespace {

/** Y of row m with the residual added, in the residual's type. */
void add_residual(const SlotSums& sums, int64_t m, int64_t h) {
  const float y = load_float(sums.y, sums.y_dtype, m * sums.ldy + h);
  const int64_t place = m * sums.ld_residual + h;
  store_float(sums.residual_out, sums.residual_dtype, place, load_float(sums.residual, sums.residual_dtype, place) + y);
}

}  // namespace

void align(const ternary_align_operands& o) {
  const Slots slots = slots_of(o, o.E);
  int32_t count = 0;
  for (int64_t e = 0; e < o.E; ++e) {
    o.offsets[e] = count;
    for (int64_t m = 0; m < o.M; ++m) {
      for (int64_t t = 0; t < o.T; ++t) {
        if (slots.id(m, t) == e) o.slots[count++] = static_cast<int32_t>(m * o.T + t);
      }
    }
  }
  o.offsets[o.E] = count;
}

void sum_slots(const Slots& slots, const SlotWeights& weights, const std::vector<float>& d, float scaling,
               const SlotSums& sums, int64_t m) {
  const auto H = static_cast<int64_t>(d.size()) / slots.T;
  for (int64_t h = 0; h < H; ++h) {
    float p = 0;
    for (int64_t t = 0; t < slots.T; ++t) {
      if (slots.id(m, t) == -1) continue;
      const float value = d[t * H + h];
      p = p +
          (weights.weights == nullptr ? value : load_float(weights.weights, weights.dtype, m * weights.ld + t) * value);
    }
    store_float(sums.y, sums.y_dtype, m * sums.ldy + h, p * scaling);
    if (sums.residual != nullptr) add_residual(sums, m, h);
  }
}

void combine(const ternary_combine_operands& o) {
  const Slots slots = slots_of(o, o.E);
  for (int64_t m = 0; m < o.M; ++m) {
    std::vector<float> d(o.T * o.H);
    for (int64_t t = 0; t < o.T; ++t) {
      for (int64_t h = t * o.H; slots.id(m, t) != -1 && h < (t + 1) * o.H; ++h) {
        d[h] = load_float(o.d, o.d_dtype, m * o.ldd + h);
      }
    }
    sum_slots(slots, slot_weights_of(o), d, o.scaling, slot_sums_of(o), m);
  }
}

}  // namespace ternary::oracle
