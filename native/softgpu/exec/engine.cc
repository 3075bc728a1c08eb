#include "softgpu/exec/engine.h"

#include <algorithm>

#include "softgpu/code/opcode.h"
#include "softgpu/exec/specials.h"

namespace ternary::softgpu {
namespace {

std::string hexadecimal(uint64_t value) {
  char text[20];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

std::string place_in_text(const Code& code, uint32_t pc) {
  const ptx::Instruction& source = *code.instructions[pc].source;
  return "PTX line " + std::to_string(source.line) + " (" + source.text + ")";
}

}  // namespace

/** Splits that stand where the warp is join it; a split that is further back goes first. */
void Engine::meet_splits(Warp& warp) {
  for (size_t i = 0; i < warp.splits_.size();) {
    Warp::Split& split = warp.splits_[i];
    if (split.pc == warp.pc_) {
      warp.active_ |= split.lanes;
      split = warp.splits_.back();
      warp.splits_.pop_back();
      continue;
    }
    if (split.pc < warp.pc_ && !split.gathering && !split.waiting) {
      std::swap(split.pc, warp.pc_);
      std::swap(split.lanes, warp.active_);
      i = 0;  // those behind may stand where it stands
      continue;
    }
    ++i;
  }
}

/** Takes the split that is furthest back of those that can go on; false if none can. */
bool Engine::choose_split(Warp& warp) {
  Warp::Split* best = nullptr;
  for (Warp::Split& split : warp.splits_) {
    if (!split.gathering && !split.waiting && (!best || split.pc < best->pc)) best = &split;
  }
  if (!best) return false;
  warp.pc_ = best->pc;
  warp.active_ = best->lanes;
  *best = warp.splits_.back();
  warp.splits_.pop_back();
  return true;
}

void Engine::fail_divergence(const Warp& warp) {
  std::string where;
  for (const Warp::Split& split : warp.splits_) {
    where += std::string(where.empty() ? "" : ", ") + "lanes " + hexadecimal(split.lanes) + " at " +
             place_in_text(*warp.code_, split.pc);
  }
  throw Fault(FaultKind::divergence, "lanes that must meet are apart and none can go on: " + where);
}

uint32_t Engine::gathered(Warp& warp, const Instruction& instruction, uint32_t mask) {
  if (instruction.gather == Gather::warp) return mask == warp.living_ ? mask : 0;
  const uint32_t* wanted = warp.lanes<uint32_t>(instruction.members);
  uint32_t ready = 0;
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    int lane = __builtin_ctz(rest);
    if (!(wanted[lane] >> lane & 1)) {
      throw Fault(FaultKind::illegal, "the lane is not in its own member mask " + hexadecimal(wanted[lane]), lane);
    }
    if ((wanted[lane] & warp.living_ & ~mask) == 0) ready |= 1u << lane;
  }
  return ready;
}

/** Once for each member mask, so that a function sees lanes of one group only. */
Step Engine::execute_members(Warp& warp, const Instruction& instruction, uint32_t mask) {
  const uint32_t* wanted = warp.lanes<uint32_t>(instruction.members);
  Step step = Step::next;
  while (mask) {
    uint32_t group = 0, members = wanted[__builtin_ctz(mask)];
    for (uint32_t rest = mask; rest; rest &= rest - 1) {
      int lane = __builtin_ctz(rest);
      if (wanted[lane] == members) group |= 1u << lane;
    }
    if ((members & mask) != group && (members & group) != group) {
      throw Fault(FaultKind::divergence, "lanes name each other in different member masks");
    }
    step = instruction.execute(warp, instruction, group);
    mask &= ~group;
  }
  return step;
}

Step Engine::execute(Warp& warp, const Instruction& instruction, uint32_t mask) {
  if (instruction.gather == Gather::none) return instruction.execute(warp, instruction, mask);
  uint32_t ready = gathered(warp, instruction, mask);
  if (ready == mask) {
    return instruction.gather == Gather::members ? execute_members(warp, instruction, mask)
                                                 : instruction.execute(warp, instruction, mask);
  }
  uint32_t missing = mask & ~ready;
  warp.leave_split(missing, warp.pc_, true, false);
  warp.active_ &= ~missing;
  if (ready && execute_members(warp, instruction, ready) == Step::wait) {
    throw Fault(FaultKind::divergence, "a part of a warp waits at an instruction for members of a mask");
  }
  ++warp.pc_;
  return Step::jumped;
}

Engine::Outcome Engine::run(Warp& warp, Worker& worker, uint32_t burst, bool* progress) {
  worker.warp = &warp;
  warp.worker_ = &worker;
  const Instruction* instructions = warp.code_->instructions.data();
  InstructionCounts* counts = worker.counts.data();
  *progress = false;
  uint32_t left = burst;
  for (; left; --left) {
    if (!warp.splits_.empty()) meet_splits(warp);
    uint32_t pc = warp.pc_;
    const Instruction& instruction = instructions[pc];
    uint32_t mask = warp.active_;
    if (instruction.guarded) {
      uint32_t guard = warp.predicate(instruction.guard);
      mask &= instruction.guard_negated ? ~guard : guard;
      if (!mask) {
        ++counts[pc].issued;
        ++warp.pc_;
        *progress = true;
        continue;
      }
    }
    Step step = execute(warp, instruction, mask);
    if (step == Step::next) {
      ++warp.pc_;
    } else if (step == Step::wait) {
      warp.leave_split(warp.active_, pc, false, true);
      if (choose_split(warp)) continue;
      for (Warp::Split& split : warp.splits_) split.waiting = false;
      choose_split(warp);
      break;
    }
    ++counts[pc].issued;
    counts[pc].lanes += static_cast<uint32_t>(__builtin_popcount(mask));
    *progress = true;
    if (warp.active_ == 0) {
      if (warp.living_ == 0) {
        worker.steps += burst - left + 1;
        end_warp(warp);
        return Outcome::ended;
      }
      if (choose_split(warp)) continue;
      bool waits = false;
      for (Warp::Split& split : warp.splits_) {
        waits |= split.waiting;
        split.waiting = false;
      }
      if (!waits || !choose_split(warp)) fail_divergence(warp);
      break;
    }
  }
  worker.steps += burst - left;
  return left ? Outcome::waiting : Outcome::burst_over;
}

/** The last warp of a CTA ends, its shared memory with it: whoever used that from outside must be known to be done. */
void Engine::check_visits(Warp& last) {
  const Cta& cta = last.cta();
  for (size_t visitor = 0; visitor < cta.visits.size(); ++visitor) {
    const Visit& visit = cta.visits[visitor];
    bool before = visit.epoch == 0;
    for (const auto& warp : cta.warps) before = before || cta.cluster->order.before(visitor, visit.epoch, warp->agent_);
    if (before) continue;
    throw Fault(FaultKind::race, "the CTA ends, its shared memory with it, with no barrier.cluster after PTX line " +
                                     std::to_string(visit.line) + " of another CTA used it");
  }
}

void Engine::end_warp(Warp& warp) {
  if (warp.async_copies) warp.async_copies->at_end();
  Cta& cta = warp.cta();
  if (--cta.living_warps > 0) return;
  check_visits(warp);
  cta.cluster->engine_work.check_end(cta);
  if (cta.mbarriers) cta.mbarriers->at_end();
  if (cta.tensor_memory) cta.tensor_memory->at_end();
  if (!cta.launched_dependents) ++cta.launch->launched_ctas;
  if (!cta.waited) cta.launch->all_waited = false;
}

void Engine::fail_deadlock(const Cluster& cluster) {
  std::string where;
  for (const auto& cta : cluster.ctas) {
    for (const auto& warp : cta->warps) {
      if (!warp->living_) continue;
      if (where.size() > 1000) continue;
      where += std::string(where.empty() ? "" : "; ") + "warp " + std::to_string(warp->index_) + " of CTA " +
               std::to_string(cta->index.x) + " at " + place_in_text(*warp->code_, warp->pc_);
    }
  }
  throw Fault(FaultKind::deadlock, "no warp of the cluster can go on: " + where);
}

Progress Engine::run(Cluster& cluster, Worker& worker, uint64_t slice) {
  std::vector<Warp*> runnable, waiting;
  for (const auto& cta : cluster.ctas) {
    for (const auto& warp : cta->warps) {
      if (warp->living_) runnable.push_back(warp.get());
    }
  }
  bool any_progress = false;
  worker.steps = 0;
  while (worker.steps < slice) {
    if (runnable.empty()) {
      if (waiting.empty()) {
        cluster.engine_work.finish_all();
        if (cluster.barrier) cluster.barrier->at_end();
        return Progress::ended;
      }
      if (!any_progress && !cluster.engine_work.advance()) {
        bool at_dependency = false;
        for (Warp* warp : waiting) at_dependency |= warp->current().row->name == std::string("griddepcontrol.wait");
        if (at_dependency && !cluster.launch->dependencies_met) return Progress::waiting;
        worker.warp = waiting[0];
        fail_deadlock(cluster);
      }
      runnable.swap(waiting);
      any_progress = false;
    }
    uint64_t draw = cluster.random();
    size_t at = draw % runnable.size();
    // Mostly long bursts, which is fast; sometimes short ones, which mixes warps finely.
    uint32_t burst = 1 + (draw >> 32 & ((draw >> 60) < 4 ? 15 : 1023));
    bool progress;
    Outcome outcome = run(*runnable[at], worker, burst, &progress);
    any_progress |= progress;
    any_progress |= cluster.engine_work.tick();
    if (outcome == Outcome::burst_over) continue;
    if (outcome == Outcome::waiting) waiting.push_back(runnable[at]);
    runnable[at] = runnable.back();
    runnable.pop_back();
  }
  return Progress::sliced;
}

FaultReport Engine::report(const Fault& fault, const Warp* warp, const Code& code) {
  FaultReport report;
  report.kind = fault.kind;
  report.kernel = code.name;
  report.sentence = std::string(name_of(fault.kind)) + " in kernel " + code.name;
  if (warp) {
    const ptx::Instruction& source = *code.instructions[warp->pc_].source;
    const Cta& cta = *warp->cta_;
    report.line = source.line;
    report.text = source.text;
    report.sentence += ", PTX line " + std::to_string(source.line) + " (" + source.text + "), CTA (" +
                       std::to_string(cta.index.x) + "," + std::to_string(cta.index.y) + "," +
                       std::to_string(cta.index.z) + "), warp " + std::to_string(warp->index_);
    if (fault.lane >= 0) {
      report.sentence += ", thread " + std::to_string(warp->index_ * kWarpLanes + fault.lane);
    }
  }
  report.sentence += std::string(": ") + fault.what();
  return report;
}

std::unique_ptr<Cluster> Engine::make_cluster(LaunchContext& launch, uint32_t number) {
  const LaunchConfig& config = launch.config;
  const Code& code = *config.code;
  uint32_t size = static_cast<uint32_t>(config.cluster.count());
  uint32_t threads = static_cast<uint32_t>(config.block.count());
  uint32_t warps = (threads + kWarpLanes - 1) / kWarpLanes;
  auto cluster = std::make_unique<Cluster>(size * warps, size);
  cluster->launch = &launch;
  cluster->number = number;
  cluster->random.seed(config.seed * 0x9e3779b97f4a7c15u + number);
  cluster->engine_work.choose(config.schedule);
  Dim3 clusters{config.grid.x / config.cluster.x, config.grid.y / config.cluster.y, config.grid.z / config.cluster.z};
  Dim3 at{number % clusters.x, number / clusters.x % clusters.y, number / clusters.x / clusters.y};
  for (uint32_t rank = 0; rank < size; ++rank) {
    auto cta = std::make_unique<Cta>(code.static_shared_bytes + config.dynamic_shared_bytes, &cluster->order);
    cta->launch = &launch;
    cta->cluster = cluster.get();
    cta->rank = rank;
    Dim3 in{rank % config.cluster.x, rank / config.cluster.x % config.cluster.y,
            rank / config.cluster.x / config.cluster.y};
    cta->index_in_cluster = in;
    cta->index = {at.x * config.cluster.x + in.x, at.y * config.cluster.y + in.y, at.z * config.cluster.z + in.z};
    cta->living_warps = warps;
    for (uint32_t i = 0; i < warps; ++i) {
      uint32_t lanes = std::min<uint32_t>(kWarpLanes, threads - i * kWarpLanes);
      cta->warps.push_back(std::make_shared<Warp>(*cta, i, lanes == 32 ? kAllLanes : (1u << lanes) - 1));
    }
    cluster->ctas.push_back(std::move(cta));
  }
  for (const auto& cta : cluster->ctas) {
    for (const auto& warp : cta->warps) fill_specials(*warp);
  }
  return cluster;
}

}  // namespace ternary::softgpu
