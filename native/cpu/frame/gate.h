/**
 * @file gate.h
 * @brief Applies the gate function of experts to rows (GateFn), written once over Lanes; include a lanes header first.
 */
#ifndef TERNARY_CPU_FRAME_GATE_H_
#define TERNARY_CPU_FRAME_GATE_H_

#include "abi/elementary.h"
#include "cpu/frame/rows.h"

namespace ternary::cpu {
namespace {

struct GateAndUp {
  Lanes::F gate, up;
};

/** Those of places i ... i + 16 of a row, zeros beyond I. */
inline GateAndUp load_gate_and_up(const GateTask& t, int64_t m, int64_t i) {
  const float *row = t.in + m * t.ld_in, *up_row = t.up_in + m * t.ld_in;
  if (t.order == TERNARY_INTERLEAVED) {
    const int64_t k = 2 * i, K = 2 * t.I;
    const Lanes::F first = load_lanes<TERNARY_F32>(row, k, K);
    const Lanes::F second = k + 16 < K ? load_lanes<TERNARY_F32>(row, k + 16, K) : Lanes::set(0.0f);
    if (row == up_row) return {Lanes::evens(first, second), Lanes::odds(first, second)};
    const Lanes::F up_first = load_lanes<TERNARY_F32>(up_row, k, K);
    const Lanes::F up_second = k + 16 < K ? load_lanes<TERNARY_F32>(up_row, k + 16, K) : Lanes::set(0.0f);
    return {Lanes::evens(first, second), Lanes::odds(up_first, up_second)};
  }
  const float* gate = t.order == TERNARY_GATE_UP ? row : row + t.I;
  const float* up = t.order == TERNARY_GATE_UP ? up_row + t.I : up_row;
  return {load_lanes<TERNARY_F32>(gate, i, t.I), load_lanes<TERNARY_F32>(up, i, t.I)};
}

template <ternary_gate_function function>
Lanes::F activation(Lanes::F gate) {
  switch (function) {
    case TERNARY_RELU2: return elementary::relu2<Lanes>(gate);
    case TERNARY_GELU: return elementary::gelu<Lanes>(gate);
    default: return elementary::silu<Lanes>(gate);
  }
}

template <ternary_gate_function function>
void gate_rows(const GateTask& t, int64_t m_begin, int64_t m_end) {
  for (int64_t m = m_begin; m < m_end; ++m) {
    for (int64_t i = 0; i < t.I; i += 16) {
      const GateAndUp pair = load_gate_and_up(t, m, i);
      Lanes::F gate = rounded(pair.gate, t.round_gate_up), up = rounded(pair.up, t.round_gate_up);
      if (function == TERNARY_SILU_CLAMP) {
        gate = elementary::clamp_gate<Lanes>(gate, t.limit);
        up = elementary::clamp_up<Lanes>(up, t.limit);
      }
      const Lanes::F f = rounded(activation<function>(gate), t.round_activation);
      store_lanes<TERNARY_F32>(t.h + m * t.ldh, i, t.I, rounded(Lanes::mul(f, up), t.round_product));
    }
  }
}

inline void gate_rows(const GateTask& t, int64_t m_begin, int64_t m_end) {
  switch (t.function) {
    case TERNARY_SILU_CLAMP: return gate_rows<TERNARY_SILU_CLAMP>(t, m_begin, m_end);
    case TERNARY_RELU2: return gate_rows<TERNARY_RELU2>(t, m_begin, m_end);
    case TERNARY_GELU: return gate_rows<TERNARY_GELU>(t, m_begin, m_end);
    default: return gate_rows<TERNARY_SILU>(t, m_begin, m_end);
  }
}

}  // namespace
}  // namespace ternary::cpu

/** Defines the GateFn `function`, which needs no scratch. */
#define TERNARY_CPU_GATE(function)                                                                                 \
  namespace ternary::cpu {                                                                                         \
  void function(const GateTask& task, int64_t m_begin, int64_t m_end, float*) { gate_rows(task, m_begin, m_end); } \
  }

#endif  // TERNARY_CPU_FRAME_GATE_H_
