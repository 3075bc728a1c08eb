#include "core/runtime/info.h"

#include <algorithm>
#include <vector>

#include "core/base/json.h"
#include "core/base/process.h"
#include "core/runtime/planning.h"

namespace ternary {
namespace {

std::string tuning_json(const ternary_runtime& runtime) {
  const TunedMachine machine = machine_of(runtime.backend, runtime.isa);
  const Microarchitecture microarchitecture = microarchitecture_of(machine.device_id);
  const Tuning& built_in = built_in_tuning(runtime.isa, microarchitecture);
  std::string out =
      "{\"file\":" + json_string(runtime.settings.tuning) + ",\"error\":" + json_string(runtime.tuning_error) +
      ",\"isa\":" + json_string(isa_name(runtime.isa)) + ",\"device_id\":" + json_string(machine.device_id) +
      ",\"microarchitecture\":" + json_string(microarchitecture_name(microarchitecture)) +
      ",\"cores\":" + std::to_string(machine.cores) + ",\"cache_bytes\":" + std::to_string(machine.cache_bytes) +
      ",\"values\":[";
  for (const TuningValue& value : kTuningValues) {
    out += (&value == kTuningValues ? "{\"name\":" : ",{\"name\":") + json_string(value.name) +
           ",\"value\":" + std::to_string(runtime.tuning.*value.value) +
           ",\"built_in\":" + std::to_string(built_in.*value.value) + "}";
  }
  return out + "]}";
}

/** Whether something can serve, and why not. */
std::string available_json(const char* why) {
  return std::string("\"available\":") + (why ? "false,\"reason\":" + json_string(why) : "true");
}

std::string implied_json(Isa isa) {
  std::string out;
  for (int i = 0; i < kIsaCount; ++i) {
    if (i != static_cast<int>(isa) && implies(isa, static_cast<Isa>(i))) {
      out += (out.empty() ? "" : ",") + json_string(kIsaNames[i]);
    }
  }
  return '[' + out + ']';
}

std::string isas_json(const Backend& backend) {
  std::string out = "[";
  for (int i = 0; i < kIsaCount; ++i) {
    const char* why = backend.isa_missing(static_cast<Isa>(i));
    out += (i ? ",{\"name\":" : "{\"name\":") + json_string(kIsaNames[i]) +
           ",\"implies\":" + implied_json(static_cast<Isa>(i)) + ',' + available_json(why) + "}";
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
    out += (row ? ",{\"name\":" : "{\"name\":") + json_string(kernel_name(runtime.backend, kernel)) +
           ",\"file\":" + json_string(kernel.file) +
           ",\"stage\":" + json_string(kStageNames[static_cast<int>(kernel.stage)]) +
           ",\"isa\":" + json_string(isa_name(kernel.isa));
    if (kernel.gemm != nullptr) {
      out += ",\"layout\":" + json_string(traits(kernel.layout).name) +
             ",\"role\":" + json_string(kRoleNames[static_cast<int>(kernel.role)]);
    }
    out += ',' + available_json(why_not_allowed(runtime, kernel.isa)) + "}";
  }
  for (int i = 0; i < runtime.backend.limit_loop_count; ++i) {
    const LimitLoop& loop = runtime.backend.limit_loops[i];
    out += ",{\"name\":" + json_string(loop_name(runtime.backend, loop)) + ",\"file\":" + json_string(loop.file) +
           ",\"stage\":\"limit\",\"isa\":" + json_string(isa_name(loop.isa)) + ',' +
           available_json(why_not_allowed(runtime, loop.isa)) + "}";
  }
  return out + (runtime.accelerator() == nullptr ? "" : runtime.accelerator()->kernels_json()) + ']';
}

std::string on_cpu(const ternary_runtime& runtime, const PlanKey& key, const Plan& plan) {
  const PlannedProduct product = product_of(key);
  const int64_t m_chunks = ceil_div(product.M, plan.gemm.m_size);
  return plan_begin(runtime, runtime.row(*plan.kernel), plan.kernel->file, product) +
         json_member("threads", plan.gemm.threads) + json_member("chunks", m_chunks * plan.gemm.n_chunks) +
         json_member("m_size", plan.gemm.m_size) + json_member("n_size", plan.gemm.n_size) +
         json_member("row_threads", plan.rows.threads) + json_member("row_size", plan.rows.rows) + "}";
}

/** A stage of a layer of experts, as far as it does not depend on a call's routing. */
std::string stage_json(const ternary_runtime& runtime, const Path& path) {
  const std::string begin = "{\"path\":" + json_string(runtime.counters.path_name(path)) + ",\"kernel\":";
  const auto cpu_rows = static_cast<size_t>(runtime.backend.kernel_count);
  if (path.row < cpu_rows) {
    return begin + json_string(runtime.backend.kernels[path.row].file) +
           json_member("most_threads", runtime.pool.threads()) + "}";
  }
  const Accelerator& device = *runtime.accelerator();
  return begin + json_string(device.kernel_file(path.row - cpu_rows)) +
         ",\"pdl\":" + (device.pdl() ? "true" : "false") + "}";
}

/** Layers of experts keep no plans: what serves their stages is what has been counted. */
std::vector<std::string> expert_stages(const ternary_runtime& runtime) {
  std::vector<std::string> stages;
  runtime.counters.each_path([&](const Path& path) {
    if (std::string(kOpNames[static_cast<int>(path.op)]).rfind("moe_", 0) != 0) return;
    stages.push_back(stage_json(runtime, path));
  });
  return stages;
}

std::string cuda_json(const ternary_runtime& runtime) {
  if (runtime.accelerator() != nullptr) return runtime.accelerator()->json();
  return "{\"used\":false,\"reason\":" + json_string(runtime.found.reason) + "}";
}

}  // namespace

std::string info_json(const ternary_runtime& runtime, const char* version) {
  return "{\"version\":" + json_string(version) + ",\"device\":" + json_string(runtime.backend.device_name()) +
         ",\"threads\":" + std::to_string(runtime.settings.num_threads) + ",\"isas\":" + isas_json(runtime.backend) +
         ",\"settings\":" + settings_json(runtime.settings) +
         ",\"report\":" + json_string(report_of(runtime.settings)) + ",\"cuda\":" + cuda_json(runtime) +
         ",\"tuning\":" + tuning_json(runtime) + ",\"kernels\":" + kernels_json(runtime) + "}";
}

namespace {

/** Of products, kept or not, on the CPU or the device. */
uint64_t plans_made(const ternary_runtime& runtime) {
  return runtime.plans.made() + (runtime.accelerator() == nullptr ? 0 : runtime.accelerator()->plans_made());
}

}  // namespace

std::string counters_json(const ternary_runtime& runtime) {
  const Counters& counters = runtime.counters;
  const std::string error = runtime.notices.report_error(), shadow_error = runtime.notices.shadow_error();
  return "{" + json_count_members(counters.paths(Since::reset), counters.fallbacks(Since::reset)) +
         ",\"path_totals\":" + json_counts(counters.paths(Since::start)) +
         ",\"fallback_totals\":" + json_counts(counters.fallbacks(Since::start)) +
         ",\"stage_nanoseconds\":" + json_counts(counters.times(Since::reset)) +
         ",\"plans_made\":" + std::to_string(plans_made(runtime)) +
         (runtime.validation == nullptr ? "" : ",\"validation\":" + json_counts(runtime.validation->counts())) +
         (runtime.shadow == nullptr ? "" : ",\"shadow\":" + json_counts(runtime.shadow->counts())) +
         (shadow_error.empty() ? "" : ",\"shadow_error\":" + json_string(shadow_error)) +
         (error.empty() ? "" : ",\"report_error\":" + json_string(error)) + "}";
}

std::string plan_begin(const ternary_runtime& runtime, size_t row, const std::string& kernel,
                       const PlannedProduct& of) {
  return "{\"path\":" + json_string(runtime.counters.row_name(row)) + ",\"kernel\":" + json_string(kernel) +
         ",\"layout\":" + json_string(traits(of.layout).name) +
         ",\"activation\":" + (of.activation == TERNARY_A8 ? "\"a8\"" : "\"a16\"") + json_member("M", of.M) +
         json_member("N", of.N) + json_member("K", of.K) + json_member("group", of.group) +
         json_member("block", of.block) + ",\"norm\":" + (of.norm ? "true" : "false");
}

std::string plans_json(const ternary_runtime& runtime) {
  std::vector<std::string> plans;
  runtime.plans.each([&](const PlanKey& key, const Plan& plan) {
    if (is_current(runtime, key)) plans.push_back(on_cpu(runtime, key, plan));
  });
  const Accelerator* device = runtime.accelerator();
  if (device != nullptr) {
    for (std::string& plan : device->plans(runtime)) plans.push_back(std::move(plan));
  }
  std::sort(plans.begin(), plans.end());
  const auto launches = static_cast<int64_t>(device == nullptr ? 0 : device->launches());
  return "{\"made\":" + std::to_string(plans_made(runtime)) + json_member("kept", static_cast<int64_t>(plans.size())) +
         json_member("launches", launches) +
         json_member("pdl_launches", device != nullptr && device->pdl() ? launches : 0) +
         ",\"plans\":" + json_list(plans) + ",\"experts\":" + json_list(expert_stages(runtime)) + "}";
}

}  // namespace ternary
