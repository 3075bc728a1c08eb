/**
 * @file weights.h
 * @brief The copies of a weight matrix on GPUs.
 */
#ifndef TERNARY_CORE_CUDA_COPIES_WEIGHTS_H_
#define TERNARY_CORE_CUDA_COPIES_WEIGHTS_H_

#include <atomic>
#include <cstdint>
#include <initializer_list>

#include "abi/cuda_kernel.h"
#include "core/base/thread_pool.h"
#include "core/cuda/copies/weight_bytes.h"
#include "core/weights/weights.h"

namespace ternary {

struct CudaDevice;
struct Cudart;

/** What lies in the memory of one GPU. */
class CudaCopy : public DeviceCopy {
 protected:
  explicit CudaCopy(const CudaDevice& device);
  /** Frees on that GPU. Errors have nobody to go to, and sticky ones show at the next call. */
  void free(std::initializer_list<void*> memory) const noexcept;

 private:
  const Cudart& cuda_;
  const int ordinal_;
  const int fork_count_;  ///< forks the process had seen: the child of a later one leaves the GPU alone
};

/** Weights there. */
struct CudaWeights : CudaCopy {
  explicit CudaWeights(const CudaDevice& device);
  ~CudaWeights() override;

  CudaLayout layout = CudaLayout::i2s;  ///< of `codes`: i2s or t5
  uint8_t* codes = nullptr;             ///< of experts one behind the other, as those that follow
  float* alpha = nullptr;         ///< as GemmTask::alpha, zeros beyond N up to 16 rows; experts alpha_stride apart
  float* alpha_column = nullptr;  ///< [K] or null; of experts as ternary_weights::alpha_column
  // Second arrangements, null until somebody needs them.
  std::atomic<uint8_t*> dense{nullptr};  ///< CudaLayout::dense
  std::atomic<uint8_t*> top2{nullptr};   ///< CudaLayout::top2
  CountedBytes bytes;                    ///< of all these

  /** Codes in a layout, if they are there; null else. */
  const uint8_t* codes_in(CudaLayout wanted) const {
    if (wanted == CudaLayout::dense) return dense.load(std::memory_order_acquire);
    if (wanted == CudaLayout::top2) return top2.load(std::memory_order_acquire);
    return codes;
  }
};

/** Second arrangements that somebody needs. */
struct SecondLayouts {
  bool dense = false, top2 = false;
};

/** The weights' copy on a GPU; null if there is none yet. Never waits. */
const CudaWeights* find_weights(const ternary_weights& weights, int ordinal);

/**
 * The copy on a GPU, made if need be with the second arrangements asked for, by all threads of the pool; waits for
 * another thread that makes it for the same GPU, never for one that makes it for another. The GPU is current. Throws a
 * Failure if memory or the GPU fails; what had been made stays.
 */
const CudaWeights& prepare_weights(const ternary_weights& weights, const CudaDevice& device, ThreadPool& pool,
                                   SecondLayouts wanted);

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_COPIES_WEIGHTS_H_
