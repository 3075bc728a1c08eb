/**
 * @file layer.h
 * @brief The copies of a layer on GPUs: its bias, its norm and its signs, beside those of its weights.
 */
#ifndef TERNARY_CORE_CUDA_COPIES_LAYER_H_
#define TERNARY_CORE_CUDA_COPIES_LAYER_H_

#include "core/cuda/copies/weights.h"
#include "core/cuda/device/memory.h"
#include "core/product/layer.h"

namespace ternary {

/** A layer in the memory of one GPU. */
struct CudaLayer : CudaCopy {
  CudaLayer(const CudaDevice& device, const CudaWeights& copy) : CudaCopy(device), weights(copy) {}
  ~CudaLayer() override;

  const CudaWeights& weights;    ///< which live as long: the layer retains them
  float* bias = nullptr;         ///< [N] or null
  float* norm_weight = nullptr;  ///< [K] or null
  float* signs = nullptr;        ///< [K] or null
};

/** The layer's copy on a GPU; null if there is none yet. Never waits. */
const CudaLayer* find_layer(const ternary_layer& layer, int ordinal);

/** The copy on a GPU, made if need be, with that of the weights: as prepare_weights(). */
const CudaLayer& prepare_layer(const ternary_layer& layer, const CudaDevice& device, ThreadPool& pool,
                               SecondLayouts wanted);

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_COPIES_LAYER_H_
