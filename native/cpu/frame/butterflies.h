/**
 * @file butterflies.h
 * @brief Hadamard transforms of runs of a row in fp32 scratch, written once over Lanes; include a lanes header first.
 *
 * Strides below 16 are between lanes, the others between Lanes, of which Lanes::kButterflies stay in registers: 256 columns
 * of AVX-512. A run of as many columns takes one pass, of 4096 two. The order of the strides is the contract's, and pairs of
 * one stride are independent, so the bits are the same.
 */
#ifndef TERNARY_CPU_FRAME_BUTTERFLIES_H_
#define TERNARY_CPU_FRAME_BUTTERFLIES_H_

#include <cmath>
#include <type_traits>

#include "abi/kernel.h"

namespace ternary::cpu {
namespace {

/** So many Lanes in registers. A tree, as GCC 12 keeps an array of them in memory however a loop over it is unrolled. */
template <int kCount>
struct Part {
  Part<kCount / 2> low, high;
};
template <>
struct Part<1> {
  Lanes::F value;
};

#define TERNARY_INLINE __attribute__((always_inline)) inline

template <int kCount>
TERNARY_INLINE Part<kCount> add(const Part<kCount>& a, const Part<kCount>& b) {
  if constexpr (kCount == 1) {
    return {Lanes::add(a.value, b.value)};
  } else {
    return {add(a.low, b.low), add(a.high, b.high)};
  }
}

template <int kCount>
TERNARY_INLINE Part<kCount> sub(const Part<kCount>& a, const Part<kCount>& b) {
  if constexpr (kCount == 1) {
    return {Lanes::sub(a.value, b.value)};
  } else {
    return {sub(a.low, b.low), sub(a.high, b.high)};
  }
}

/** load(k), load(k + step) ... through the butterflies of strides `step`, 2 * step ... kCount / 2 * step. */
template <int kCount, class Load>
TERNARY_INLINE Part<kCount> cross(const Load& load, int64_t k, int64_t step) {
  if constexpr (kCount == 1) {
    return {load(k)};
  } else {
    const Part<kCount / 2> low = cross<kCount / 2>(load, k, step);
    const Part<kCount / 2> high = cross<kCount / 2>(load, k + kCount / 2 * step, step);
    return {add(low, high), sub(low, high)};
  }
}

/** Gives them to store(k, value), store(k + step, value) ... */
template <int kCount, class Store>
TERNARY_INLINE void spread(const Part<kCount>& part, Store& store, int64_t k, int64_t step) {
  if constexpr (kCount == 1) {
    store(k, part.value);
  } else {
    spread(part.low, store, k, step);
    spread(part.high, store, k + kCount / 2 * step, step);
  }
}

/** Columns behind the butterflies of strides below 16. */
template <class Load>
struct Near {
  Load load;

  Lanes::F operator()(int64_t k) const { return Lanes::butterflies(load(k)); }
};

/** Columns in scratch. */
struct Kept {
  const float* v;

  Lanes::F operator()(int64_t k) const { return Lanes::load(v + k); }
};

/** The strides below 16 * kCount of K columns: load(k) gives columns k ... k + 16, store(k, value) takes them. */
template <int kCount, class Load, class Store>
void cross_near(int64_t K, const Load& columns, Store& result) {
  const Near<Load> load = {columns};
  Store store = result;  // in registers, with what it gathers
  for (int64_t k = 0; k < K; k += 16 * kCount) spread(cross<kCount>(load, k, 16), store, k, 16);
  result = store;
}

/** The strides from `step` columns that kCount Lanes of scratch have, `step` columns apart. */
template <int kCount, class Store>
void cross_apart(const float* v, int64_t K, int64_t step, Store& result) {
  Store store = result;
  for (int64_t run = 0; run < K; run += kCount * step) {
    for (int64_t k = run; k < run + step; k += 16) spread(cross<kCount>(Kept{v}, k, step), store, k, step);
  }
  result = store;
}

/** use(constant `count`) for a power of two, 2 ... kMost. */
template <int kMost, class Use>
void with_count(int64_t count, const Use& use) {
  if constexpr (kMost > 2) {
    if (count < kMost) return with_count<kMost / 2>(count, use);
  }
  use(std::integral_constant<int, kMost>());
}

/** Keeps columns in scratch. */
struct Keep {
  float* v;

  void operator()(int64_t k, Lanes::F value) const { Lanes::store(v + k, value); }
};

/**
 * Every run of `rotation` of K columns, which load(k) gives and store(k, value) takes, not yet times rotation_factor(). `v`
 * holds them in between where a run does not stay in registers. A run is loaded before its first columns are stored.
 */
template <class Load, class Store>
void hadamard(float* v, int64_t K, int64_t rotation, const Load& load, Store& store) {
  constexpr int kMost = Lanes::kButterflies;
  int64_t step = 16 * kMost;
  if (rotation <= step) {
    return with_count<kMost>(rotation / 16, [&](auto count) { cross_near<count>(K, load, store); });
  }
  Keep keep = {v};
  cross_near<kMost>(K, load, keep);
  for (; step * kMost < rotation; step *= kMost) cross_apart<kMost>(v, K, step, keep);
  with_count<kMost>(rotation / step, [&](auto count) { cross_apart<count>(v, K, step, store); });
}

/** Columns times their signs, if there are signs. */
template <class Load>
struct Signed {
  Load load;
  const float* signs;

  Lanes::F operator()(int64_t k) const {
    const Lanes::F value = load(k);
    return signs ? Lanes::mul(value, Lanes::load(signs + k)) : value;
  }
};
template <class Load>
Signed(Load, const float*) -> Signed<Load>;

/** The fp32 nearest to 1 / sqrt(rotation). */
inline float rotation_factor(int64_t rotation) {
  return static_cast<float>(1 / std::sqrt(static_cast<double>(rotation)));
}

}  // namespace
}  // namespace ternary::cpu

#endif  // TERNARY_CPU_FRAME_BUTTERFLIES_H_
