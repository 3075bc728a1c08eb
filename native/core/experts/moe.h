/**
 * @file moe.h
 * @brief A layer of experts and the operands of one call of it, and the one place that checks both. Immutable, and of no
 * runtime.
 */
#ifndef TERNARY_CORE_EXPERTS_MOE_H_
#define TERNARY_CORE_EXPERTS_MOE_H_

#include <vector>

#include "core/experts/slots.h"
#include "core/weights/weights.h"

namespace ternary {

/** Rows of a matrix, begin ... end - 1. */
struct RowRange {
  int64_t begin, end;
};

}  // namespace ternary

struct ternary_moe {
  /** From a spec that check_moe_spec() has let pass. */
  explicit ternary_moe(const ternary_moe_spec& spec);
  ~ternary_moe();
  ternary_moe(const ternary_moe&) = delete;
  ternary_moe& operator=(const ternary_moe&) = delete;

  int64_t E() const { return w13.experts; }
  int64_t H() const { return w13.K; }
  int64_t I() const { return w2.K; }
  /** Row of W13 with feature i of the gate (part 0) or of up (part 1). */
  int64_t row13(int64_t i, int part) const {
    if (order == TERNARY_INTERLEAVED) return 2 * i + part;
    return (order == TERNARY_UP_GATE ? 1 - part : part) * I() + i;
  }
  /** Null: a rotation has none. */
  const float* signs13() const { return signs13_.empty() ? nullptr : signs13_.data(); }
  const float* signs2() const { return signs2_.empty() ? nullptr : signs2_.data(); }
  /** Whether any step of a call reads the slots' weights. */
  bool reads_weights() const { return !skip_combine || weight_on_input || weight_before_rounding; }
  /** Whether the sum over slots multiplies by the weights, which no step before it has done. */
  bool weighs_sum() const { return !weight_on_input && !weight_before_rounding; }
  /** Whether x' differs from slot to slot of a row. */
  bool x_by_slot() const { return weight_on_input || w13.column_alphas > 0; }
  /** x' of a slot: 2 where gate and up have columns' alphas of their own. */
  int64_t x_parts() const { return w13.column_alphas > 1 ? 2 : 1; }
  /** Rows of W13 that the products of a part of x' need, from a multiple of `multiple` on: all of them where there is one
   *  part, or where gates and ups alternate. */
  ternary::RowRange rows_of_part(int part, int64_t multiple) const;
  /** Of what experts make, before the sum. */
  ternary_dtype d_dtype() const { return weight_before_rounding ? TERNARY_F32 : round_expert; }
  /** What becomes of weights in the sum. */
  ternary::WeightUse weight_use() const;
  /** Columns of Y of T slots. */
  int64_t y_columns(int64_t T) const { return skip_combine ? T * H() : H(); }
  /** The gates' part of the work, of rows one behind the other; inputs and h are not set. */
  ternary::GateTask gate_task() const;
  /** Those of the signs. */
  int64_t bytes() const { return static_cast<int64_t>((signs13_.size() + signs2_.size()) * sizeof(float)); }

  const ternary_weights &w13, &w2;  ///< retained
  const ternary_gate_order order;
  const ternary_gate_function function;
  const float clamp, scaling;
  const ternary_dtype round_gate_up, round_activation, round_product, round_expert;
  const bool weight_on_input, weight_before_rounding, skip_combine;
  const ternary_activation activation;
  const int64_t block, rotation13, rotation2;
  mutable ternary::DeviceCopies copies;  ///< of the signs: a cache, so that layers stay immutable

 private:
  const std::vector<float> signs13_, signs2_;
};

namespace ternary {

/** Sizes of the structs in 0.2.0, the first version that had them. */
inline constexpr size_t kFirstMoeSpecBytes = 112, kFirstMoeBytes = 144;

/** What a caller gave, itself or in `room` as this library knows it; throws a Failure for the first rule that it
 *  breaks. */
const ternary_moe_spec& check_moe_spec(const ternary_moe_spec* given, ternary_moe_spec& room);

/** Rows m ... m + rows - 1 of the operands. */
ternary_moe_operands rows_of(const ternary_moe_operands& all, int64_t m, int64_t rows);

/** Throws if it is null. */
const ternary_moe& check_moe(const ternary_moe* moe);

/** As check_operands(): it reads no ids, see check_ids(). */
const ternary_moe_operands& check_moe_operands(const ternary_moe& moe, const ternary_moe_operands* given,
                                               ternary_moe_operands& room);

}  // namespace ternary

#endif  // TERNARY_CORE_EXPERTS_MOE_H_
