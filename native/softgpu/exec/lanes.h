/**
 * @file lanes.h
 * @brief Loops over lanes. An operation is a struct with a static eval() of single values; the loops are compiled for
 * plain x86-64 and for AVX2 with FMA, and the machine chooses when an instruction is decoded.
 */
#ifndef TERNARY_SOFTGPU_EXEC_LANES_H_
#define TERNARY_SOFTGPU_EXEC_LANES_H_

#include <cstring>
#include <tuple>
#include <type_traits>
#include <utility>

#include "softgpu/code/opcode.h"
#include "softgpu/exec/warp.h"

namespace ternary::softgpu {

#define SOFTGPU_INLINE __attribute__((always_inline)) inline

/** A predicate as an argument or result of eval(). */
struct Predicate {
  bool value;
};
/** f16 and bf16, as bits. */
struct Half {
  uint16_t bits;
};
struct Brain {
  uint16_t bits;
};
/** Two of a kind in a 32-bit register. */
template <class T>
struct Pair {
  T low, high;
};

/** How a value lies in a register: uint32_t with zeros above the type, or uint64_t. */
template <class T>
using Stored = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;

template <class T>
SOFTGPU_INLINE T from_lane(Stored<T> stored) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(stored);
  } else {
    T value;
    __builtin_memcpy(&value, &stored, sizeof(T));
    return value;
  }
}

template <class T>
SOFTGPU_INLINE Stored<T> to_lane(T value) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<std::make_unsigned_t<T>>(value);
  } else {
    Stored<T> stored = 0;
    __builtin_memcpy(&stored, &value, sizeof(T));
    return stored;
  }
}

/** d[i] = f(i) for the lanes of a mask. f must do no harm for other lanes. */
template <class D, class F>
SOFTGPU_INLINE void each_lane(D* d, uint32_t mask, F f) {
  if (mask == kAllLanes) {
#pragma GCC ivdep
    for (int i = 0; i < kWarpLanes; ++i) d[i] = f(i);
  } else {
#pragma GCC ivdep
    for (int i = 0; i < kWarpLanes; ++i) d[i] = mask >> i & 1 ? f(i) : d[i];
  }
}

template <class T>
struct Lanes {
  const Stored<T>* at;
  SOFTGPU_INLINE T operator[](int i) const { return from_lane<T>(at[i]); }
};
template <>
struct Lanes<Predicate> {
  uint32_t bits;
  SOFTGPU_INLINE Predicate operator[](int i) const { return {(bits >> i & 1) != 0}; }
};

template <class T>
SOFTGPU_INLINE Lanes<T> lanes_of(Warp& warp, Slot slot) {
  if constexpr (std::is_same_v<T, Predicate>) {
    return {warp.predicate(slot)};
  } else {
    return {warp.lanes<Stored<T>>(slot)};
  }
}

template <class Op, class R, class... A, size_t... k>
SOFTGPU_INLINE Step apply_lanes(Warp& warp, const Instruction& instruction, uint32_t mask, std::index_sequence<k...>) {
  std::tuple<Lanes<A>...> source{lanes_of<A>(warp, instruction.op[k + 1])...};
  each_lane(warp.lanes<Stored<R>>(instruction.op[0]), mask,
            [&](int i) { return to_lane<R>(Op::eval(std::get<k>(source)[i]...)); });
  return Step::next;
}

template <class Op, class R, class... A>
Step apply(Warp& warp, const Instruction& instruction, uint32_t mask) {
  return apply_lanes<Op, R, A...>(warp, instruction, mask, std::index_sequence_for<A...>{});
}
template <class Op, class R, class... A>
__attribute__((target("avx2,fma,bmi2,f16c"))) Step apply_wide(Warp& warp, const Instruction& instruction,
                                                              uint32_t mask) {
  return apply_lanes<Op, R, A...>(warp, instruction, mask, std::index_sequence_for<A...>{});
}

inline bool machine_is_wide() {
  static const bool wide = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                           __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("f16c");
  return wide;
}

/** The function for op[0] = Op::eval(op[1], op[2] ...) with these types. */
template <class Op, class R, class... A>
ExecuteFn lanes_function() {
  return machine_is_wide() ? &apply_wide<Op, R, A...> : &apply<Op, R, A...>;
}

/** decode() of the usual instruction: one destination, then sources, all of one type. */
inline void decode_operands(Decoder& decoder, ptx::Type type, size_t sources) {
  decoder.need_operands(sources + 1, sources + 1);
  decoder.write(size_t{0}, type);
  for (size_t i = 1; i <= sources; ++i) decoder.read(i, type);
}

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_EXEC_LANES_H_
