#include "softgpu/exec/grid.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <mutex>
#include <random>
#include <thread>

#include "softgpu/exec/engine.h"

namespace ternary::softgpu {
namespace {

/** Warp-instructions after which a host thread looks at another cluster, so that one that polls memory cannot starve
 *  the one it waits for. */
constexpr uint64_t kSlice = 1 << 20;
/** Clusters that a host thread has begun and not finished, when they do not end within a slice. */
constexpr size_t kInterleaved = 16;
/** A kernel that cancels launches counts on what hardware does: as many clusters as there is room for are there from the
 *  beginning. CUTLASS's stream-K polls memory for what others of them write. */
constexpr uint64_t kSliceOfWave = 1 << 14;

void check_dimensions(const LaunchConfig& config) {
  auto fail = [&](const std::string& why) {
    throw Fault(FaultKind::illegal, "launch of kernel " + config.code->name + ": " + why);
  };
  const ptx::Function& function = *config.code->function;
  if (config.grid.count() == 0 || config.block.count() == 0) fail("a dimension is 0");
  if (config.block.count() > 1024) fail(std::to_string(config.block.count()) + " threads a block, 1024 are allowed");
  if (config.grid.x % config.cluster.x || config.grid.y % config.cluster.y || config.grid.z % config.cluster.z) {
    fail("the grid is no multiple of the cluster");
  }
  const uint32_t block[3] = {config.block.x, config.block.y, config.block.z};
  const uint32_t cluster[3] = {config.cluster.x, config.cluster.y, config.cluster.z};
  for (int i = 0; i < 3; ++i) {
    if (function.required_ntid[i] && function.required_ntid[i] != block[i]) fail("the block is not what .reqntid says");
    if (function.required_cluster[i] && function.required_cluster[i] != cluster[i]) {
      fail("the cluster is not what .reqnctapercluster says");
    }
  }
  uint64_t most = 1;
  for (int i = 0; i < 3; ++i) most *= std::max(1u, function.max_ntid[i]);
  if (function.max_ntid[0] && config.block.count() > most) {
    fail(std::to_string(config.block.count()) + " threads a block, .maxntid allows " + std::to_string(most));
  }
  if (config.params.size() != config.code->param_bytes) {
    fail(std::to_string(config.params.size()) + " bytes of parameters where " +
         std::to_string(config.code->param_bytes) + " are needed");
  }
}

}  // namespace

struct Grid::State {
  LaunchContext launch;
  GridState state = GridState::ready;
  std::vector<uint32_t> cluster_order;
  uint32_t begun = 0;  ///< clusters of cluster_order
  uint32_t ended = 0;  ///< of those; the others are resident, parked or in a worker's hands
  std::deque<std::unique_ptr<Cluster>> resident;
  std::deque<std::unique_ptr<Cluster>> parked;  ///< at griddepcontrol.wait
  std::vector<Worker> workers;
  std::mutex mutex;  ///< of all above that workers change
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> steps{0};
  FaultReport fault;

