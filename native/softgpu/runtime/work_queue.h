/**
 * @file work_queue.h
 * @brief All that is enqueued and not yet done. Runs when somebody waits, in an order made from a seed.
 *
 * A launch with programmatic stream serialisation is run up to its griddepcontrol.wait before the launch it depends on
 * has begun its last part, i.e. as early as any GPU could: what it reads there is older than on any GPU, and what it
 * touches there is compared with all that its predecessor touches.
 */
#ifndef TERNARY_SOFTGPU_RUNTIME_WORK_QUEUE_H_
#define TERNARY_SOFTGPU_RUNTIME_WORK_QUEUE_H_

#include <cuda_runtime_api.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "softgpu/memory/races.h"
#include "softgpu/runtime/environment.h"
#include "softgpu/runtime/kernel_counters.h"
#include "softgpu/runtime/operation.h"

namespace ternary::softgpu {

class WorkQueue {
 public:
  WorkQueue(DeviceMemory& memory, const Environment& environment);

  size_t add_chain();
  /** `overtakes`: one of `needs` or null. May run older operations where many are pending. */
  OperationRef enqueue(WorkRef work, std::vector<OperationRef> needs, OperationRef overtakes, size_t chain);

  /** Runs until the operation is complete; the host has then waited for it. */
  void wait_for(const OperationRef& operation);
  void wait_for_all();
  /** Runs one operation, of whatever stream, if there is one. */
  void advance();
  /** The host knows that a complete operation is so. */
  void observe(const OperationRef& operation);

  void set_seed(uint64_t seed) {
    random_.seed(seed);
    seed_ = seed;
  }
  void set_sm_count(int device, int sm_count) { sm_counts_[device] = sm_count; }

  /** The error that stopped everything, cudaSuccess if none; it stays until reset(). */
  cudaError_t fault() const { return fault_; }
  /** The sentence of the last fault, also after a reset. */
  const std::string& fault_sentence() const { return fault_sentence_; }
  /** Forgets what is pending, and the fault. */
  void reset();

  KernelCounterTable& counters() { return counters_; }

 private:
  void execute(Operation& operation);
  void execute_copy(Operation& operation);
  void execute_kernel(Operation& operation);
  void begin_early(Operation& operation);
  void begin_dependents_early(Operation& operation, const History& before);
  void run_grid(Operation& operation, bool dependencies_met, const Moment& moment, const History& before,
                const std::string& what);
  void finish_kernel(Operation& operation);
  void compare(Episode episode);
  void complete(Operation& operation);
  void fail(cudaError_t error, const std::string& sentence);

  DeviceMemory& memory_;
  const Environment environment_;
  std::mt19937_64 random_;
  uint64_t seed_;
  std::map<int, int> sm_counts_;
  std::vector<uint64_t> chain_lengths_;
  uint64_t last_number_ = 0;
  std::map<Operation*, OperationRef> pending_;  // keeps them alive
  std::vector<Operation*> ready_;
  History host_;
  Races races_;
  KernelCounterTable counters_;
  cudaError_t fault_ = cudaSuccess;
  std::string fault_sentence_;
};

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_RUNTIME_WORK_QUEUE_H_
