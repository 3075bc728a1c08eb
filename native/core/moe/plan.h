/**
 * @file plan.h
 * @brief How a call of a layer of experts is served on the CPU: kernels, sizes, and where everything lies between stages.
 */
#ifndef TERNARY_CORE_MOE_PLAN_H_
#define TERNARY_CORE_MOE_PLAN_H_

#include "core/experts/moe.h"
#include "core/moe/order.h"
#include "core/moe/products.h"
#include "core/moe/rows.h"
#include "core/runtime/runtime.h"

namespace ternary {

/** What does not depend on where the operands are, for `rows` rows at a time. */
struct MoeSizes {
  MoeSizes(const ternary_runtime& runtime, const ternary_moe& moe, int64_t T);

  int64_t T, E, H, I;
  RowSizes x, h;
  bool by_slot;           ///< x' differs from slot to slot of a row
  int64_t parts;          ///< x' of a slot: 2 where gate and up have columns' alphas of their own
  ternary_dtype d_dtype;  ///< of what experts make
  int64_t threads;
  int64_t gemm_scratch;  ///< bytes of a thread
  int64_t row_scratch;   ///< floats of a thread
  int64_t rows = 1;      ///< of X that are taken at once

  int64_t slots() const { return rows * T; }
};

/** What lies between the stages. `Arena` hands out memory, or only counts it. */
struct MoeBuffers {
  template <typename Arena>
  MoeBuffers(Arena& arena, const MoeSizes& z) {
    const int64_t slots = z.slots();
    gemm = arena.template take<char>(z.threads * z.gemm_scratch);  // below X: core/runtime/dispatch.cc says why
    order.offsets = arena.template take<int32_t>(z.E + 1);
    order.slots = arena.template take<int32_t>(slots);
    order.places = arena.template take<int32_t>(slots);
    products = arena.template take<ExpertProduct>(z.parts * (z.E < slots ? z.E : slots));
    gathered = arena.template take<uint8_t>(z.E);
    if (!z.by_slot) {
      x_of_row.take(arena, z.x, z.rows);
      scales_of_row.take(arena, z.x, z.rows);
    }
    // One row of X lies at a stride for whatever expert, so no copy of it is made.
    if (z.by_slot || z.rows > 1) x_of_place.take(arena, z.x, z.parts * slots);
    x_scales.take(arena, z.x, z.parts * slots);
    h.take(arena, z.h, slots);
    h_scales.take(arena, z.h, slots);
    gate_up = arena.template take<float>(z.parts * slots * 2 * z.I);
    d = arena.template take<char>(slots * z.H * (z.d_dtype == TERNARY_F32 ? 4 : 2));
    floats = arena.template take<float>(z.threads * z.row_scratch);
  }

  char* gemm;
  SlotOrder order;
  ExpertProduct* products;
  uint8_t* gathered;          ///< [E]: x' of the expert's rows is copied to its places, as they lie at no stride
  ReadyRows x_of_row;         ///< [rows], where x' is the same for all slots of a row
  ReadyScales scales_of_row;  ///< [rows]
  ReadyRows x_of_place;       ///< [parts][slots]
  ReadyScales x_scales;       ///< [parts][slots]
  ReadyRows h;                ///< [slots]
  ReadyScales h_scales;       ///< [slots]
  float* gate_up;             ///< [parts][slots, 2 I]
  char* d;                    ///< [slots, H]
  float* floats;              ///< of each thread
};

/** Bytes of the scratch that the buffers take. */
int64_t scratch_bytes(const MoeSizes& sizes);

/** Sets `rows`: as many of M as scratch of a bounded size is enough for, and one at least. */
void set_rows(int64_t M, MoeSizes& sizes);

}  // namespace ternary

#endif  // TERNARY_CORE_MOE_PLAN_H_
