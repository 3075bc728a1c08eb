// The functions of softgpu.h.
#include <algorithm>
#include <cstdio>
#include <stdexcept>

#include "softgpu/api/api.h"
#include "softgpu/softgpu.h"

using namespace ternary::softgpu;

namespace {

/** Runs `body` and returns what it returns, -1 if it throws. */
template <class Body>
int answer(Body&& body) noexcept {
  int result = -1;
  Runtime& runtime = Runtime::instance();
  try {
    std::lock_guard<Turns> lock(runtime.mutex);
    result = body(runtime);
  } catch (const std::exception& error) {
    say(error.what());
  }
  return result;
}

/** Kernels whose name contains `part`, after all that is pending has run. */
std::vector<KernelCounters> kernels_like(Runtime& runtime, const char* part, uint64_t* launches) {
  if (part == nullptr) throw std::invalid_argument("the name of a kernel is null; \"\" stands for all");
  runtime.queue().wait_for_all();
  return runtime.queue().counters().like(part, launches);
}

bool is_barrier(const std::string& opcode) {
  return opcode == "bar" || opcode.rfind("bar.", 0) == 0 || opcode.rfind("barrier", 0) == 0;
}

}  // namespace

extern "C" {

int softgpu_reset_counters(void) {
  return answer([](Runtime& runtime) {
    runtime.queue().wait_for_all();
    runtime.queue().counters().reset();
    runtime.forget_calls();
    return 0;
  });
}

int softgpu_read_counters(const char* kernel, softgpu_counters* sum) {
  return answer([&](Runtime& runtime) {
    if (sum == nullptr) throw std::invalid_argument("softgpu_read_counters: sum is null");
    *sum = {};
    const std::vector<KernelCounters> kernels = kernels_like(runtime, kernel, &sum->launches);
    for (const KernelCounters& one : kernels) {
      const InstructionCounts total = one.total();
      sum->ctas += one.ctas;
      sum->issued += total.issued;
      sum->lanes += total.lanes;
      sum->requests += total.requests;
      sum->sectors += total.sectors;
      sum->bytes += total.bytes;
      sum->passes += total.passes;
      sum->ideal_passes += total.ideal_passes;
      sum->copied += total.copied;
      sum->multiplied += total.multiplied;
      for (const KernelCounters::Line& line : one.lines) {
        if (is_barrier(line.opcode)) sum->barriers += line.counts.issued;
      }
    }
    return static_cast<int>(kernels.size());
  });
}

int softgpu_visit_lines(const char* kernel, void (*visit)(void*, const softgpu_line*), void* context) {
  return answer([&](Runtime& runtime) {
    if (visit == nullptr) throw std::invalid_argument("softgpu_visit_lines: visit is null");
    uint64_t launches = 0;
    for (const KernelCounters& one : kernels_like(runtime, kernel, &launches)) {
      for (const KernelCounters::Line& line : one.lines) {
        const InstructionCounts& counts = line.counts;
        const softgpu_line visited = {one.kernel.c_str(), line.line,     line.opcode.c_str(), line.text.c_str(),
                                      counts.issued,      counts.lanes,  counts.requests,     counts.sectors,
                                      counts.bytes,       counts.passes, counts.ideal_passes, counts.copied,
                                      counts.multiplied};
        visit(context, &visited);
      }
    }
    return 0;
  });
}

int softgpu_visit_calls(void (*visit)(void*, const char*, uint64_t), void* context) {
  return answer([&](Runtime& runtime) {
    if (visit == nullptr) throw std::invalid_argument("softgpu_visit_calls: visit is null");
    for (const auto& [function, count] : runtime.calls()) visit(context, function.c_str(), count);
    return static_cast<int>(runtime.calls().size());
  });
}

int softgpu_visit_launches(void (*visit)(void*, const softgpu_launch*), void* context) {
  return answer([&](Runtime& runtime) {
    if (visit == nullptr) throw std::invalid_argument("softgpu_visit_launches: visit is null");
    runtime.queue().wait_for_all();
    const auto& launches = runtime.queue().counters().launches();
    for (const EndedLaunch& one : launches) {
      const softgpu_launch visited = {one.kernel.c_str(),
                                      {one.grid.x, one.grid.y, one.grid.z},
                                      {one.cluster.x, one.cluster.y, one.cluster.z},
                                      one.programmatic,
                                      one.began_early,
                                      one.let_dependents_start};
      visit(context, &visited);
    }
    return static_cast<int>(launches.size());
  });
}

int softgpu_is_inside(void) { return depth > 0; }

const char* softgpu_fault(void) {
  Runtime& runtime = Runtime::instance();
  std::lock_guard<Turns> lock(runtime.mutex);
  return runtime.queue().fault_sentence().c_str();
}

int softgpu_set_seed(uint64_t seed) {
  return answer([&](Runtime& runtime) {
    runtime.queue().set_seed(seed);
    return 0;
  });
}

int softgpu_set_device(int device, const char* key, const char* value) {
  return answer([&](Runtime& runtime) {
    std::vector<Device>& devices = runtime.devices();
    if (device < 0 || device >= static_cast<int>(devices.size()) || key == nullptr || value == nullptr) {
      throw std::invalid_argument("softgpu_set_device: device " + std::to_string(device) + " of " +
                                  std::to_string(devices.size()) + ", or a null text");
    }
    set_device(&devices[static_cast<size_t>(device)], key, value);
    if (std::string(key) == "arch") runtime.forget_images();
    return 0;
  });
}

int softgpu_leaks(int print) {
  return answer([&](Runtime& runtime) {
    const std::string leaks = runtime.memory().leaks();
    if (print != 0) std::fputs(leaks.c_str(), stderr);
    return static_cast<int>(std::count(leaks.begin(), leaks.end(), '\n'));
  });
}

}  // extern "C"
