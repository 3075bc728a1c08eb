/**
 * @file accelerator.h
 * @brief What a runtime asks of a device that serves its products in the CPU's place.
 */
#ifndef TERNARY_CORE_RUNTIME_ACCELERATOR_H_
#define TERNARY_CORE_RUNTIME_ACCELERATOR_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/policy/settings.h"
#include "core/product/product.h"

struct ternary_runtime;

namespace ternary {

/** Any number of threads may call; the arguments have been checked. */
class Accelerator {
 public:
  virtual ~Accelerator() = default;

  /** Every kernel as counters name it, "gemv_a8_i2s.cuda.sm90a": the runtime's rows after those of the CPU. */
  virtual std::vector<std::string> kernel_names() const = 0;
  /** The elements that ternary_runtime_info()'s `kernels` gets, each after a comma. */
  virtual std::string kernels_json() const = 0;
  /** ternary_runtime_info()'s `cuda`. */
  virtual std::string json() const = 0;

  /** Plans of products that were made; a product of a kind that was served before needs none. */
  virtual uint64_t plans_made() const = 0;
  /** Kernels that calls have launched; of a graph's those that it captured, not their replays. */
  virtual uint64_t launches() const = 0;
  /** Whether all of them carry the attribute of programmatic launches, or none. */
  virtual bool pdl() const = 0;
  /** The function of the kernel at a place of kernel_names(), or empty. */
  virtual std::string kernel_file(size_t place) const = 0;
  /** Elements of ternary_runtime_plans()'s `plans`. */
  virtual std::vector<std::string> plans(const ternary_runtime& runtime) const = 0;

  /** Copies the layer and its weights there, and waits. */
  virtual void prepare(ternary_runtime& runtime, const ternary_layer& layer) = 0;
  virtual void prepare_moe(ternary_runtime& runtime, const ternary_moe& moe) = 0;

  /** Operands in host memory: if it throws, nothing of the caller's has been written. */
  virtual void run(ternary_runtime& runtime, const Product& product) = 0;
  virtual void quantise(ternary_runtime& runtime, const ternary_quantise_operands& operands) = 0;
  virtual void rotate(ternary_runtime& runtime, const ternary_rotate_operands& operands) = 0;
  virtual void qk_norm(ternary_runtime& runtime, const ternary_qk_norm_operands& operands) = 0;
  virtual void moe(ternary_runtime& runtime, const ternary_moe& moe, const ternary_moe_operands& operands) = 0;
  virtual void route(ternary_runtime& runtime, const ternary_route_operands& operands) = 0;
  virtual void align(ternary_runtime& runtime, const ternary_align_operands& operands) = 0;
  virtual void combine(ternary_runtime& runtime, const ternary_combine_operands& operands) = 0;

  /** Operands in the device's memory: started, not waited for. */
  virtual void start(ternary_runtime& runtime, const Product& product, const ternary_cuda_call& call) = 0;
  virtual void start_quantise(ternary_runtime& runtime, const ternary_quantise_operands& operands,
                              const ternary_cuda_call& call) = 0;
  virtual void start_rotate(ternary_runtime& runtime, const ternary_rotate_operands& operands,
                            const ternary_cuda_call& call) = 0;
  virtual void start_qk_norm(ternary_runtime& runtime, const ternary_qk_norm_operands& operands,
                             const ternary_cuda_call& call) = 0;

  virtual void start_moe(ternary_runtime& runtime, const ternary_moe& moe, const ternary_moe_operands& operands,
                         const ternary_cuda_call& call) = 0;
  virtual void start_route(ternary_runtime& runtime, const ternary_route_operands& operands,
                           const ternary_cuda_call& call) = 0;
  virtual void start_align(ternary_runtime& runtime, const ternary_align_operands& operands,
                           const ternary_cuda_call& call) = 0;
  virtual void start_combine(ternary_runtime& runtime, const ternary_combine_operands& operands,
                             const ternary_cuda_call& call) = 0;

  /** Waits for a stream, and throws for what calls met that nobody could tell when they were started. */
  virtual void synchronise(void* stream) = 0;

  /** What ternary_workspace_bytes() says. */
  virtual int64_t workspace_bytes(const ternary_layer& layer, int64_t M) const = 0;
  /** What ternary_moe_workspace_bytes() says. */
  virtual int64_t moe_workspace_bytes(const ternary_moe& moe, int64_t M, int64_t T) const = 0;
  /** What ternary_route_workspace_bytes() says. */
  virtual int64_t route_workspace_bytes(int64_t M, int64_t E) const = 0;

  /** What ternary_predict() says of it; nothing if that is unknown. */
  virtual std::optional<ternary_prediction> predict(ternary_layout layout, ternary_activation activation, int64_t M,
                                                    int64_t N, int64_t K) const = 0;
};

/** The device that the settings ask for; or none, and why. */
struct FoundAccelerator {
  std::unique_ptr<Accelerator> accelerator;
  std::string reason;
  bool no_library = false;  ///< there is a device, but no library with code that it runs
};

/** Throws a Failure where the settings leave no choice. */
using FindAccelerator = FoundAccelerator (*)(const Settings& settings);

}  // namespace ternary

#endif  // TERNARY_CORE_RUNTIME_ACCELERATOR_H_
