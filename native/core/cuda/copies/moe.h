/**
 * @file moe.h
 * @brief The copies of a layer of experts on GPUs: its signs, beside those of its weights.
 */
#ifndef TERNARY_CORE_CUDA_COPIES_MOE_H_
#define TERNARY_CORE_CUDA_COPIES_MOE_H_

#include "core/cuda/copies/weights.h"
#include "core/experts/moe.h"

namespace ternary {

/** A layer of experts in the memory of one GPU. */
struct CudaMoe : CudaCopy {
  CudaMoe(const CudaDevice& device, const CudaWeights& of13, const CudaWeights& of2)
      : CudaCopy(device), w13(of13), w2(of2) {}
  ~CudaMoe() override;

  const CudaWeights &w13, &w2;  ///< which live as long: the layer retains them
  float* signs13 = nullptr;     ///< [H] or null
  float* signs2 = nullptr;      ///< [I] or null
};

/** The layer's copy on a GPU; null if there is none yet. Never waits. */
const CudaMoe* find_moe(const ternary_moe& moe, int ordinal);

/** The copy on a GPU, made if need be, with those of the weights: as prepare_weights(). */
const CudaMoe& prepare_moe(const ternary_moe& moe, const CudaDevice& device, ThreadPool& pool);

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_COPIES_MOE_H_
