/**
 * @file engine.h
 * @brief Runs warps and clusters: fetch, guard, gather, execute, count. Grid gives it work.
 */
#ifndef TERNARY_SOFTGPU_EXEC_ENGINE_H_
#define TERNARY_SOFTGPU_EXEC_ENGINE_H_

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <random>
#include <vector>

#include "softgpu/exec/cta.h"
#include "softgpu/exec/grid_order.h"

namespace ternary::softgpu {

/** What one host thread has of its own. */
struct Worker {
  Grid::State* grid = nullptr;
  std::vector<InstructionCounts> counts;  ///< by instruction
  std::vector<Range> ranges;              ///< by instruction: where it went last
  uint64_t steps = 0;                     ///< of the slice that runs
  const Warp* warp = nullptr;             ///< that ran last of the cluster that the thread holds; null: holds none
};

enum class Progress : uint8_t {
  sliced,   ///< can go on
  waiting,  ///< nothing but griddepcontrol.wait holds it up
  ended
};

struct Grid::State {
  LaunchConfig config;
  Memory* memory = nullptr;
  GridState state = GridState::ready;
  std::vector<uint32_t> cluster_order;
  uint32_t begun = 0;  ///< clusters of cluster_order
  uint32_t ended = 0;  ///< of those; the others are resident, parked or in a worker's hands
  std::deque<std::unique_ptr<Cluster>> resident;
  std::deque<std::unique_ptr<Cluster>> parked;  ///< at griddepcontrol.wait
  std::vector<Worker> workers;
  std::mutex mutex;  ///< of all above that workers change
  bool dependencies_met = false;
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> steps{0};
  std::atomic<uint64_t> launched_ctas{0};  ///< that launched dependents or ended
  std::atomic<bool> all_waited{true};
  FaultReport fault;
  std::unique_ptr<GridOrder> order;

  uint64_t cluster_size() const { return config.cluster.count(); }
};

class Engine {
 public:
  /** A cluster at its beginning. */
  static std::unique_ptr<Cluster> make_cluster(Grid& grid, uint32_t number);
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
  static void leave_split(Warp& warp, uint32_t lanes, uint32_t pc, bool gathering, bool waiting);
  [[noreturn]] static void fail_divergence(const Warp& warp);
  [[noreturn]] static void fail_deadlock(const Cluster& cluster);
  static void end_warp(Warp& warp);
  static void check_visits(Warp& last);
  friend class Warp;
};

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_EXEC_ENGINE_H_
