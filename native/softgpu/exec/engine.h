/**
 * @file engine.h
 * @brief Runs warps and clusters: fetch, guard, gather, execute, count. Grid gives it work.
 */
#ifndef TERNARY_SOFTGPU_EXEC_ENGINE_H_
#define TERNARY_SOFTGPU_EXEC_ENGINE_H_

#include <cstdint>
#include <memory>

#include "softgpu/exec/warp.h"

namespace ternary::softgpu {

enum class Progress : uint8_t {
  sliced,   ///< can go on
  waiting,  ///< nothing but griddepcontrol.wait holds it up
  ended
};

class Engine {
 public:
  /** A cluster at its beginning. */
  static std::unique_ptr<Cluster> make_cluster(LaunchContext& launch, uint32_t number);
  /** Runs warps of the cluster in an order made from its seed, for about `slice` instructions. Throws Fault. */
  static Progress run(Cluster& cluster, Worker& worker, uint64_t slice);
  /** Where a fault happened, as a sentence and fields; `warp` null: in no warp. */
  static FaultReport report(const Fault& fault, const Warp* warp, const Code& code);

 private:
  enum class Outcome : uint8_t { burst_over, waiting, ended };
  static Outcome run(Warp& warp, Worker& worker, uint32_t burst, bool* progress);
  static Step execute(Warp& warp, const Instruction& instruction, uint32_t mask);
  /** Lanes of `mask` for which all that must be here are here. */
  static uint32_t gathered(Warp& warp, const Instruction& instruction, uint32_t mask);
  static Step execute_members(Warp& warp, const Instruction& instruction, uint32_t mask);
  static void meet_splits(Warp& warp);
  static bool choose_split(Warp& warp);
  [[noreturn]] static void fail_divergence(const Warp& warp);
  [[noreturn]] static void fail_deadlock(const Cluster& cluster);
  static void end_warp(Warp& warp);
  static void check_visits(Warp& last);
};

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_EXEC_ENGINE_H_
