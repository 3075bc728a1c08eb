/**
 * @file runtime.h
 * @brief A runtime: settings, the kernels this machine can run, threads and counters.
 */
#ifndef TERNARY_CORE_RUNTIME_RUNTIME_H_
#define TERNARY_CORE_RUNTIME_RUNTIME_H_

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "abi/kernel.h"
#include "core/base/notices.h"
#include "core/base/scratch.h"
#include "core/base/thread_pool.h"
#include "core/judge/rows_off.h"
#include "core/judge/shadow_log.h"
#include "core/judge/validation.h"
#include "core/policy/counters.h"
#include "core/policy/settings.h"
#include "core/policy/tuning.h"
#include "core/policy/tuning_file.h"
#include "core/product/plan_cache.h"
#include "core/runtime/accelerator.h"
#include "core/runtime/limits.h"
#include "core/runtime/plan.h"
#include "core/weights/layout.h"

struct ternary_runtime {
  /** `find_accelerator` is given the settings, and finds the device that they ask for. */
  ternary_runtime(const char* setting_lines, ternary::FindAccelerator find_accelerator);
  ~ternary_runtime();

  /** Kernels of a stage that the machine and TERNARY_MAX_ISA allow for weights of a layout, best first. Those of an ISA
   *  that has none for the layout are among them, so that their refusal is counted. */
  const std::vector<const ternary::Kernel*>& kernels(ternary::Stage stage, ternary_layout layout) const {
    return candidates[static_cast<int>(stage)][layout];
  }
  /** The best of a stage that has no weights. */
  const ternary::Kernel& rows_kernel(ternary::Stage stage) const { return *kernels(stage, TERNARY_LAYOUT_I2S).front(); }
  /** The best that makes rows ready and has not been switched off. */
  const ternary::Kernel& activation_kernel() const { return *activations.load(std::memory_order_acquire); }

  /** Rows of `counters`: the CPU backend's, then the GPU backend's. */
  size_t row(const ternary::Kernel& kernel) const { return static_cast<size_t>(&kernel - backend.kernels); }

  /** What serves products in the CPU's place; null: nothing does. */
  ternary::Accelerator* accelerator() const { return found.accelerator.get(); }

  /** A row of the counters gave a wrong result: it serves nothing more. False if it was off, or is the last that makes rows
   *  ready, which stays. */
  bool switch_off(size_t row);

  /** The threads of this runtime and of the one that computes again: ended early, or forgotten in the child of a fork. */
  void stop_threads();
  void abandon_threads();

  /** Bytes of weights that stay in cache between two uses, as far as the tuning and the machine say. */
  int64_t resident_bytes();

  ternary::Settings settings;
  const bool watched;  ///< calls are validated, or a sample of them is computed again
  const ternary::Backend& backend;
  std::vector<const ternary::Kernel*> candidates[ternary::kStageCount][ternary::kLayoutCount];
  std::vector<const ternary::LimitLoop*> limit_loops;  ///< those that are allowed
  const ternary::Isa isa;                              ///< the best that settings and machine allow
  std::string tuning_error;                            ///< why the file of TERNARY_TUNING does not serve, or empty
  const ternary::Tuning tuning;                        ///< from that file, else the built-in row of `isa`
  const ternary::FoundAccelerator found;               ///< by TERNARY_DEVICE
  ternary::PlanCache<ternary::Plan> plans;             ///< of products on the CPU
  ternary::Notices notices;
  ternary::Counters counters;
  const uint64_t serial;  ///< 1 for this copy's first runtime, never used again
  const int fork_count;   ///< forks this process had seen when the runtime was made
  ternary::ThreadPool pool;
  ternary::ScratchPool scratch;
  ternary::Limits limits;
  std::atomic<const ternary::Kernel*> activations{nullptr};  ///< of activation_kernel()
  ternary::RowsOff rows_off;
  const std::unique_ptr<ternary::Validation> validation;  ///< null without TERNARY_VALIDATE
  const std::unique_ptr<ternary::ShadowLog> shadow;       ///< null without TERNARY_SHADOW
  const std::unique_ptr<ternary_runtime> reference;       ///< what computes again; null without it, and for the oracle
  std::atomic<uint64_t> calls{0};
  std::atomic<int64_t> cache_bytes{-1};  ///< of the last level, -1 until somebody asks: it takes 10 ms on 256 CPUs
};

namespace ternary {

/** "gemm_a8_i2s.cpu.avx2" */
std::string kernel_name(const Backend& backend, const Kernel& kernel);
/** "read_8x32__avx2.cpu.avx2" */
std::string loop_name(const Backend& backend, const LimitLoop& loop);

/** The machine as a tuning file names it. */
TunedMachine machine_of(const Backend& backend, Isa isa);

/** Why no kernel of an instruction set can serve here: null, the machine's reason, or the cap. */
const char* why_not_allowed(const ternary_runtime& runtime, Isa isa);

/** Throws unless the runtime can be used: not null, not inherited by a fork. */
void check_runtime(const ternary_runtime* runtime);

}  // namespace ternary

#endif  // TERNARY_CORE_RUNTIME_RUNTIME_H_
