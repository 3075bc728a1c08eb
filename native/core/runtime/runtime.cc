#include "core/runtime/runtime.h"

#include <memory>

#include "core/base/argument.h"
#include "core/base/failure.h"
#include "core/base/process.h"
#include "core/base/topology.h"
#include "core/policy/tuning_file.h"
#include "core/runtime/backend.h"
#include "core/runtime/last_path.h"
#include "core/runtime/report.h"
#include "core/weights/layout.h"

namespace ternary {
namespace {

Settings settings_for(const char* lines, const Backend& backend) {
  Settings settings = read_settings(lines);
  if (settings.max_isa) {
    if (const char* why = backend.isa_missing(*settings.max_isa)) {
      fail(TERNARY_INVALID_ARGUMENT, "TERNARY_MAX_ISA is \"%s\", which this machine does not offer: %s",
           kIsaNames[static_cast<int>(*settings.max_isa)], why);
    }
  }
  if (!settings.path_report.empty()) check_report_path(settings.path_report);
  if (settings.num_threads == 0) settings.num_threads = available_cores();
  // As a JVM's heap by default: the two leave half of the memory for weights and operands.
  if (settings.max_scratch == 0) settings.max_scratch = available_memory() / 4;
  return settings;
}

/** "gemm_a8_i2s.cpu.avx2" */
std::string kernel_name(const Backend& backend, const Kernel& kernel) {
  return std::string(kernel.name) + '.' + backend.name + '.' + kIsaNames[static_cast<int>(kernel.isa)];
}

Isa best_isa(const Settings& settings, const Backend& backend) {
  int isa = settings.max_isa ? static_cast<int>(*settings.max_isa) : kIsaCount - 1;
  while (backend.isa_missing(static_cast<Isa>(isa)) != nullptr) --isa;  // portable is never missing
  return static_cast<Isa>(isa);
}

TunedMachine machine_of(const Backend& backend, Isa isa) {
  const int cores = available_cores();
  return {backend.device_name(), backend.device_id(), isa, cores, last_level_cache_bytes(cores)};
}

/** The values of the file of TERNARY_TUNING; the built-in ones if there is none, or with `error` if it cannot serve. */
Tuning tuning_for(const std::string& file, const Backend& backend, Isa isa, std::string& error) {
  if (file.empty()) return built_in_tuning(isa);
  try {
    return read_tuning(file, machine_of(backend, isa));
  } catch (const Failure& failure) {
    error = failure.what();
    return built_in_tuning(isa);
  }
}

/** The GPU that TERNARY_DEVICE asks for; null with the reason in `missing` if the CPU shall do. */
std::unique_ptr<CudaRuntime> cuda_for(const Settings& settings, const Backend& backend, NoCuda& missing) {
  if (!settings.device.cuda) return nullptr;
  CudaDevice device;
  const CudaPtx ptx = settings.device.or_cpu ? CudaPtx::never : CudaPtx::last_resort;
  missing = find_cuda_device(settings.device.ordinal, ptx, device);
  if (missing.reason.empty()) return std::make_unique<CudaRuntime>(device, settings, backend.kernel_count);
  if (!settings.device.or_cpu) {
    fail(TERNARY_UNSUPPORTED, "TERNARY_DEVICE is \"%s\": %s", settings.device.text.c_str(), missing.reason.c_str());
  }
  return nullptr;
}

/** Names of the rows that are counted: those of the backends, and one for a GPU that no library has code for. */
std::vector<std::string> counted_rows(const Backend& backend, const CudaRuntime* cuda) {
  std::vector<std::string> rows;
  for (int row = 0; row < backend.kernel_count; ++row) rows.push_back(kernel_name(backend, backend.kernels[row]));
  if (cuda == nullptr) {
    rows.push_back("cuda");
  } else {
    for (const std::string& name : cuda->kernel_names()) rows.push_back(name);
  }
  return rows;
}

std::string tuning_json(const ternary_runtime& runtime) {
  const TunedMachine machine = machine_of(runtime.backend, runtime.isa);
  std::string out = "{\"file\":" + json_string(runtime.settings.tuning) +
                    ",\"error\":" + json_string(runtime.tuning_error) +
                    ",\"isa\":" + json_string(kIsaNames[static_cast<int>(runtime.isa)]) +
                    ",\"device_id\":" + json_string(machine.device_id) + ",\"cores\":" + std::to_string(machine.cores) +
                    ",\"cache_bytes\":" + std::to_string(machine.cache_bytes) + ",\"values\":[";
  for (const TuningValue& value : kTuningValues) {
    out += (&value == kTuningValues ? "{\"name\":" : ",{\"name\":") + json_string(value.name) +
           ",\"value\":" + std::to_string(runtime.tuning.*value.value) +
           ",\"built_in\":" + std::to_string(built_in_tuning(runtime.isa).*value.value) + "}";
  }
  return out + "]}";
}

std::string isas_json(const Backend& backend) {
  std::string out = "[";
  for (int i = 0; i < kIsaCount; ++i) {
    const char* why = backend.isa_missing(static_cast<Isa>(i));
    out += (i ? ",{\"name\":" : "{\"name\":") + json_string(kIsaNames[i]) +
           ",\"available\":" + (why ? "false,\"reason\":" + json_string(why) : "true") + "}";
  }
  return out + ']';
}

std::string settings_json(const Settings& settings) {
  std::string out = "[";
  for (int i = 0; i < kKnobCount; ++i) {
    out += (i ? ",{\"name\":" : "{\"name\":") + json_string(kKnobNames[i]) +
           ",\"value\":" + json_string(settings.value_text(static_cast<Knob>(i))) +
           ",\"origin\":" + json_string(kOriginNames[static_cast<int>(settings.origin[i])]) + "}";
  }
  return out + ']';
}

/** The file that the settings' report is written to, or empty. */
std::string report_of(const Settings& settings) {
  return settings.path_report.empty() ? "" : report_file(settings.path_report);
}

std::string kernels_json(const ternary_runtime& runtime) {
  std::string out = "[";
  for (int row = 0; row < runtime.backend.kernel_count; ++row) {
    const Kernel& kernel = runtime.backend.kernels[row];
    const char* why = why_not_allowed(runtime, kernel);
    out += (row ? ",{\"name\":" : "{\"name\":") + json_string(kernel_name(runtime.backend, kernel)) +
           ",\"file\":" + json_string(kernel.file) +
           ",\"stage\":" + json_string(kStageNames[static_cast<int>(kernel.stage)]) +
           ",\"isa\":" + json_string(kIsaNames[static_cast<int>(kernel.isa)]);
    if (kernel.gemm != nullptr) {
      out += ",\"layout\":" + json_string(kLayoutNames[kernel.layout]);
    }
    out += std::string(",\"available\":") + (why ? "false,\"reason\":" + json_string(why) : "true") + "}";
  }
  return out + (runtime.cuda == nullptr ? "" : runtime.cuda->kernels_json()) + ']';
}

std::string cuda_json(const ternary_runtime& runtime) {
  if (runtime.cuda != nullptr) return runtime.cuda->json();
  return "{\"used\":false,\"reason\":" + json_string(runtime.no_cuda.reason) + "}";
}

/** The document of ternary_runtime_counters(). */
std::string counters_json(const ternary_runtime& runtime) {
  const Counters& counters = runtime.counters;
  const std::string error = runtime.notices.report_error();
  return "{" + json_count_members(counters.paths(Since::reset), counters.fallbacks(Since::reset)) +
         ",\"path_totals\":" + json_counts(counters.paths(Since::start)) +
         ",\"fallback_totals\":" + json_counts(counters.fallbacks(Since::start)) +
         (error.empty() ? "" : ",\"report_error\":" + json_string(error)) + "}";
}

uint64_t next_serial() {
  static std::atomic<uint64_t> made{0};
  return made.fetch_add(1) + 1;
}

/** A kernel that reads another layout is passed over, and counted, only if its ISA has none that reads this one. */
bool is_candidate(const Backend& backend, const Kernel& kernel, ternary_layout layout) {
  if (kernel.stage == Stage::activations || kernel.layout == layout) return true;
  for (int row = 0; row < backend.kernel_count; ++row) {
    const Kernel& other = backend.kernels[row];
    if (other.stage == kernel.stage && other.isa == kernel.isa && other.layout == layout) return false;
  }
  return true;
}

}  // namespace

const char* why_not_allowed(const ternary_runtime& runtime, const Kernel& kernel) {
  if (runtime.settings.max_isa && kernel.isa > *runtime.settings.max_isa) return "TERNARY_MAX_ISA is lower";
  return runtime.backend.isa_missing(kernel.isa);
}

void check_runtime(const ternary_runtime* runtime) {
  check_pointer("runtime", runtime, alignof(ternary_runtime));
  if (runtime->fork_count != forks()) {
    fail(TERNARY_ILLEGAL_STATE,
         "the runtime was made before a fork; its threads do not exist in the child, which must "
         "create its own");
  }
}

}  // namespace ternary

