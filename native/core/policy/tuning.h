/**
 * @file tuning.h
 * @brief What was measured rather than reasoned: the values that choose kernels, layouts and threads, a row an ISA and
 * microarchitecture.
 */
#ifndef TERNARY_CORE_POLICY_TUNING_H_
#define TERNARY_CORE_POLICY_TUNING_H_

#include <cstdint>

#include "abi/isa.h"
#include "abi/layout.h"
#include "core/policy/microarchitecture.h"

namespace ternary {

/** What holds for a runtime whose best ISA it is. Whole numbers, so that a file of them reads the same anywhere. */
struct Tuning {
  int64_t gemm_i2s_min_m;       ///< rows of X from which I2S weights are decoded for many (GEMM), not in place (GEMV)
  int64_t gemm_t5_min_m;        ///< the same for T5 weights
  int64_t gemm_t3_min_m;        ///< the same for T3 weights
  int64_t tile_gemm_min_m;      ///< rows of X from which AMX's tile registers are used
  int64_t prefetch_bytes;       ///< how far ahead of their loads the GEMV kernels prefetch weights; 0: the next line
  int64_t work_per_thread;      ///< multiply-adds of a product that are worth another thread
  int64_t elements_per_thread;  ///< elements of X that are worth another thread when rows are made ready
  int64_t chunks_per_thread;    ///< pieces of work a thread: a core that lost time to a neighbour gives some away
  int64_t i2s_weights_per_us;   ///< what one core multiplies at M = 1 with I2S weights that are in its cache
  int64_t t5_weights_per_us;    ///< the same with T5 weights
  int64_t t3_weights_per_us;    ///< the same with T3 weights
  int64_t i2s_a16_weights_per_us;       ///< the same with A16 activations
  int64_t t5_a16_weights_per_us;        ///< the same with T5 weights and A16 activations
  int64_t t3_a16_weights_per_us;        ///< the same with T3 weights and A16 activations
  int64_t memory_mb_per_s_one_thread;   ///< read bandwidth of memory (10^6 bytes a second, bytes a microsecond)
  int64_t memory_mb_per_s_all_threads;  ///< and of all the cores that a process may use together
  int64_t resident_bytes;  ///< working sets up to this stay in cache; 0: the last-level caches the process can use

  /** Rows of X from which GEMM is preferred to GEMV. */
  int64_t gemm_min_m(ternary_layout layout) const {
    return of_encoding(layout, gemm_i2s_min_m, gemm_t5_min_m, gemm_t3_min_m);
  }

  /** Weights that one core multiplies in a microsecond at M = 1, in its cache. */
  int64_t weights_per_us(ternary_layout layout, ternary_activation activation) const {
    if (activation == TERNARY_A8) {
      return of_encoding(layout, i2s_weights_per_us, t5_weights_per_us, t3_weights_per_us);
    }
    return of_encoding(layout, i2s_a16_weights_per_us, t5_a16_weights_per_us, t3_a16_weights_per_us);
  }

 private:
  static int64_t of_encoding(ternary_layout layout, int64_t i2s, int64_t t5, int64_t t3) {
    switch (traits(layout).encoding) {
      case Encoding::t5: return t5;
      case Encoding::t3: return t3;
      default: return i2s;
    }
  }
};

/** A value of a row by its name in files, and its range. */
struct TuningValue {
  const char* name;
  int64_t Tuning::* value;
  int64_t least, most;
};

/** Every value, in the order of the struct. */
inline constexpr TuningValue kTuningValues[] = {
    {"gemm_i2s_min_m", &Tuning::gemm_i2s_min_m, 1, 65536},
    {"gemm_t5_min_m", &Tuning::gemm_t5_min_m, 1, 65536},
    {"gemm_t3_min_m", &Tuning::gemm_t3_min_m, 1, 65536},
    {"tile_gemm_min_m", &Tuning::tile_gemm_min_m, 1, 65536},
    {"prefetch_bytes", &Tuning::prefetch_bytes, 0, 65536},
    {"work_per_thread", &Tuning::work_per_thread, 1, int64_t{1} << 40},
    {"elements_per_thread", &Tuning::elements_per_thread, 1, int64_t{1} << 40},
    {"chunks_per_thread", &Tuning::chunks_per_thread, 1, 64},
    {"i2s_weights_per_us", &Tuning::i2s_weights_per_us, 1, 100000000},
    {"t5_weights_per_us", &Tuning::t5_weights_per_us, 1, 100000000},
    {"t3_weights_per_us", &Tuning::t3_weights_per_us, 1, 100000000},
    {"i2s_a16_weights_per_us", &Tuning::i2s_a16_weights_per_us, 1, 100000000},
    {"t5_a16_weights_per_us", &Tuning::t5_a16_weights_per_us, 1, 100000000},
    {"t3_a16_weights_per_us", &Tuning::t3_a16_weights_per_us, 1, 100000000},
    {"memory_mb_per_s_one_thread", &Tuning::memory_mb_per_s_one_thread, 1, 100000000},
    {"memory_mb_per_s_all_threads", &Tuning::memory_mb_per_s_all_threads, 1, 100000000},
    {"resident_bytes", &Tuning::resident_bytes, 0, int64_t{1} << 40},
};
inline constexpr int kTuningValueCount = sizeof kTuningValues / sizeof kTuningValues[0];
static_assert(sizeof(Tuning) == kTuningValueCount * sizeof(int64_t), "every value has its name");

/** The built-in row; tuning.cc says where each value was measured, or from what it was derived. An ISA without a row has
 *  that of the best it implies, a microarchitecture without one the row for `other`. */
const Tuning& built_in_tuning(Isa isa, Microarchitecture microarchitecture);

}  // namespace ternary

#endif  // TERNARY_CORE_POLICY_TUNING_H_
