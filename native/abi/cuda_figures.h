/**
 * @file cuda_figures.h
 * @brief The machine code of GPU kernels in figures: what a line of native/cuda/sass_budget.txt says of one.
 *
 * That file is the budget that ctest sass_budget holds the kernels to, so who reads it reads what is compiled. The build
 * makes a table of its lines (native/abi/CMakeLists.txt).
 */
#ifndef TERNARY_ABI_CUDA_FIGURES_H_
#define TERNARY_ABI_CUDA_FIGURES_H_

namespace ternary {

/** Columns of a line. The loop is the steady loop: the innermost one with the most products, of several the shortest. */
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
  kEarlyLoads,    ///< 16-byte loads of W that a thread begins before griddepcontrol.wait; 0 before sm_90
  kAhead,         ///< W on its way when a turn of the loop begins, in the units of CudaVariant::ahead
  kCtas,          ///< an SM holds, by registers, threads and shared memory that all problems have in common
  kInFlight,      ///< bytes of W on their way to an SM: kAhead of kCtas CTAs
  kFigureCount
};
inline constexpr const char* kFigureNames[kFigureCount] = {
    "registers", "shared",        "stack",       "instructions", "tensor", "dp4a",           "alu",         "float",
    "loads",     "stores",        "local",       "barriers",     "loop",   "per_16_weights", "loop_tensor", "loop_dp4a",
    "loop_alu",  "loop_multiply", "loop_shared", "early_loads",  "ahead",  "ctas",           "in_flight"};

/** A line: a kernel as nvcc 13.1 compiles it for an architecture. */
struct CudaFigures {
  const char* arch;     ///< "sm90a"
  const char* row;      ///< CudaRow::file
  const char* variant;  ///< CudaVariant::name
  float value[kFigureCount];
};

}  // namespace ternary

#endif  // TERNARY_ABI_CUDA_FIGURES_H_
