#include "softgpu/runtime/work_queue.h"

#include <xmmintrin.h>

#include <algorithm>
#include <chrono>

#include "softgpu/runtime/failure.h"

namespace ternary::softgpu {
namespace {

// A program that never waits must not pile up work for ever.
constexpr size_t kMostPending = 1024;
// Before a programmatic launch may go beyond its griddepcontrol.wait, all its CTAs are begun, however many: a GPU holds
// fewer at once, but which ones it holds is its own affair.
constexpr uint32_t kAllCtas = UINT32_MAX;

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/** A GPU rounds to nearest and keeps denormals whatever the calling thread has set; the interpreter's threads
 *  inherit it. */
class DefaultFloatingPoint {
 public:
  DefaultFloatingPoint() : caller_(_mm_getcsr()) { _mm_setcsr(kDefault); }
  ~DefaultFloatingPoint() { _mm_setcsr(caller_); }

 private:
  static constexpr unsigned kDefault = 0x1f80;
  const unsigned caller_;
};

cudaError_t error_of(FaultKind kind) {
  switch (kind) {
    case FaultKind::address: return cudaErrorIllegalAddress;
    case FaultKind::misaligned: return cudaErrorMisalignedAddress;
    case FaultKind::illegal: return cudaErrorIllegalInstruction;
    case FaultKind::step_limit:
    case FaultKind::deadlock: return cudaErrorLaunchTimeout;
    default: return cudaErrorLaunchFailure;
  }
}

}  // namespace

WorkQueue::WorkQueue(DeviceMemory& memory, const Environment& environment)
    : memory_(memory), environment_(environment), random_(environment.seed), seed_(environment.seed) {}

size_t WorkQueue::add_chain() {
  chain_lengths_.push_back(0);
  return chain_lengths_.size() - 1;
}

OperationRef WorkQueue::enqueue(WorkRef work, std::vector<OperationRef> needs, OperationRef overtakes, size_t chain) {
  while (pending_.size() >= kMostPending) advance();
  auto operation = std::make_shared<Operation>();
  operation->work = std::move(work);
  operation->number = ++last_number_;
  operation->early = {chain, ++chain_lengths_[chain]};
  operation->main = {chain, ++chain_lengths_[chain]};
  operation->host = host_;
  for (OperationRef& need : needs) {
    if (need == nullptr || std::count(operation->needs.begin(), operation->needs.end(), need) > 0) continue;
    operation->needs.push_back(need);
    if (need->complete) continue;
    ++operation->open_needs;
    need->dependents.push_back(operation.get());
  }
  operation->overtakes = overtakes;
  if (fault_ != cudaSuccess) {
    operation->complete = true;  // nothing runs any more
    return operation;
  }
  pending_[operation.get()] = operation;
  if (operation->open_needs == 0) ready_.push_back(operation.get());
  return operation;
}

void WorkQueue::advance() {
  if (ready_.empty()) return;
  const size_t chosen = random_() % ready_.size();
  Operation* operation = ready_[chosen];
  ready_.erase(ready_.begin() + static_cast<ptrdiff_t>(chosen));
  execute(*operation);
}

void WorkQueue::wait_for(const OperationRef& operation) {
  if (operation == nullptr) return;
  while (!operation->complete) advance();
  observe(operation);
}

void WorkQueue::wait_for_all() {
  while (!ready_.empty()) advance();
  for (size_t chain = 0; chain < chain_lengths_.size(); ++chain) {
    if (chain_lengths_[chain] > 0) host_.add({chain, chain_lengths_[chain]});
  }
  races_.forget(host_);
}

void WorkQueue::observe(const OperationRef& operation) {
  host_.join(operation->after);
  host_.add(operation->main);
  races_.forget(host_);
}

void WorkQueue::execute(Operation& operation) {
  operation.before.join(operation.host);
  for (const OperationRef& need : operation.needs) operation.before.join(need->after);
  if (fault_ == cudaSuccess) {
    if (operation.work->is_kernel) {
      execute_kernel(operation);
    } else if (operation.work->run) {
      execute_copy(operation);
    }
  }
  complete(operation);
}

void WorkQueue::execute_copy(Operation& operation) {
  auto log = std::make_unique<AccessLog>();
  try {
    operation.work->run(memory_, *log);
  } catch (const Fault& fault) {
    return fail(error_of(fault.kind), operation.work->what + ": " + fault.what());
  }
  compare({operation.work->what, operation.main, operation.before, operation.before, operation.number, std::move(log)});
}

/** The part of a launch after its griddepcontrol.wait, or all of one that did not begin early. */
void WorkQueue::execute_kernel(Operation& operation) {
  if (operation.begun_early) {
    operation.before.join(operation.early_before);
    operation.before.add(operation.early);
  }
  // Its dependents may start when all of its CTAs have said so or ended, which may be at any time from now on.
  begin_dependents_early(operation, operation.let_dependents_start_early ? operation.early_before : operation.before);
  if (fault_ != cudaSuccess) return;
  const std::string after_wait = operation.begun_early ? " after its griddepcontrol.wait" : "";
  if (!operation.begun_early || operation.grid->state() == GridState::waiting) {
    run_grid(operation, true, operation.main, operation.before, operation.work->what + after_wait);
  }
  if (fault_ == cudaSuccess) finish_kernel(operation);
}

void WorkQueue::finish_kernel(Operation& operation) {
  counters_.add(*operation.grid);
  const Launch& launch = operation.work->launch;
  counters_.list({launch.code->name, launch.grid, launch.cluster, launch.programmatic, operation.begun_early,
                  operation.let_dependents_start_early});
  if (operation.begun_early && !operation.grid->all_waited()) {
    fail(
        cudaErrorLaunchFailure,
        operation.work->what +
            " was launched with programmatic stream serialisation, but not "
            "all of its CTAs executed griddepcontrol.wait: it, and what comes after it, may run before its predecessor "
            "ends");
  }
  operation.grid.reset();
}

/** Starts the programmatic dependents of a launch; `before`: all that is complete when the launch lets them start. */
void WorkQueue::begin_dependents_early(Operation& operation, const History& before) {
  const std::vector<Operation*> dependents = operation.dependents;
  for (Operation* dependent : dependents) {
    if (dependent->overtakes.get() != &operation || dependent->open_needs != 1 || dependent->begun_early) continue;
    dependent->early_before.join(before);
    begin_early(*dependent);
    if (fault_ != cudaSuccess) return;
  }
}

void WorkQueue::begin_early(Operation& operation) {
  operation.begun_early = true;
  operation.early_before.join(operation.host);
  for (const OperationRef& need : operation.needs) {
    if (need != operation.overtakes) operation.early_before.join(need->after);
  }
  run_grid(operation, false, operation.early, operation.early_before,
           operation.work->what + " before its griddepcontrol.wait");
  if (fault_ != cudaSuccess || !operation.grid->launched_dependents()) return;
  operation.let_dependents_start_early = true;
  begin_dependents_early(operation, operation.early_before);
}

void WorkQueue::run_grid(Operation& operation, bool dependencies_met, const Moment& moment, const History& before,
                         const std::string& what) {
  const Launch& launch = operation.work->launch;
  const DefaultFloatingPoint floating_point;
  auto log = environment_.races ? std::make_unique<AccessLog>() : nullptr;
  memory_.note_in(log.get(), operation.work->device);
  try {
    if (operation.grid == nullptr) {
      LaunchConfig config;
      config.code = launch.code;
      config.grid = launch.grid;
      config.block = launch.block;
      config.cluster = launch.cluster;
      config.dynamic_shared_bytes = launch.dynamic_shared_bytes;
      config.params.assign(launch.params.begin(), launch.params.end());
      config.seed = random_();
      config.schedule = environment_.schedule.value_or(static_cast<Schedule>((config.seed >> 32) % kSchedules));
      config.launch = operation.number;
      config.host_threads = environment_.host_threads;
      config.sm_count = static_cast<uint32_t>(sm_counts_[operation.work->device]);
      config.resident_ctas = kAllCtas;
      operation.grid = std::make_unique<Grid>(std::move(config), memory_);
    }
    if (operation.grid->run(dependencies_met) == GridState::faulted) {
      const FaultReport& fault = operation.grid->fault();
      fail(error_of(fault.kind), fault.sentence);
    }
  } catch (const Fault& fault) {
    fail(error_of(fault.kind), operation.work->what + ": " + fault.what());
  }
  memory_.note_in(nullptr, operation.work->device);
  if (log == nullptr || fault_ != cudaSuccess) return;
  const History& begun = operation.begun_early ? operation.early_before : before;
  compare({what, moment, before, begun, operation.number, std::move(log)});
}

void WorkQueue::compare(Episode episode) {
  if (!environment_.races) return;
  const std::string race = races_.add(std::move(episode));
  if (!race.empty()) fail(cudaErrorLaunchFailure, race);
}

void WorkQueue::complete(Operation& operation) {
  operation.after = operation.before;
  operation.after.add(operation.main);
  operation.complete = true;
  operation.completed_at = seconds_now();
  operation.needs.clear();
  operation.overtakes.reset();
  operation.host = History();
  for (Operation* dependent : operation.dependents) {
    if (--dependent->open_needs == 0) ready_.push_back(dependent);
  }
  operation.dependents.clear();
  const auto kept = pending_.find(&operation);
  if (kept != pending_.end()) pending_.erase(kept);
}

void WorkQueue::fail(cudaError_t error, const std::string& sentence) {
  if (fault_ != cudaSuccess) return;
  fault_ = error;
  fault_sentence_ = sentence;
  say(sentence);
}

void WorkQueue::reset() {
  pending_.clear();
  ready_.clear();
  races_.clear();
  fault_ = cudaSuccess;
}

}  // namespace ternary::softgpu
