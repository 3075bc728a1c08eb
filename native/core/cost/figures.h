/**
 * @file figures.h
 * @brief The machine code of every GPU kernel in figures: the lines of native/cuda/sass_budget.txt, for the cost model.
 *
 * That file is the budget that ctest sass_budget holds the kernels to, so the model counts what is compiled. The build
 * turns its lines into a table (core/CMakeLists.txt).
 */
#ifndef TERNARY_CORE_COST_FIGURES_H_
#define TERNARY_CORE_COST_FIGURES_H_

namespace ternary {

/** Columns of a line. The loop is the steady loop: the innermost one with the most products. */
enum Figure {
  kRegisters,     ///< a thread
  kShared,        ///< static shared memory in bytes, with what the driver takes of a CTA's
  kStack,         ///< bytes a thread
  kInstructions,  ///< of the kernel; the columns up to kBarriers are of these
  kTensor,
  kDp4a,
  kAlu,
  kFloat,
  kLoads,
  kStores,
  kLocal,  ///< accesses to local memory
  kBarriers,
  kLoop,   ///< instructions of the loop; the columns up to kLoopShared are of these
  kPer16,  ///< kLoop for 16 weights of a lane; 0 where the loop loads no codes
  kLoopTensor,
  kLoopDp4a,
  kLoopAlu,       ///< logic, permutes, shifts, adds, comparisons
  kLoopMultiply,  ///< 32-bit integer multiply-adds
  kLoopShared,    ///< 128-byte passes of shared memory
  kFigureCount
};
inline constexpr const char* kFigureNames[kFigureCount] = {
    "registers",   "shared",    "stack",    "instructions",  "tensor",     "dp4a", "alu",
    "float",       "loads",     "stores",   "local",         "barriers",   "loop", "per_16_weights",
    "loop_tensor", "loop_dp4a", "loop_alu", "loop_multiply", "loop_shared"};

/** A line: a kernel as nvcc 13.1 compiles it for an architecture. */
struct KernelFigures {
  const char* arch;    ///< "sm90a"
  const char* file;    ///< CudaKernel::file
  const char* kernel;  ///< with its template arguments: "gemm_a8_kernel<GemmTile<0,4,2,2,8,4,1,1>,PlainSums>"
  float value[kFigureCount];
};

extern const KernelFigures kKernelFigures[];
extern const int kKernelFiguresCount;

}  // namespace ternary

#endif  // TERNARY_CORE_COST_FIGURES_H_