  State(LaunchConfig config, Memory& memory) : launch(std::move(config), memory) {
    launch.cancel_cluster = [this](uint32_t* number) { return cancel(number); };
  }
  bool cancel(uint32_t* number);
  size_t wave = 0;  ///< clusters that are there from the beginning, of a kernel that cancels launches
  std::unique_ptr<Cluster> next_cluster();
  void set_fault(const FaultReport& report);
  void work(Worker& worker);
};

/** The next cluster to run: one that was begun, else a new one if there is room; null if there is none. */
std::unique_ptr<Cluster> Grid::State::next_cluster() {
  uint32_t number;
  {
    std::lock_guard<std::mutex> lock(mutex);
    if (!resident.empty() &&
        (begun == cluster_order.size() || resident.size() >= std::max(wave, kInterleaved * workers.size()))) {
      std::unique_ptr<Cluster> cluster = std::move(resident.front());
      resident.pop_front();
      return cluster;
    }
    const uint64_t ctas = (begun - ended) * launch.config.cluster.count();
    const bool room = launch.dependencies_met || ctas < launch.config.resident_ctas;
    if (begun == cluster_order.size() || !room) {
      if (resident.empty()) return nullptr;
      std::unique_ptr<Cluster> cluster = std::move(resident.front());
      resident.pop_front();
      return cluster;
    }
    number = cluster_order[begun++];
  }
  return Engine::make_cluster(launch, number);
}

/** Whoever asked does its work. */
bool Grid::State::cancel(uint32_t* number) {
  std::lock_guard<std::mutex> lock(mutex);
  if (cluster_order.size() <= std::max<size_t>(begun, wave)) return false;
  *number = cluster_order.back();
  cluster_order.pop_back();
  launch.launched_ctas += launch.config.cluster.count();
  return true;
}

void Grid::State::set_fault(const FaultReport& report) {
  std::lock_guard<std::mutex> lock(mutex);
  if (!stop.exchange(true)) fault = report;
}

void Grid::State::work(Worker& worker) {
  std::unique_ptr<Cluster> cluster;  // not in the try: the report of a fault looks at the warp, its CTA and its cluster
  try {
    while (!stop) {
      worker.warp = nullptr;  // its cluster goes
      cluster = next_cluster();
      if (!cluster) return;
      Progress progress = Engine::run(*cluster, worker, wave > 0 ? kSliceOfWave : kSlice);
      const uint64_t executed = steps += worker.steps;
      if (executed > launch.config.step_limit) {
        throw Fault(FaultKind::step_limit,
                    "more than " + std::to_string(launch.config.step_limit) + " warp-instructions were executed");
      }
      std::lock_guard<std::mutex> lock(mutex);
      if (progress == Progress::ended) {
        ++ended;
        continue;
      }
      (progress == Progress::waiting ? parked : resident).push_back(std::move(cluster));
    }
  } catch (const Fault& thrown) {
    set_fault(Engine::report(thrown, worker.warp, *launch.config.code));
  }
}

Grid::Grid(LaunchConfig config, Memory& memory) {
  check_dimensions(config);
  state_ = std::make_unique<State>(std::move(config), memory);
  const LaunchContext& launch = state_->launch;
  const uint32_t clusters = launch.clusters();
  state_->cluster_order.resize(clusters);
  for (uint32_t i = 0; i < clusters; ++i) state_->cluster_order[i] = i;
  std::mt19937_64 random(launch.config.seed);
  if (launch.config.code->cancels_launches) {
    state_->wave = std::clamp<size_t>(launch.config.sm_count / launch.config.cluster.count(), 1, clusters);
  }
  const auto rest = state_->cluster_order.begin() + static_cast<std::ptrdiff_t>(state_->wave);
  std::shuffle(state_->cluster_order.begin(), rest, random);
  std::shuffle(rest, state_->cluster_order.end(), random);
  state_->workers.resize(std::min<uint64_t>(std::max(1, launch.config.host_threads), clusters));
  for (Worker& worker : state_->workers) worker.counts.resize(launch.config.code->instructions.size());
}

Grid::~Grid() = default;

GridState Grid::run(bool dependencies_met) {
  State& state = *state_;
  if (state.state == GridState::finished || state.state == GridState::faulted) return state.state;
  state.launch.dependencies_met = state.launch.dependencies_met || dependencies_met;
  if (state.launch.dependencies_met) {
    for (auto& cluster : state.parked) state.resident.push_back(std::move(cluster));
    state.parked.clear();
  }
  // Memory may have changed since: forget where instructions went.
  for (Worker& worker : state.workers) worker.ranges.assign(state.launch.config.code->instructions.size(), Range{});
  std::vector<std::thread> threads;
  for (size_t i = 1; i < state.workers.size(); ++i) {
    threads.emplace_back([&state, i] { state.work(state.workers[i]); });
  }
  state.work(state.workers[0]);
  for (std::thread& thread : threads) thread.join();
  state.state = state.stop ? GridState::faulted : state.parked.empty() ? GridState::finished : GridState::waiting;
  if (state.state != GridState::waiting) state.resident.clear();
  return state.state;
}

GridState Grid::state() const { return state_->state; }

bool Grid::launched_dependents() const { return state_->launch.launched_ctas == state_->launch.config.grid.count(); }

bool Grid::all_waited() const { return state_->launch.all_waited; }

const FaultReport& Grid::fault() const { return state_->fault; }

const LaunchConfig& Grid::config() const { return state_->launch.config; }

void Grid::add_counts(std::vector<InstructionCounts>* sums) const {
  sums->resize(state_->launch.config.code->instructions.size());
  for (const Worker& worker : state_->workers) {
    for (size_t i = 0; i < sums->size(); ++i) (*sums)[i].add(worker.counts[i]);
  }
}

KernelCounters Grid::counters() const {
  const Code& code = *state_->launch.config.code;
  KernelCounters counters = describe(code);
  counters.ctas = state_->launch.config.grid.count();
  std::vector<InstructionCounts> sums;
  add_counts(&sums);
  for (size_t i = 0; i < sums.size(); ++i) counters.lines[i].counts = sums[i];
  return counters;
}

}  // namespace ternary::softgpu
