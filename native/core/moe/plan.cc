#include "core/moe/plan.h"

#include <algorithm>

#include "core/runtime/plan.h"

namespace ternary {
namespace {

/** Counts what Scratch would hand out. */
struct Measure {
  int64_t bytes = 0;
  template <typename T>
  T* take(int64_t count) {
    bytes += round_up(count * static_cast<int64_t>(sizeof(T)), kScratchAlignment);
    return nullptr;
  }
};

/** The most that any kernel of the stage needs: which ones serve depends on the routing. */
int64_t most_gemm_scratch(const ternary_runtime& runtime, const ternary_moe& moe) {
  const Stage stage = moe.activation == TERNARY_A8 ? Stage::gemm_a8 : Stage::gemm_a16;
  int64_t most = 0;
  for (const ternary_weights* weights : {&moe.w13, &moe.w2}) {
    for (const Kernel* kernel : runtime.kernels(stage, weights->layout)) {
      if (kernel->scratch_bytes != nullptr) most = std::max(most, kernel->scratch_bytes());
    }
  }
  return round_up(most, kScratchAlignment);
}

}  // namespace

MoeSizes::MoeSizes(const ternary_runtime& runtime, const ternary_moe& moe, int64_t slots_of_row)
    : T(slots_of_row),
      E(moe.E()),
      H(moe.H()),
      I(moe.I()),
      x(moe.w13, moe.activation, moe.block),
      h(moe.w2, moe.activation, moe.block),
      by_slot(moe.x_by_slot()),
      parts(moe.x_parts()),
      d_dtype(moe.d_dtype()),
      threads(runtime.pool.threads()),
      gemm_scratch(most_gemm_scratch(runtime, moe)),
      row_scratch(std::max(activation_scratch(H), round_up(I, kRowPadding) + activation_scratch(I))) {}

int64_t scratch_bytes(const MoeSizes& sizes) {
  Measure measure;
  const MoeBuffers buffers(measure, sizes);
  return measure.bytes;
}

void set_rows(int64_t M, MoeSizes& sizes) {
  // Scratch that is kept between calls. Half of the rows need half of it, so few steps are enough.
  sizes.rows = M;
  while (sizes.rows > 1 && scratch_bytes(sizes) > ScratchPool::kKeptBytes) sizes.rows = ceil_div(sizes.rows, 2);
}

}  // namespace ternary