using namespace ternary;

ternary_runtime::ternary_runtime(const char* setting_lines)
    : settings(settings_for(setting_lines, cpu_backend())),
      backend(cpu_backend()),
      isa(best_isa(settings, backend)),
      tuning(tuning_for(settings.tuning, backend, isa, tuning_error)),
      cuda(cuda_for(settings, backend, no_cuda)),
      counters(counted_rows(backend, cuda.get()), notices),
      serial(next_serial()),
      fork_count(forks()),
      pool(static_cast<int>(settings.num_threads)),
      scratch(settings.max_scratch) {
  if (no_cuda.library) {
    counters.count_fallback(Op::device, static_cast<size_t>(backend.kernel_count), Reason::no_library);
  }
  for (int row = 0; row < backend.kernel_count; ++row) {
    const Kernel& kernel = backend.kernels[row];
    if (why_not_allowed(*this, kernel) != nullptr) continue;
    if (kernel.stage == Stage::limit) {
      limit_loops.push_back(&kernel);
      continue;
    }
    for (int layout = 0; layout < kLayoutCount; ++layout) {
      if (is_candidate(backend, kernel, static_cast<ternary_layout>(layout))) {
        candidates[static_cast<int>(kernel.stage)][layout].push_back(&kernel);
      }
    }
  }
}

