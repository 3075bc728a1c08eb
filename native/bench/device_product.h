/**
 * @file device_product.h
 * @brief A product of random operands on a GPU, with more copies of its weights than a cache holds.
 */
#ifndef TERNARY_BENCH_DEVICE_PRODUCT_H_
#define TERNARY_BENCH_DEVICE_PRODUCT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/gpu.h"
#include "bench/gpu_time.h"
#include "bench/options.h"
#include "core/cuda/device/device.h"

namespace ternary::bench {

struct EndRuntime {
  void operator()(ternary_runtime* runtime) const { ternary_runtime_destroy(runtime); }
};
struct EndWeights {
  void operator()(ternary_weights* weights) const { ternary_weights_destroy(weights); }
};
struct EndLayer {
  void operator()(ternary_layer* layer) const { ternary_layer_destroy(layer); }
};
using Runtime = std::unique_ptr<ternary_runtime, EndRuntime>;
using Weights = std::unique_ptr<ternary_weights, EndWeights>;
using Layer = std::unique_ptr<ternary_layer, EndLayer>;

/** Rows of I2S with codes 0, 1 and 2, and zero bits beyond K. */
std::vector<uint8_t> random_codes(int64_t N, int64_t K);

/** Ends the program if there is none. */
Runtime make_runtime(const char* settings);

/** The text that a function of the C interface writes into a buffer. */
std::string text_of(const std::function<ternary_status(char*, size_t, size_t*)>& read);

/** What products are made on. */
struct Machine {
  Gpu gpu = find_gpu();
  CudaDevice device;
  Runtime cuda = make_runtime("TERNARY_DEVICE=cuda"), cpu = make_runtime("TERNARY_DEVICE=cpu");
  Stream stream;
  Machine();
};

/** How X is made ready. */
struct XMode {
  ternary_activation activation;
  int64_t block, rotation;  ///< columns; 0: none

  /** "a8", "a8:128", "a8:128 rotated 128" */
  std::string name() const;
  /** The cost model has one. */
  bool is_predicted() const { return block == 0 && rotation == 0; }
};

/** bf16 in and out, alpha a row. Weights are packed once; copies of them are made on the device. */
class DeviceProduct {
 public:
  DeviceProduct(const Machine& machine, const Shape& shape, ternary_layout layout, const XMode& mode,
                const Options& options);

  const Shape& shape() const { return shape_; }
  ternary_layout layout() const { return layout_; }
  const XMode& mode() const { return mode_; }
  int64_t copies() const { return static_cast<int64_t>(layers_.size()); }
  int64_t weight_bytes() const { return ternary_layer_bytes(layers_[0].get()); }
  const void* x() const { return x_device_.get(); }
  void* y() const { return y_device_.get(); }

  /** Starts a product of the first M rows of X with a copy of the weights. */
  void start(ternary_runtime* gpu, int64_t M, int64_t copy, const Stream& stream) const;

  /** Ends the program if the device's bits are not the CPU's: first, middle and last row of X, all columns of Y. */
  void verify(ternary_runtime* gpu, int64_t M, const Stream& stream) const;

 private:
  void make_layers(const Machine& machine, int64_t copies);
  void make_x(const Options& options);
  void expect(ternary_runtime* cpu);
  ternary_operands operands_of(const void* x, void* y, int64_t M) const;
  Layer layer_of(const ternary_weights& weights) const;

  const Shape shape_;
  const ternary_layout layout_;
  const XMode mode_;
  const int64_t most_rows_;  ///< what layers are made for
  std::vector<Layer> layers_;
  std::vector<uint16_t> x_;
  std::vector<int64_t> sampled_;    ///< rows of X that the CPU has computed too
  std::vector<uint16_t> expected_;  ///< their rows of Y
  DeviceMemory x_device_, y_device_, workspace_;
  int64_t workspace_bytes_ = 0;
};

}  // namespace ternary::bench

#endif  // TERNARY_BENCH_DEVICE_PRODUCT_H_
