#include "core/runtime/runtime.h"

#include <memory>

#include "core/base/argument.h"
#include "core/base/failure.h"
#include "core/base/process.h"
#include "core/base/topology.h"
#include "core/policy/report_path.h"
#include "core/policy/tuning_file.h"
#include "core/runtime/backend.h"
#include "core/weights/layout.h"

namespace ternary {
namespace {

void check_isa(const std::optional<Isa>& isa, const Backend& backend) {
  if (!isa) return;
  if (const char* why = backend.isa_missing(*isa)) {
    fail(TERNARY_INVALID_ARGUMENT, "TERNARY_MAX_ISA is \"%s\", which this machine does not offer: %s", isa_name(*isa),
         why);
  }
}

Settings settings_for(const char* lines, const Backend& backend) {
  Settings settings = read_settings(lines);
  settings.checked(Knob::max_isa, [&] { check_isa(settings.max_isa, backend); });
  settings.checked(Knob::path_report, [&] {
    if (!settings.path_report.empty()) check_report_path(settings.path_report);
  });
  settings.checked(Knob::shadow_file, [&] {
    if (!settings.shadow_file.empty()) check_shadow_file(settings.shadow_file);
  });
  if (settings.num_threads == 0) settings.num_threads = available_cores();
  // As a JVM's heap by default: the two leave half of the memory for weights and operands.
  if (settings.max_scratch == 0) settings.max_scratch = available_memory() / 4;
  return settings;
}

Isa best_isa(const Settings& settings, const Backend& backend) {
  for (int i = kIsaCount - 1; i > 0; --i) {
    const Isa isa = static_cast<Isa>(i);
    if (settings.allow(isa) && backend.isa_missing(isa) == nullptr) return isa;
  }
  return Isa::portable;  // never missing
}

/** The values of the file of TERNARY_TUNING; the built-in ones if there is none, or with `error` if it cannot serve. */
Tuning tuning_for(const std::string& file, const Backend& backend, Isa isa, std::string& error) {
  const Tuning& built_in = built_in_tuning(isa, microarchitecture_of(backend.device_id()));
  if (file.empty()) return built_in;
  try {
    return read_tuning(file, machine_of(backend, isa));
  } catch (const Failure& failure) {
    error = failure.what();
    return built_in;
  }
}

/** Names of the rows that are counted: those of the backends, and one for a GPU that no library has code for. */
std::vector<std::string> counted_rows(const Backend& backend, const Accelerator* accelerator) {
  std::vector<std::string> rows;
  for (int row = 0; row < backend.kernel_count; ++row) rows.push_back(kernel_name(backend, backend.kernels[row]));
  if (accelerator == nullptr) {
    rows.push_back("cuda");
  } else {
    for (const std::string& name : accelerator->kernel_names()) rows.push_back(name);
  }
  return rows;
}

uint64_t next_serial() {
  static std::atomic<uint64_t> made{0};
  return made.fetch_add(1) + 1;
}

/** A kernel that reads another layout is passed over, and counted, only if its ISA has none that reads this one. */
bool is_candidate(const Backend& backend, const Kernel& kernel, ternary_layout layout) {
  if (kernel.gemm == nullptr || kernel.layout == layout) return true;
  for (int row = 0; row < backend.kernel_count; ++row) {
    const Kernel& other = backend.kernels[row];
    if (other.stage == kernel.stage && other.isa == kernel.isa && other.layout == layout) return false;
  }
  return true;
}

/** As the shadow's runtime gets it: nothing that watches, counts or forbids, and what was chosen to compute again. */
std::string reference_lines(const Settings& settings) {
  const ShadowChoice& shadow = settings.shadow;
  const bool isa = shadow.by == ShadowChoice::By::isa;
  return "TERNARY_VALIDATE=0\nTERNARY_SHADOW=\nTERNARY_SHADOW_FILE=\nTERNARY_COLLECT_PATH_STATS=0\n"
         "TERNARY_PATH_REPORT=\nTERNARY_I2S_ONLY=0\nTERNARY_PREFILL_SKIP_M=0\nTERNARY_NUM_THREADS=" +
         std::to_string(settings.num_threads) + "\nTERNARY_MAX_SCRATCH=" + std::to_string(settings.max_scratch) +
         "\nTERNARY_DEVICE=" + (isa ? "cpu" : shadow.device.text) +
         (isa ? std::string("\nTERNARY_MAX_ISA=") + isa_name(shadow.isa) : "");
}

/** Made with the runtime that it belongs to, so that what the machine lacks is an error at once. */
std::unique_ptr<ternary_runtime> reference_for(const Settings& settings, FindAccelerator find_accelerator) {
  const ShadowChoice& shadow = settings.shadow;
  if (shadow.by == ShadowChoice::By::nothing || shadow.by == ShadowChoice::By::oracle) return nullptr;
  try {
    return std::make_unique<ternary_runtime>(reference_lines(settings).c_str(), find_accelerator);
  } catch (const Failure& failure) {
    fail(failure.status(), "TERNARY_SHADOW is \"%s\", which cannot compute here: %s", shadow.text.c_str(),
         failure.what());
  }
}

std::unique_ptr<ShadowLog> shadow_for(const Settings& s) {
  if (s.shadow.by == ShadowChoice::By::nothing) return nullptr;
  return std::make_unique<ShadowLog>(s.shadow.text, s.shadow_every, s.shadow_file, s.shadow_max_diffs);
}

}  // namespace

std::string kernel_name(const Backend& backend, const Kernel& kernel) {
  return std::string(kernel.name) + '.' + backend.name + '.' + isa_name(kernel.isa);
}

std::string loop_name(const Backend& backend, const LimitLoop& loop) {
  return std::string(loop.file) + '.' + backend.name + '.' + isa_name(loop.isa);
}

TunedMachine machine_of(const Backend& backend, Isa isa) {
  const int cores = available_cores();
  return {backend.device_name(), backend.device_id(), isa, cores, last_level_cache_bytes(cores)};
}

const char* why_not_allowed(const ternary_runtime& runtime, Isa isa) {
  if (!runtime.settings.allow(isa)) return "TERNARY_MAX_ISA does not imply it";
  return runtime.backend.isa_missing(isa);
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

ternary_runtime::ternary_runtime(const char* setting_lines, FindAccelerator find_accelerator)
    : settings(settings_for(setting_lines, cpu_backend())),
      watched(settings.validate || settings.shadow.by != ShadowChoice::By::nothing),
      backend(cpu_backend()),
      isa(best_isa(settings, backend)),
      tuning(tuning_for(settings.tuning, backend, isa, tuning_error)),
      found(find_accelerator(settings)),
      counters(counted_rows(backend, found.accelerator.get()), notices),
      serial(next_serial()),
      fork_count(forks()),
      pool(static_cast<int>(settings.num_threads)),
      scratch(settings.max_scratch),
      validation(settings.validate ? std::make_unique<Validation>() : nullptr),
      shadow(shadow_for(settings)),
      reference(reference_for(settings, find_accelerator)) {
  if (counters.rows() > kMostRows) {
    fail(TERNARY_ILLEGAL_STATE, "%zu kernels; there must be at most %zu", counters.rows(), kMostRows);
  }
  if (found.no_library) {
    counters.count_fallback(Op::device, static_cast<size_t>(backend.kernel_count), Reason::no_library);
  }
  for (int row = 0; row < backend.kernel_count; ++row) {
    const Kernel& kernel = backend.kernels[row];
    if (why_not_allowed(*this, kernel.isa) != nullptr) continue;
    for (int layout = 0; layout < kLayoutCount; ++layout) {
      if (is_candidate(backend, kernel, static_cast<ternary_layout>(layout))) {
        candidates[static_cast<int>(kernel.stage)][layout].push_back(&kernel);
      }
    }
  }
  activations.store(&rows_kernel(Stage::activations));
  for (int i = 0; i < backend.limit_loop_count; ++i) {
    const LimitLoop& loop = backend.limit_loops[i];
    if (why_not_allowed(*this, loop.isa) == nullptr) limit_loops.push_back(&loop);
  }
}

ternary_runtime::~ternary_runtime() = default;

bool ternary_runtime::switch_off(size_t row) {
  const MutexLock lock(process_mutex);  // two rows of one stage at once: the one that serves must be neither
  if (row < static_cast<size_t>(backend.kernel_count) && backend.kernels[row].stage == Stage::activations) {
    const Kernel* next = nullptr;
    for (const Kernel* kernel : kernels(Stage::activations, TERNARY_LAYOUT_I2S)) {
      if (next == nullptr && this->row(*kernel) != row && !rows_off.has(this->row(*kernel))) next = kernel;
    }
    if (next == nullptr) return false;
    return rows_off.add(row, [&] { activations.store(next, std::memory_order_release); });
  }
  return rows_off.add(row, [] {});
}

void ternary_runtime::stop_threads() {
  pool.stop();
  if (reference != nullptr) reference->pool.stop();
}

void ternary_runtime::abandon_threads() {
  pool.abandon();
  if (reference != nullptr) reference->pool.abandon();
}

int64_t ternary_runtime::resident_bytes() {
  if (tuning.resident_bytes > 0) return tuning.resident_bytes;
  if (cache_bytes.load() < 0) cache_bytes.store(last_level_cache_bytes(pool.threads()));
  return cache_bytes.load();
}