ternary_runtime::~ternary_runtime() = default;

int64_t ternary_runtime::resident_bytes() {
  if (tuning.resident_bytes > 0) return tuning.resident_bytes;
  if (cache_bytes.load() < 0) cache_bytes.store(last_level_cache_bytes(pool.threads()));
  return cache_bytes.load();
}

const char* ternary_version(void) { return TERNARY_VERSION; }

ternary_status ternary_runtime_create(const char* settings, ternary_runtime** runtime) {
  return guarded([&] {
    check_pointer("runtime", runtime, alignof(ternary_runtime*));
    auto made = std::make_unique<ternary_runtime>(settings);
    join_report(made.get());
    *runtime = made.release();
  });
}

void ternary_runtime_destroy(ternary_runtime* runtime) {
  if (runtime == nullptr) return;
  if (runtime->fork_count != forks()) runtime->pool.abandon();
  leave_report(runtime);
  delete runtime;
}

ternary_status ternary_runtime_info(const ternary_runtime* runtime, char* json, size_t capacity, size_t* length) {
  return guarded([&] {
    check_pointer("runtime", runtime, alignof(ternary_runtime));
    copy_json("{\"version\":" + json_string(TERNARY_VERSION) +
                  ",\"device\":" + json_string(runtime->backend.device_name()) +
                  ",\"threads\":" + std::to_string(runtime->settings.num_threads) +
                  ",\"isas\":" + isas_json(runtime->backend) + ",\"settings\":" + settings_json(runtime->settings) +
                  ",\"report\":" + json_string(report_of(runtime->settings)) + ",\"cuda\":" + cuda_json(*runtime) +
                  ",\"tuning\":" + tuning_json(*runtime) + ",\"kernels\":" + kernels_json(*runtime) + "}",
              json, capacity, length);
  });
}

ternary_status ternary_runtime_counters(const ternary_runtime* runtime, char* json, size_t capacity, size_t* length) {
  return guarded([&] {
    check_pointer("runtime", runtime, alignof(ternary_runtime));
    copy_json(counters_json(*runtime), json, capacity, length);
  });
}

ternary_status ternary_runtime_reset_counters(ternary_runtime* runtime) {
  return guarded([&] {
    check_pointer("runtime", runtime, alignof(ternary_runtime));
    runtime->counters.reset();
  });
}

const uint64_t* ternary_runtime_notices(const ternary_runtime* runtime) {
  return runtime == nullptr ? nullptr : runtime->notices.count();
}

const char* ternary_last_path(const ternary_runtime* runtime) { return runtime == nullptr ? "" : last_path(*runtime); }

ternary_status ternary_measure_limit(ternary_runtime* runtime, ternary_limit limit, int64_t threads, int64_t bytes,
                                     int64_t nanoseconds, ternary_limit_measurement* result) {
  return guarded([&] {
    check_runtime(runtime);
    check_limit(limit, threads, runtime->pool.threads(), bytes, nanoseconds);
    check_pointer("result", result, alignof(ternary_limit_measurement));
    const LimitQuestion question = {limit, static_cast<int>(threads), bytes};
    *result = runtime->limits.measure(runtime->pool, runtime->limit_loops, question, nanoseconds);
  });
}

ternary_status ternary_write_report(const char* path) {
  return guarded([&] {
    check_pointer("path", path, 1);
    write_report(path);
  });
}
