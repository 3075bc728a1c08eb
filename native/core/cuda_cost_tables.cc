/** The figures of the cost model, with where each comes from. */
#include "core/cuda_cost_tables.h"

namespace ternary {

/**
 * SMs, memory bandwidth, int8 and bf16 throughput (dense, without sparsity): NVIDIA's data sheets and white papers,
 *   A100 80GB SXM   "A100 Tensor Core GPU" data sheet 2021 (2039 GB/s, int8 624 TOPS, bf16 312 TFLOPS), 108 SMs at 1.41 GHz
 *                   from the "Ampere architecture" white paper: 2048 int8 and 1024 bf16 multiply-adds a clock and SM
 *   H100 SXM        "H100" data sheet 2023 (3.35 TB/s, int8 1979 TOPS, bf16 990 TFLOPS), 132 SMs, "Hopper" white paper: twice
 *                   A100's a clock and SM, through wgmma; clock: 1.83 GHz follows from these
 *   B200            "Blackwell" data sheet 2024 (8 TB/s), 148 SMs; clock 1.85 GHz assumed
 *   RTX 5090        "RTX Blackwell" white paper (1792 GB/s, 170 SMs, 2.407 GHz, int8 838 TOPS, bf16 209.5 TFLOPS with fp32 sums)
 * Issue 4 a clock (four schedulers), logic and 32-bit integer 64 lanes (128 on 12.0), dp4a 64 lanes: "CUDA C++ Programming
 * Guide", table of arithmetic throughput; 10.0 is assumed to be as 9.0. Shared memory 128 bytes a clock and SM, so a
 * 128-bit load of a warp takes four.
 * Assumed: mma.sync reaches 0.62 of Hopper's wgmma rate and on 10.0, where it is the path that is kept for old code,
 * Ampere's rate; launches, PDL launches and latency under load from published microbenchmarks of these generations (2 to 4,
 * about 1, 0.6 to 0.8 microseconds). None of it has been measured by us.
 */
const CostDevice kCostDevices[kCostDeviceCount] = {
    // name      major  SMs   GHz    GB/s  issue alu idp imma  hmma  lds   launch pdl  latency extra
    {"A100",      8,    108,  1.41,  2039, 4,    2,  2,  0.50, 0.50, 0.25, 2.5,   2.5, 0.60,   0},
    {"H100",      9,    132,  1.83,  3350, 4,    2,  2,  0.62, 0.62, 0.25, 2.5,   1.0, 0.65,   0},
    {"B200",     10,    148,  1.85,  8000, 4,    2,  2,  0.50, 0.50, 0.25, 2.5,   1.0, 0.75,   0},
    {"RTX 5090", 12,    170,  2.407, 1792, 4,    4,  2,  0.25, 0.125, 0.25, 2.5,  1.0, 0.70,   0},
};

/**
 * Instructions for 16 weights a lane, counted in SASS. I2S has four codes a byte lane, used in place: four masks and,
 * for each row of X, four dp4a; or for each 8 rows one m16n8k32. T5: five steps of five bytes, H and its difference. The
 * dense kernel and A16 need two m16n8k16 instead. Their file names tell dp4a from mma.
 */
const CostKernel kCostKernels[kCostKernelCount] = {
    // name               part     stage                  layout             m_max     decode other idp imma hmma m_tile CTAs
    {"gemv_a8_i2s_dp4a",  "gemv_a8_i2s_dp4a",  CudaStage::gemm_a8,  CudaLayout::i2s,   1,        4,  0.9, 4, 0, 0, 1,   2},
    {"gemv_a8_i2s_mma",   "gemv_a8_i2s_mma",   CudaStage::gemm_a8,  CudaLayout::i2s,   16,       4,  1.0, 0, 1, 0, 16,  2},
    {"gemv_a8_t5_dp4a",   "gemv_a8_t5_dp4a",   CudaStage::gemm_a8,  CudaLayout::t5,    1,        17, 1.0, 4, 0, 0, 1,   2},
    {"gemv_a8_t5_mma",    "gemv_a8_t5_mma",    CudaStage::gemm_a8,  CudaLayout::t5,    16,       14, 1.0, 0, 1, 0, 16,  2},
    {"gemv_fused_i2s_dp4a", "gemv_fused_i2s_dp4a", CudaStage::fused_a8, CudaLayout::i2s,   1,        4,  0.9, 4, 0, 0, 1,   2},
    {"gemv_fused_i2s_mma",  "gemv_fused_i2s_mma",  CudaStage::fused_a8, CudaLayout::i2s,   16,       4,  1.0, 0, 1, 0, 16,  2},
    {"gemv_fused_t5_dp4a",  "gemv_fused_t5_dp4a",  CudaStage::fused_a8, CudaLayout::t5,    1,        17, 1.0, 4, 0, 0, 1,   2},
    {"gemv_fused_t5_mma",   "gemv_fused_t5_mma",   CudaStage::fused_a8, CudaLayout::t5,    16,       14, 1.0, 0, 1, 0, 16,  2},
    {"gemm_a8_i2s",       "gemm_a8_i2s",       CudaStage::gemm_a8,  CudaLayout::i2s,   kAnyRows, 4,  1.5, 0, 1, 0, 128, 1},
    {"gemm_a8_t5",        "gemm_a8_t5",        CudaStage::gemm_a8,  CudaLayout::t5,    kAnyRows, 14, 1.5, 0, 1, 0, 128, 1},
    {"gemm_a16_i2s",      "gemm_a16_i2s",      CudaStage::gemm_a16, CudaLayout::i2s,   kAnyRows, 12, 1.5, 0, 0, 2, 64,  1},
    {"gemm_a16_t5",       "gemm_a16_t5",       CudaStage::gemm_a16, CudaLayout::t5,    kAnyRows, 24, 1.5, 0, 0, 2, 64,  1},
    {"gemm_a8_dense",     "gemm_a8_dense",     CudaStage::gemm_a8,  CudaLayout::dense, kAnyRows, 4,  1.5, 0, 0, 2, 128, 1},
    {"gemm_a16_dense",    "gemm_a16_dense",    CudaStage::gemm_a16, CudaLayout::dense, kAnyRows, 0,  1.5, 0, 0, 2, 128, 1},
};

}  // namespace ternary
