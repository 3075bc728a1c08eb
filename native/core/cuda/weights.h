/**
 * @file weights.h
 * @brief The copies of a weight matrix on GPUs: owned by the weights, one a device, made once.
 */
#ifndef TERNARY_CORE_CUDA_WEIGHTS_H_
#define TERNARY_CORE_CUDA_WEIGHTS_H_

#include <atomic>
#include <cstdint>

#include "abi/cuda_kernel.h"
#include "core/base/mutex.h"
#include "core/base/thread_pool.h"

struct ternary_weights;

namespace ternary {

struct CudaDevice;
struct Cudart;

/** Weights in the memory of one device. */
struct CudaWeights {
  const Cudart* cuda;
  int ordinal;
  int fork_count;     ///< forks the process had seen: the child of a later one must not touch the device
  CudaLayout layout;  ///< of `codes`: i2s or t5
  uint8_t* codes;
  float* alpha;                 ///< as GemmTask::alpha, zeros beyond N up to 16 rows
  float* alpha_column;          ///< [K] or null
  std::atomic<uint8_t*> dense;  ///< CudaLayout::dense, null until somebody needs it
};

/** What a ternary_weights owns of them. Costs nothing where there is no GPU. */
class CudaCopies {
 public:
  CudaCopies() = default;
  ~CudaCopies();
  CudaCopies(const CudaCopies&) = delete;
  CudaCopies& operator=(const CudaCopies&) = delete;

  /** The copy on a device; null if there is none yet. Never waits. */
  const CudaWeights* find(int ordinal) const;

  /**
   * The copy on a device, made if need be (dense too if asked for), by all threads of the pool; waits for another thread
   * that makes it for the same device, never for one that makes it for another. The device is current. Throws a Failure
   * if memory or the device fails; what had been made stays.
   */
  const CudaWeights& prepare(const ternary_weights& weights, const CudaDevice& device, ThreadPool& pool, bool dense);

 private:
  /** Where the copy on a device is, once it is made. Stays as long as the weights. */
  struct Place {
    explicit Place(int device) : ordinal(device) {}
    const int ordinal;
    Mutex mutex;  ///< held by whoever makes the copy
    std::atomic<CudaWeights*> copy{nullptr};
    Place* next = nullptr;
  };

  static Place* find_place(Place* first, int ordinal);
  Place& place_of(int ordinal);

  std::atomic<Place*> first_{nullptr};
};

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_WEIGHTS_H_
