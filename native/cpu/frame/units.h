/**
 * @file units.h
 * @brief Products whose K is summed in units, each with a scale: an alpha per group, a scale of X per block, or both.
 */
#ifndef TERNARY_CPU_FRAME_UNITS_H_
#define TERNARY_CPU_FRAME_UNITS_H_

#include "cpu/frame/patch.h"

namespace ternary::cpu {
namespace {

/** What the sum of a unit is multiplied by before super-blocks are summed. */
enum class UnitScale : uint8_t {
  group,  ///< alpha[n, g]; s[m] comes last
  block,  ///< s[m, b]; alpha[n] comes last
  both    ///< s[m, b] * alpha[n, g]
};

template <UnitScale kScale>
using ScaleOf = std::integral_constant<UnitScale, kScale>;

/** Calls multiply(ScaleOf<...>()). */
template <class Multiply>
void for_unit_scale(const GemmTask& t, Multiply multiply) {
  if (t.block == 0) return multiply(ScaleOf<UnitScale::group>());
  if (t.group == 0) return multiply(ScaleOf<UnitScale::block>());
  return multiply(ScaleOf<UnitScale::both>());
}

/** The group or the block that a unit lies in, as units are gone through in order. */
class Owner {
 public:
  /** `units` of each; 0 if there are none of the kind. */
  Owner(int64_t first, int64_t units)
      : units_(units), index_(units ? first / units : 0), unit_(units ? first % units : 0) {}
  int64_t index() const { return index_; }
  void next() {
    if (++unit_ == units_) {
      unit_ = 0;
      ++index_;
    }
  }

 private:
  int64_t units_, index_, unit_;
};

/** Units first ... last of a super-block that is begin ... end. */
struct Units {
  int64_t begin, end, first, last;
};

/** Their sums, [unit][row][kColumns]: as many as there is room for at once, else the first alone. Sets u.last. */
template <class Micro>
void accumulate_units(const Patch& patch, const GemmScratch<Micro>& space, Units& u) {
  const int64_t cells = patch.rows * Micro::kColumns;
  if constexpr (UnitColumns<Micro>::value > 0) {
    if (patch.unit <= UnitColumns<Micro>::value) {
      const int64_t room = GemmScratch<Micro>::kSums / cells;
      u.last = u.first + room < u.end ? u.first + room : u.end;
      return Micro::accumulate_units(patch, u.first, u.last, space.sums);
    }
  }
  u.last = u.first + 1;
  const int64_t k_end = u.last * patch.unit < patch.task.K ? u.last * patch.unit : patch.task.K;
  std::memset(space.sums, 0, static_cast<size_t>(cells) * sizeof(*space.sums));
  Micro::accumulate(patch, u.first * patch.unit, k_end, space.sums, space.decoded);
}

/** p += sums of the units times their scales; P += p where the super-block ends. */
template <UnitScale kScale, class Micro>
void scale_units(const Patch& patch, const GemmScratch<Micro>& space, const Units& u) {
  const GemmTask& t = patch.task;
  const int64_t units = ceil_div(t.K, patch.unit), blocks = scales_of_row(t.K, t.block);
  const int64_t groups = t.group > 0 ? ceil_div(t.K, t.group) : 0;
  const Owner first_group(u.first, t.group / patch.unit), first_block(u.first, t.block / patch.unit);
  for (int64_t p = 0; p < patch.panels; ++p) {
    const float* alpha = t.alpha + (patch.n / 16 + p) * groups * 16;
    for (int64_t i = 0; i < patch.rows; ++i) {
      const int64_t cell = i * Micro::kColumns + 16 * p;
      const float* s = kScale == UnitScale::group ? nullptr : t.s + (patch.m + i) * blocks;
      const int32_t* q_sums = GemmScratch<Micro>::kA8 ? t.q_sums + (patch.m + i) * units + u.first : nullptr;
      Owner group = first_group, block = first_block;
      Lanes::F product = u.first == u.begin ? Lanes::set(0.0f) : Lanes::load(space.super_block_products + cell);
      for (int64_t j = 0; j < u.last - u.first; ++j, group.next(), block.next()) {
        const auto* sums = space.sums + j * patch.rows * Micro::kColumns + cell;
        const Lanes::F sum = sums_as_float(sums, GemmScratch<Micro>::kA8 ? q_sums[j] : 0);
        Lanes::F scale;
        if constexpr (kScale == UnitScale::group) scale = Lanes::load(alpha + 16 * group.index());
        if constexpr (kScale == UnitScale::block) scale = Lanes::set(s[block.index()]);
        if constexpr (kScale == UnitScale::both) {
          scale = Lanes::mul(Lanes::set(s[block.index()]), Lanes::load(alpha + 16 * group.index()));
        }
        product = Lanes::fma(sum, scale, product);
      }
      if (u.last < u.end) {
        Lanes::store(space.super_block_products + cell, product);
      } else if (kScale != UnitScale::group && u.begin == 0) {
        Lanes::store(space.products + cell, product);  // P = p_0, whose -0 stays; groups alone begin with +0
      } else {
        Lanes::store(space.products + cell, Lanes::add(Lanes::load(space.products + cell), product));
      }
    }
  }
}

/** y from P. */
template <UnitScale kScale, ternary_dtype kType, class Micro>
void finish_units(const Patch& patch, const GemmScratch<Micro>& space) {
  constexpr bool kA8 = GemmScratch<Micro>::kA8;
  const GemmTask& t = patch.task;
  for (int64_t p = 0; p < patch.panels; ++p) {
    const int64_t n = patch.n + 16 * p, count = t.N - n;
    const Lanes::F bias = load_bias(t, n, count);
    const Lanes::F alpha = kScale == UnitScale::block ? load_columns(t.alpha + n, count) : bias;
    for (int64_t i = 0; i < patch.rows; ++i) {
      const int64_t m = patch.m + i;
      const Lanes::F product = Lanes::load(space.products + i * Micro::kColumns + 16 * p);
      Lanes::F y;
      if constexpr (kScale == UnitScale::block) {
        y = Lanes::fma(product, alpha, bias);
      } else if constexpr (kScale == UnitScale::group && kA8) {
        y = Lanes::fma(product, Lanes::set(t.s[m]), bias);
      } else {
        y = Lanes::add(product, bias);
      }
      store_columns<kType>(t, m, n, count, y);
    }
  }
}

template <class Micro>
void multiply_units(const Patch& patch, const GemmScratch<Micro>& space) {
  const GemmTask& t = patch.task;
  const int64_t units = ceil_div(t.K, patch.unit);
  const int64_t units_a_super_block = patch.unit < 2048 ? 2048 / patch.unit : 1;
  std::memset(space.products, 0, static_cast<size_t>(patch.rows * Micro::kColumns) * sizeof(float));
  for_unit_scale(t, [&](auto scale) {
    for (int64_t begin = 0; begin < units; begin += units_a_super_block) {
      Units u{begin, begin + units_a_super_block < units ? begin + units_a_super_block : units, begin, begin};
      for (; u.first < u.end; u.first = u.last) {
        accumulate_units(patch, space, u);
        scale_units<decltype(scale)::value>(patch, space, u);
      }
    }
    for_type(t.y_dtype, [&](auto type) { finish_units<decltype(scale)::value, decltype(type)::value>(patch, space); });
  });
}

}  // namespace
}  // namespace ternary::cpu

#endif  // TERNARY_CPU_FRAME_UNITS_H_
