#include "core/product/gate.h"

#include "abi/dtype.h"
#include "abi/elementary.h"

namespace ternary::oracle {
namespace {

float activation(ternary_gate_function function, float gate) {
  switch (function) {
    case TERNARY_SILU:
    case TERNARY_SILU_CLAMP: return elementary::silu<Scalar>(gate);
    case TERNARY_RELU2: return elementary::relu2<Scalar>(gate);
    case TERNARY_GELU: return elementary::gelu<Scalar>(gate);
  }
  return 0;
}

/** Place of gate i in a row of `in`; that of its up. */
int64_t gate_place(const GateTask& task, int64_t i) {
  return task.order == TERNARY_GATE_UP ? i : task.order == TERNARY_UP_GATE ? task.I + i : 2 * i;
}
int64_t up_place(const GateTask& task, int64_t i) {
  return task.order == TERNARY_GATE_UP ? task.I + i : task.order == TERNARY_UP_GATE ? i : 2 * i + 1;
}

}  // namespace

void gate(const GateTask& task, int64_t M) {
  for (int64_t m = 0; m < M; ++m) {
    for (int64_t i = 0; i < task.I; ++i) {
      const float *row = task.in + m * task.ld_in, *up_row = task.up_in + m * task.ld_in;
      float g = round_float(row[gate_place(task, i)], task.round_gate_up);
      float u = round_float(up_row[up_place(task, i)], task.round_gate_up);
      if (task.function == TERNARY_SILU_CLAMP) {
        g = elementary::clamp_gate<Scalar>(g, task.limit);
        u = elementary::clamp_up<Scalar>(u, task.limit);
      }
      const float f = round_float(activation(task.function, g), task.round_activation);
      task.h[m * task.ldh + i] = round_float(f * u, task.round_product);
    }
  }
}

}  // namespace ternary::oracle
