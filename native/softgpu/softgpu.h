/**
 * @file softgpu.h
 * @brief What tests may ask of the software GPU beyond CUDA. Exported by its libcudart.so.13: look the functions up
 *        with dlsym(), they are in no real CUDA.
 *
 * All functions return 0, or a count where they say so; -1 for a wrong argument, with a sentence on stderr. Any thread
 * may call them.
 */
#ifndef TERNARY_SOFTGPU_SOFTGPU_H_
#define TERNARY_SOFTGPU_SOFTGPU_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Sums over launches. A box that goes to several CTAs, or that all lanes of a warp store, is copied once. */
typedef struct softgpu_counters {
  uint64_t launches;
  uint64_t ctas;
  uint64_t issued;       /**< warp-instructions, predicated-off ones included */
  uint64_t lanes;        /**< lanes that executed them */
  uint64_t requests;     /**< global, const and local accesses of a warp */
  uint64_t sectors;      /**< 32-byte sectors that they touched */
  uint64_t bytes;        /**< bytes that lanes asked for */
  uint64_t passes;       /**< passes of shared memory's banks */
  uint64_t ideal_passes; /**< had there been no conflict */
  uint64_t barriers;     /**< bar and barrier instructions issued */
  uint64_t copied;       /**< bytes of global memory that copy engines read or wrote */
  uint64_t multiplied;   /**< products of two elements by tcgen05.mma: M * N * K of each */
} softgpu_counters;

/** One instruction of a kernel's PTX. */
typedef struct softgpu_line {
  const char* kernel; /**< mangled name */
  int line;           /**< of the PTX text */
  const char* opcode; /**< with modifiers: "ld.global.nc.v4.u32" */
  const char* text;
  uint64_t issued, lanes, requests, sectors, bytes, passes, ideal_passes, copied, multiplied;
} softgpu_line;

/** A launch that has ended. */
typedef struct softgpu_launch {
  const char* kernel; /**< mangled name */
  uint32_t grid[3], cluster[3];
  int programmatic; /**< it had the attribute of programmatic stream serialisation */
  int began_early;  /**< it was run up to its griddepcontrol.wait before the launch that it waits for there had ended */
  int let_dependents_start; /**< it began early, and all its CTAs executed launch_dependents before they waited */
} softgpu_launch;

/** Counters of kernels and of calls, and the list of launches, start anew. */
int softgpu_reset_counters(void);

/**
 * Runs what is pending, then sums over the kernels whose mangled name contains `kernel` ("" for all). Returns how many
 * such kernels have been launched, one that was loaded again after cudaDeviceReset() once more.
 */
int softgpu_read_counters(const char* kernel, softgpu_counters* sum);

/** Calls `visit` for each instruction of those kernels, in the order of their PTX; its texts live until it returns. */
int softgpu_visit_lines(const char* kernel, void (*visit)(void* context, const softgpu_line* line), void* context);

/** Calls `visit` for each function of CUDA that was called since then, with how often. Returns how many they are. */
int softgpu_visit_calls(void (*visit)(void* context, const char* function, uint64_t count), void* context);

/**
 * Runs what is pending, then calls `visit` for each launch since then in the order in which they ended, which is that of
 * the stream for launches of one. Of more than 1024 the first are forgotten. Returns how many they are.
 */
int softgpu_visit_launches(void (*visit)(void* context, const softgpu_launch* launch), void* context);

/** Whether the calling thread is inside of a function of CUDA: what it allocates then is the software GPU's. */
int softgpu_is_inside(void);

/** The sentence of the last fault, "" if there was none; also after cudaDeviceReset(). Valid until the next fault. */
const char* softgpu_fault(void);

/** The order of streams, CTAs and warps from now on. */
int softgpu_set_seed(uint64_t seed);

/**
 * Changes what a device says of itself: `key` is one of name, arch ("80", "90a", "100f"), sm_count, shared_opt_in,
 * l2_bytes, memory_bytes. `arch` sets all others to those of a real part and forgets what was loaded: call
 * cudaDeviceReset() first.
 */
int softgpu_set_device(int device, const char* key, const char* value);

/** Returns how many allocations are not freed, and prints them on stderr if `print`. */
int softgpu_leaks(int print);

#ifdef __cplusplus
}
#endif

#endif /* TERNARY_SOFTGPU_SOFTGPU_H_ */
