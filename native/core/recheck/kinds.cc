#include "core/recheck/kinds.h"

#include <algorithm>
#include <initializer_list>
#include <vector>

#include "abi/dtype.h"
#include "core/moe/plan.h"

namespace ternary {
namespace {

/** FNV-1a by words: two kinds of one shape have one hash in 2^64 cases. */
uint64_t hash(std::initializer_list<int64_t> values) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const int64_t value : values) {
    hash = (hash ^ static_cast<uint64_t>(value)) * 0x100000001b3;
    hash ^= hash >> 29;
  }
  return hash;
}

/** Whether rows of a matrix begin at multiples of 16 bytes, as far as the stride says. */
bool rows_fit(int64_t ld, ternary_dtype dtype) { return ld * dtype_bytes(dtype) % 16 == 0; }

/** 16 bytes that a pointer is not at a multiple of: operands keep their place on a GPU. */
int64_t place(const void* pointer) { return static_cast<int64_t>(reinterpret_cast<uintptr_t>(pointer) & 15); }

PlanKey kind(int64_t M, int64_t N, int64_t K, int64_t slots, uint64_t rest) {
  return {{static_cast<uint64_t>(M) << 32 | static_cast<uint64_t>(N),
           static_cast<uint64_t>(K) << 32 | static_cast<uint64_t>(slots), rest}};
}

/** Which thresholds of the tuning the rows of experts reach, a bit for each: what kernels are chosen by on the CPU. */
int64_t row_kinds(const ternary_runtime& runtime, const ternary_moe& moe, const ternary_moe_operands& o) {
  if (runtime.accelerator() != nullptr) return 0;
  MoeSizes sizes(runtime, moe, o.T);
  set_rows(o.M, sizes);
  std::vector<int64_t> rows_of_expert(moe.E());
  int64_t kinds = 0;
  for (int64_t begin = 0; begin < o.M; begin += sizes.rows) {
    std::fill(rows_of_expert.begin(), rows_of_expert.end(), 0);
    for (int64_t m = begin; m < std::min(begin + sizes.rows, o.M); ++m) {
      for (int64_t t = 0; t < o.T; ++t) {
        const int32_t id = o.expert_ids[m * o.ld_ids + t];
        if (id >= 0) ++rows_of_expert[id];
      }
    }
    for (const int64_t rows : rows_of_expert) {
      if (rows == 0) continue;
      const int kind = (rows >= runtime.tuning.gemm_min_m(moe.w13.layout)) +
                       2 * (rows >= runtime.tuning.gemm_min_m(moe.w2.layout)) +
                       4 * (rows >= runtime.tuning.tile_gemm_min_m);
      kinds |= int64_t{1} << kind;
    }
  }
  return kinds;
}

}  // namespace

PlanKey kind_of_call(const Product& product) {
  const ternary_operands& o = product.operands;
  const ternary_layer& layer = product.layer;
  const ternary_weights& w = product.weights();
  return kind(o.M, w.N, w.K, 0,
              hash({w.group,
                    w.layout,
                    w.column_alpha() != nullptr,
                    layer.activation,
                    layer.block,
                    layer.rotation,
                    layer.signs() != nullptr,
                    layer.has_norm(),
                    layer.bias() != nullptr,
                    layer.expected_rows,
                    o.x_dtype,
                    rows_fit(o.ldx, o.x_dtype),
                    place(o.x),
                    o.x_scale != nullptr,
                    o.y_dtype,
                    o.residual != nullptr,
                    o.residual == o.residual_out,
                    o.residual_dtype,
                    rows_fit(o.ld_residual, o.residual_dtype),
                    place(o.residual),
                    place(o.residual_out)}));
}

PlanKey kind_of_call(const ternary_quantise_operands& o) {
  return kind(
      o.M, 0, o.K, 0,
      hash({o.block, o.rotation, o.rotation_signs != nullptr, o.alpha_column != nullptr, o.x_dtype,
            rows_fit(o.ldx, o.x_dtype), rows_fit(o.ldq, TERNARY_I8), place(o.x), place(o.q), o.x_scale != nullptr}));
}

PlanKey kind_of_call(const ternary_runtime& runtime, const ternary_moe& moe, const ternary_moe_operands& o) {
  return kind(o.M, moe.H(), moe.I(), moe.E() << 8 | o.T,
              hash({moe.w13.group,
                    moe.w13.layout,
                    moe.w13.column_alphas,
                    moe.w2.group,
                    moe.w2.layout,
                    moe.w2.column_alphas,
                    moe.activation,
                    moe.block,
                    moe.rotation13,
                    moe.rotation2,
                    moe.order,
                    moe.function,
                    moe.weight_on_input,
                    moe.weight_before_rounding,
                    moe.skip_combine,
                    moe.round_gate_up,
                    moe.round_activation,
                    moe.round_product,
                    moe.round_expert,
                    o.x_dtype,
                    o.x_scale != nullptr,
                    o.y_dtype,
                    o.expert_weights_dtype,
                    o.residual != nullptr,
                    o.residual == o.residual_out,
                    o.residual_dtype,
                    row_kinds(runtime, moe, o)}));
}

}  // namespace ternary
