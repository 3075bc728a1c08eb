#include "softgpu/exec/grid.h"

#include <algorithm>
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

/** The next cluster to run: one that was begun, else a new one if there is room; null if there is none. */
std::unique_ptr<Cluster> next_cluster(Grid& grid) {
  Grid::State& state = grid.internals();
  uint32_t number;
  {
    std::lock_guard<std::mutex> lock(state.mutex);
    if (!state.resident.empty() &&
        (state.begun == state.cluster_order.size() || state.resident.size() >= kInterleaved * state.workers.size())) {
      std::unique_ptr<Cluster> cluster = std::move(state.resident.front());
      state.resident.pop_front();
      return cluster;
    }
    const uint64_t ctas = (state.begun - state.ended) * state.cluster_size();
    const bool room = state.dependencies_met || ctas < state.config.resident_ctas;
    if (state.begun == state.cluster_order.size() || !room) {
      if (state.resident.empty()) return nullptr;
      std::unique_ptr<Cluster> cluster = std::move(state.resident.front());
      state.resident.pop_front();
      return cluster;
    }
    number = state.cluster_order[state.begun++];
  }
  return Engine::make_cluster(grid, number);
}

void set_fault(Grid::State& state, const FaultReport& report) {
  std::lock_guard<std::mutex> lock(state.mutex);
  if (!state.stop.exchange(true)) state.fault = report;
}

void work(Grid& grid, Worker& worker) {
  Grid::State& state = grid.internals();
  std::unique_ptr<Cluster> cluster;  // not in the try: the report of a fault looks at the warp, its CTA and its cluster
  try {
    while (!state.stop) {
      worker.warp = nullptr;  // its cluster goes
      cluster = next_cluster(grid);
      if (!cluster) return;
      Progress progress = Engine::run(*cluster, worker, kSlice);
      if ((state.steps += worker.steps) > state.config.step_limit) {
        throw Fault(FaultKind::step_limit,
                    "more than " + std::to_string(state.config.step_limit) + " warp-instructions were executed");
      }
      std::lock_guard<std::mutex> lock(state.mutex);
      if (progress == Progress::ended) {
        ++state.ended;
        continue;
      }
      (progress == Progress::waiting ? state.parked : state.resident).push_back(std::move(cluster));
    }
  } catch (const Fault& fault) {
    set_fault(state, Engine::report(fault, worker.warp, *state.config.code));
  }
}

}  // namespace

Grid::Grid(LaunchConfig config, Memory& memory) : state_(new State) {
  check_dimensions(config);
  state_->config = std::move(config);
  state_->memory = &memory;
  uint64_t clusters = state_->config.grid.count() / state_->cluster_size();
  state_->cluster_order.resize(clusters);
  state_->order = std::make_unique<GridOrder>(static_cast<uint32_t>(clusters));
  for (uint64_t i = 0; i < clusters; ++i) state_->cluster_order[i] = static_cast<uint32_t>(i);
  std::mt19937_64 random(state_->config.seed);
  std::shuffle(state_->cluster_order.begin(), state_->cluster_order.end(), random);
  uint64_t threads = std::min<uint64_t>(std::max(1, state_->config.host_threads), clusters);
  state_->workers.resize(threads);
  for (Worker& worker : state_->workers) {
    worker.grid = state_.get();
    worker.counts.resize(state_->config.code->instructions.size());
  }
}

Grid::~Grid() = default;

GridState Grid::run(bool dependencies_met) {
  State& state = *state_;
  if (state.state == GridState::finished || state.state == GridState::faulted) return state.state;
  state.dependencies_met = state.dependencies_met || dependencies_met;
  if (state.dependencies_met) {
    for (auto& cluster : state.parked) state.resident.push_back(std::move(cluster));
    state.parked.clear();
  }
  // Memory may have changed since: forget where instructions went.
  for (Worker& worker : state.workers) worker.ranges.assign(state.config.code->instructions.size(), Range{});
  std::vector<std::thread> threads;
  for (size_t i = 1; i < state.workers.size(); ++i) {
    threads.emplace_back([this, i] { work(*this, state_->workers[i]); });
  }
  work(*this, state.workers[0]);
  for (std::thread& thread : threads) thread.join();
  state.state = state.stop ? GridState::faulted : state.parked.empty() ? GridState::finished : GridState::waiting;
  if (state.state != GridState::waiting) state.resident.clear();
  return state.state;
}

GridState Grid::state() const { return state_->state; }

bool Grid::launched_dependents() const { return state_->launched_ctas == state_->config.grid.count(); }

bool Grid::all_waited() const { return state_->all_waited; }

const FaultReport& Grid::fault() const { return state_->fault; }

const LaunchConfig& Grid::config() const { return state_->config; }

void Grid::add_counts(std::vector<InstructionCounts>* sums) const {
  sums->resize(state_->config.code->instructions.size());
  for (const Worker& worker : state_->workers) {
    for (size_t i = 0; i < sums->size(); ++i) (*sums)[i].add(worker.counts[i]);
  }
}

KernelCounters Grid::counters() const {
  const Code& code = *state_->config.code;
  KernelCounters counters = describe(code);
  counters.ctas = state_->config.grid.count();
  std::vector<InstructionCounts> sums;
  add_counts(&sums);
  for (size_t i = 0; i < sums.size(); ++i) counters.lines[i].counts = sums[i];
  return counters;
}

}  // namespace ternary::softgpu
