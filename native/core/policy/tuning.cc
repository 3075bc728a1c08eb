#include "core/policy/tuning.h"

namespace ternary {
namespace {

/** Measured on an AMD EPYC (family 25 model 17), 2 vCPUs, 2026-11-22; that machine has AVX2 and nothing above. */
constexpr Tuning avx2_row() {
  Tuning row = {};
  row.gemm_i2s_min_m = 16;    // GEMM over GEMV by M: 2 1.53, 4 1.29, 8 1.15, 12 1.07, 16 0.99, 32 0.98 (ternary tune)
  row.gemm_t5_min_m = 4;      // GEMM over GEMV by M: 3 1.02, 4 0.92, 5 0.77, 8 0.74, 16 0.64 (ternary tune)
  row.gemm_t3_min_m = 8;      // that of Zen 5: not measured
  row.tile_gemm_min_m = 16;   // no AMX here
  row.prefetch_bytes = 2048;  // 0 to 8192 lie within 3 % streaming: the hardware's prefetcher does it
  // Two threads over one by multiply-adds: 65536 1.00, 147456 0.94, 262144 0.91, 589824 0.54 (ternary tune), but
  // 399360 between 0.9 and 1.2 (ternary bench): two threads from 2^19.
  row.work_per_thread = 1 << 18;
  row.elements_per_thread = 1 << 12;   // by elements: 4096 1.03, 8192 0.77, 32768 0.52
  row.chunks_per_thread = 4;           // what a neighbour took from one core is given to the others in quarters
  row.i2s_weights_per_us = 94000;      // 23.6 GB/s of packed weights
  row.t5_weights_per_us = 50000;       // 10 GB/s
  row.t3_weights_per_us = 84600;       // derived: 0.9 of I2S's, as a sketch of the loop has on Zen 5
  row.i2s_a16_weights_per_us = 20000;  // this and the next by ternary tune
  row.t5_a16_weights_per_us = 13700;
  row.t3_a16_weights_per_us = 13700;        // derived: the loop of T5
  row.memory_mb_per_s_one_thread = 33000;   // the best of 40 runs; neighbours often halve it
  row.memory_mb_per_s_all_threads = 37000;  // two threads
  row.resident_bytes = 0;                   // 32 MB of L3, which the machine says itself
  return row;
}

/**
 * The row above but for what an outside look measured on an AMD EPYC of family 25 model 1, two cores, 2026-11-29: at M = 16
 * the GEMV takes 0.85 of the GEMM's time, and the GEMM gains 5 % from there to M = 512.
 */
constexpr Tuning zen3_avx2_row() {
  Tuning row = avx2_row();
  row.gemm_i2s_min_m = 4096;
  return row;
}

/** The machine of avx2_row() with TERNARY_MAX_ISA=portable; the rates are guesses, they only compare the layouts. */
constexpr Tuning portable_row() {
  Tuning row = avx2_row();
  // For a GEMV that somebody may add: one kernel serves every M.
  row.gemm_i2s_min_m = row.gemm_t5_min_m = row.gemm_t3_min_m = 2;
  row.i2s_weights_per_us = 4000;
  row.t5_weights_per_us = 2000;
  row.t3_weights_per_us = 2000;
  row.i2s_a16_weights_per_us = 1000;
  row.t5_a16_weights_per_us = 1000;
  row.t3_a16_weights_per_us = 1000;
  return row;
}

/** Derived, no such machine was at hand: cycles by port counting and llvm-mca for Alder Lake at 3.6 GHz. */
constexpr Tuning avxvnni_row() {
  Tuning row = avx2_row();
  row.gemm_i2s_min_m = 4;
  row.gemm_t5_min_m = 3;
  row.i2s_weights_per_us = 170000;  // 256 weights in 5.4 cycles
  row.t5_weights_per_us = 85000;    // 320 weights in 13.5 cycles
  return row;
}

/** Measured on an AMD EPYC (family 26 model 2, Zen 5), 2 vCPUs, 2026-11-30; no Intel machine was at hand. */
constexpr Tuning avx512vnni_row() {
  Tuning row = avx2_row();
  // GEMM over GEMV by M: 2 1.02, 3 0.93, 4 0.91; with groups of 128, 64 and 32 at M = 2 0.78, 0.60 and 0.50.
  row.gemm_i2s_min_m = 2;
  row.gemm_t5_min_m = 6;  // GEMM over GEMV by M: 4 1.24, 5 1.02, 6 0.99, 8 0.96, 16 0.85 (ternary tune)
  row.gemm_t3_min_m = 6;  // as for zen5_avx2_row(): AVX2's kernels serve
  // Time over that at 2048, streaming M = 1, one thread: 0 1.03, 4096 0.89, 8192 0.80, 12288 0.76, 16384 0.77, 32768 0.83.
  row.prefetch_bytes = 16384;
  row.work_per_thread = 1 << 17;      // two threads over one: 147456 1.03, 262144 0.89, 589824 0.73 (ternary tune)
  row.elements_per_thread = 1 << 13;  // by elements: 4096 1.36, 8192 1.01, 16384 0.76 (ternary tune)
  row.i2s_weights_per_us = 234000;    // ternary tune, as the next five
  row.t5_weights_per_us = 173000;
  row.t3_weights_per_us = 131000;
  row.i2s_a16_weights_per_us = 69000;
  row.t5_a16_weights_per_us = 60000;
  row.t3_a16_weights_per_us = 19400;
  row.memory_mb_per_s_one_thread = 45000;   // the best of several runs
  row.memory_mb_per_s_all_threads = 54000;  // two threads
  return row;
}

/**
 * Derived, no such machine was at hand: cycles by port counting and llvm-mca for Sapphire Rapids at 3 GHz; bandwidth
 * from sketches on two of its cores, which streamed 19 to 26 GB/s. For 1024 weights AMX takes 16 cycles to decode
 * (T5: 26), 10 of loads and M of products if nothing overlaps; GEMV 28 (T5: 46) for M = 2 and 50 (62) for M = 4.
 */
constexpr Tuning amx_row() {
  Tuning row = avx2_row();
  row.gemm_i2s_min_m = row.gemm_t5_min_m = 5;  // GEMV 4.5, 7.1, 9.8, 12.4 cycles for 1 ... 4 rows, GEMM 4 + 2 M
  row.tile_gemm_min_m = 4;
  row.i2s_weights_per_us = 170000;     // 256 weights in 4.5 cycles
  row.t5_weights_per_us = 90000;       // 320 weights in 10.6 cycles
  row.i2s_a16_weights_per_us = 40000;  // 1024 weights in 77 cycles
  row.t5_a16_weights_per_us = 26000;   // 320 weights in 37 cycles
  row.memory_mb_per_s_one_thread = 14000;
  row.memory_mb_per_s_all_threads = 24000;
  return row;
}

/** Measured on the AMD EPYC of avx512vnni_row() with TERNARY_MAX_ISA=avx2, by ternary tune, 2026-11-30. */
constexpr Tuning zen5_avx2_row() {
  Tuning row = avx512vnni_row();
  row.gemm_i2s_min_m = 12;  // GEMM over GEMV by M: 4 1.15, 8 1.03, 10 0.96, 12 0.97, 16 0.99; alone 16 0.94, 64 0.90
  row.gemm_t5_min_m = 3;    // GEMM over GEMV by M: 1 1.24, 2 0.95, 3 0.85, 8 0.68, 16 0.61
  row.gemm_t3_min_m = 6;    // GEMM over GEMV by M: 4 1.19, 5 1.06, 6 0.97, 8 0.87, 16 0.70
  row.i2s_weights_per_us = 137000;
  row.t5_weights_per_us = 76000;
  row.t3_weights_per_us = 132000;
  row.i2s_a16_weights_per_us = 33000;
  row.t5_a16_weights_per_us = 27000;
  row.t3_a16_weights_per_us = 19800;
  return row;
}

/** Measured by ternary tune on an AMD EPYC (family 25 model 17), 2 vCPUs, 2026-11-30; this one has AVX-512. */
constexpr Tuning zen4_avx512vnni_row() {
  Tuning row = avx512vnni_row();
  row.gemm_t5_min_m = 5;  // GEMM over GEMV by M: 3 1.46, 4 1.15, 5 0.91, 8 0.94, 16 0.86
  // Time over that at 16384, streaming M = 1, one thread, in two runs: 0 0.88 and 0.95, 4096 0.93 and 0.97, 24576 1.18 and
  // 1.08. A layer of experts: 0 0.86, 4096 0.90, 8192 0.98. The hardware's prefetcher keeps up here.
  row.prefetch_bytes = 0;
  row.i2s_weights_per_us = 145000;
  row.t5_weights_per_us = 79000;
  row.t3_weights_per_us = 111000;
  row.i2s_a16_weights_per_us = 32800;
  row.t5_a16_weights_per_us = 24000;
  row.t3_a16_weights_per_us = 16300;
  row.memory_mb_per_s_one_thread = 31000;
  row.memory_mb_per_s_all_threads = 40000;  // two threads
  return row;
}

/** The same with TERNARY_MAX_ISA=avx2. */
constexpr Tuning zen4_avx2_row() {
  Tuning row = avx2_row();
  row.gemm_i2s_min_m = 24;  // GEMM over GEMV by M: 8 1.14, 12 1.05, 16 1.03, 24 1.00, 32 0.99
  row.gemm_t5_min_m = 3;    // GEMM over GEMV by M: 2 1.05, 3 0.94, 4 0.85, 8 0.73
  row.i2s_weights_per_us = 110000;
  row.t5_weights_per_us = 60000;
  row.t3_weights_per_us = 111000;
  row.i2s_a16_weights_per_us = 28600;
  row.t5_a16_weights_per_us = 22000;
  row.memory_mb_per_s_all_threads = 41600;
  return row;
}

/** The same as zen5_avx2_row() with TERNARY_MAX_ISA=avxvnni. */
constexpr Tuning zen5_avxvnni_row() {
  Tuning row = zen5_avx2_row();
  row.gemm_i2s_min_m = 64;  // GEMM over GEMV by M: 4 1.31, 8 1.17, 16 1.04, 32 1.03; alone 64 0.96
  row.i2s_weights_per_us = 190000;
  row.t5_weights_per_us = 99000;
  return row;
}

struct MeasuredRow {
  Microarchitecture microarchitecture;  ///< `other`: for all that have no row of their own
  Isa isa;
  Tuning tuning;
};

constexpr MeasuredRow kMeasured[] = {
    {Microarchitecture::other, Isa::portable, portable_row()},
    {Microarchitecture::other, Isa::avx2, avx2_row()},
    {Microarchitecture::other, Isa::avxvnni, avxvnni_row()},
    {Microarchitecture::other, Isa::avx512vnni, avx512vnni_row()},
    {Microarchitecture::other, Isa::amx, amx_row()},
    {Microarchitecture::zen3, Isa::avx2, zen3_avx2_row()},
    {Microarchitecture::zen4, Isa::avx2, zen4_avx2_row()},
    {Microarchitecture::zen4, Isa::avx512vnni, zen4_avx512vnni_row()},
    {Microarchitecture::zen5, Isa::avx2, zen5_avx2_row()},
    {Microarchitecture::zen5, Isa::avxvnni, zen5_avxvnni_row()},
    {Microarchitecture::zen5, Isa::avx512vnni, avx512vnni_row()},
    {Microarchitecture::golden_cove, Isa::avxvnni, avxvnni_row()},
    {Microarchitecture::golden_cove, Isa::amx, amx_row()},
};

}  // namespace

const Tuning& built_in_tuning(Isa isa, Microarchitecture microarchitecture) {
  const MeasuredRow* best = &kMeasured[0];  // every ISA implies portable
  for (const MeasuredRow& row : kMeasured) {
    const bool own = row.microarchitecture == microarchitecture;
    if (!implies(isa, row.isa) || (!own && row.microarchitecture != Microarchitecture::other)) continue;
    if (row.isa > best->isa || (row.isa == best->isa && own)) best = &row;
  }
  return best->tuning;
}

}  // namespace ternary
