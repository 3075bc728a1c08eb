/** Which layout a weight matrix is best kept in on this machine: the written rule of ternary_choose_layout(). */
#include <algorithm>
#include <cinttypes>

#include "core/base/argument.h"
#include "core/base/failure.h"
#include "core/runtime/runtime.h"
#include "core/weights/layout.h"

namespace ternary {
namespace {

/** The layouts that can be chosen: the first serves everywhere, and wins a tie. */
constexpr ternary_layout kChoices[] = {TERNARY_LAYOUT_I2S_TILED, TERNARY_LAYOUT_T5_TILED, TERNARY_LAYOUT_T3_TILED};

/** The best ISA of those whose kernels serve few rows of X by weights in this layout themselves. */
Isa best_isa(const ternary_runtime& runtime, Stage stage, ternary_layout layout) {
  Isa isa = Isa::portable;
  for (const Kernel* kernel : runtime.kernels(stage, layout)) {
    if (kernel->layout == layout && kernel->role != Role::tiles) isa = std::max(isa, kernel->isa);
  }
  return isa;
}

/** Microseconds to read and multiply the matrix once at M = 1, streaming from memory. */
double streaming_time(const ternary_runtime& runtime, ternary_layout layout, ternary_activation activation, int64_t N,
                      int64_t K) {
  const auto threads = static_cast<double>(runtime.pool.threads());
  const double bandwidth = std::min(threads * static_cast<double>(runtime.tuning.memory_mb_per_s_one_thread),
                                    static_cast<double>(runtime.tuning.memory_mb_per_s_all_threads));
  const double weights = static_cast<double>(N) * static_cast<double>(K);
  return std::max(static_cast<double>(layout_bytes(layout, N, K)) / bandwidth,
                  weights / (threads * static_cast<double>(runtime.tuning.weights_per_us(layout, activation))));
}

/** On a GPU the cost model knows both, or the layout is I2S; T5 must win, as elsewhere. */
ternary_layout choose_layout(const Accelerator& device, ternary_activation activation, int64_t N, int64_t K) {
  const auto i2s = device.predict(TERNARY_LAYOUT_I2S_TILED, activation, 1, N, K);
  const auto t5 = device.predict(TERNARY_LAYOUT_T5_TILED, activation, 1, N, K);
  const bool t5_wins = i2s && t5 && t5->microseconds < i2s->microseconds;
  return t5_wins ? TERNARY_LAYOUT_T5_TILED : TERNARY_LAYOUT_I2S_TILED;
}

ternary_layout choose_layout(ternary_runtime& runtime, ternary_activation activation, int64_t N, int64_t K,
                             int64_t working_set) {
  if (runtime.accelerator() != nullptr) return choose_layout(*runtime.accelerator(), activation, N, K);
  if (working_set / 4 <= runtime.resident_bytes()) return kChoices[0];
  const Stage stage = activation == TERNARY_A8 ? Stage::gemm_a8 : Stage::gemm_a16;
  const Isa isa = best_isa(runtime, stage, kChoices[0]);
  const auto time_of = [&](ternary_layout layout) { return streaming_time(runtime, layout, activation, N, K); };
  ternary_layout best = kChoices[0];
  for (const ternary_layout layout : kChoices) {
    const bool served = best_isa(runtime, stage, layout) >= isa;
    if (served && time_of(layout) < time_of(best)) best = layout;
  }
  return best;
}

}  // namespace
}  // namespace ternary

using namespace ternary;

ternary_status ternary_choose_layout(ternary_runtime* runtime, ternary_activation activation, int64_t N, int64_t K,
                                     int64_t working_set, ternary_layout* layout) {
  return guarded([&] {
    check_runtime(runtime);
    check_activation(activation);
    check_shape(N, K);
    if (working_set != 0 && working_set < N * K) {
      fail(TERNARY_INVALID_ARGUMENT,
           "working_set is %" PRId64 "; it must be 0, or at least the N * K = %" PRId64 " weights of the matrix itself",
           working_set, N * K);
    }
    check_pointer("layout", layout, alignof(ternary_layout));
    *layout = choose_layout(*runtime, activation, N, K, working_set == 0 ? N * K : working_set);
  });
}
