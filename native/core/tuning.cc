#include "core/tuning.h"

namespace ternary {
namespace {

// Measured on an AMD EPYC (family 25 model 17), 2 vCPUs, AVX2 only, 2026-11-22, where nothing else is said.
constexpr Tuning kTable[kIsaCount] = {
    {
        // portable: decodes for every M, so its thresholds are for a GEMV that it has not.
        /* gemm_i2s_min_m */ 2,
        /* gemm_t5_min_m */ 2,
        /* tile_gemm_min_m */ 16,
        /* prefetch_bytes */ 2048,
        /* work_per_thread */ 1 << 19,
        /* elements_per_thread */ 1 << 14,
        /* chunks_per_thread */ 4,
        /* i2s_weights_per_us */ 4000,
        /* t5_weights_per_us */ 4000,
        /* i2s_a16_weights_per_us */ 1000,
        /* t5_a16_weights_per_us */ 1000,
        /* memory_mb_per_s_one_thread */ 20000,
        /* memory_mb_per_s_all_threads */ 30000,
        /* resident_bytes */ 0,
    },
    {
        // avx2
        /* gemm_i2s_min_m */ 9,
        /* gemm_t5_min_m */ 4,
        /* tile_gemm_min_m */ 16,
        /* prefetch_bytes */ 2048,
        /* work_per_thread */ 1 << 19,
        /* elements_per_thread */ 1 << 14,
        /* chunks_per_thread */ 4,
        /* i2s_weights_per_us */ 88000,
        /* t5_weights_per_us */ 60000,
        /* i2s_a16_weights_per_us */ 8000,
        /* t5_a16_weights_per_us */ 6000,
        /* memory_mb_per_s_one_thread */ 20000,
        /* memory_mb_per_s_all_threads */ 30000,
        /* resident_bytes */ 0,
    },
    {
        // avxvnni
        /* gemm_i2s_min_m */ 4,
        /* gemm_t5_min_m */ 4,
        /* tile_gemm_min_m */ 16,
        /* prefetch_bytes */ 2048,
        /* work_per_thread */ 1 << 19,
        /* elements_per_thread */ 1 << 14,
        /* chunks_per_thread */ 4,
        /* i2s_weights_per_us */ 88000,
        /* t5_weights_per_us */ 60000,
        /* i2s_a16_weights_per_us */ 8000,
        /* t5_a16_weights_per_us */ 6000,
        /* memory_mb_per_s_one_thread */ 20000,
        /* memory_mb_per_s_all_threads */ 30000,
        /* resident_bytes */ 0,
    },
    {
        // avx512vnni
        /* gemm_i2s_min_m */ 4,
        /* gemm_t5_min_m */ 4,
        /* tile_gemm_min_m */ 16,
        /* prefetch_bytes */ 2048,
        /* work_per_thread */ 1 << 19,
        /* elements_per_thread */ 1 << 14,
        /* chunks_per_thread */ 4,
        /* i2s_weights_per_us */ 88000,
        /* t5_weights_per_us */ 60000,
        /* i2s_a16_weights_per_us */ 8000,
        /* t5_a16_weights_per_us */ 6000,
        /* memory_mb_per_s_one_thread */ 20000,
        /* memory_mb_per_s_all_threads */ 30000,
        /* resident_bytes */ 0,
    },
    {
        // amx
        /* gemm_i2s_min_m */ 4,
        /* gemm_t5_min_m */ 4,
        /* tile_gemm_min_m */ 16,
        /* prefetch_bytes */ 2048,
        /* work_per_thread */ 1 << 19,
        /* elements_per_thread */ 1 << 14,
        /* chunks_per_thread */ 4,
        /* i2s_weights_per_us */ 88000,
        /* t5_weights_per_us */ 60000,
        /* i2s_a16_weights_per_us */ 8000,
        /* t5_a16_weights_per_us */ 6000,
        /* memory_mb_per_s_one_thread */ 20000,
        /* memory_mb_per_s_all_threads */ 30000,
        /* resident_bytes */ 0,
    },
};

}  // namespace

const Tuning& built_in_tuning(Isa isa) { return kTable[static_cast<int>(isa)]; }

}  // namespace ternary
