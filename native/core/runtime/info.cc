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
  return "{\"path\":" + json_string(runtime.counters.row_name(runtime.row(*plan.kernel))) +
         json_member("M", product.M) + json_member("N", product.N) + json_member("K", product.K) +
         json_member("group", product.group) + json_member("block", product.block) +
         ",\"norm\":" + (product.norm ? "true" : "false") + json_member("threads", plan.gemm.threads) +
         json_member("chunks", m_chunks * plan.gemm.n_chunks) + json_member("row_threads", plan.rows.threads) + "}";
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

std::string plans_json(const ternary_runtime& runtime) {
  std::vector<std::string> plans;
  runtime.plans.each([&](const PlanKey& key, const Plan& plan) {
    if (is_current(runtime, key)) plans.push_back(on_cpu(runtime, key, plan));
  });
  uint64_t made = runtime.plans.made();
  if (runtime.accelerator() != nullptr) {
    for (std::string& plan : runtime.accelerator()->plans(runtime)) plans.push_back(std::move(plan));
    made += runtime.accelerator()->plans_made();
  }
  std::sort(plans.begin(), plans.end());
  std::string out = "{\"made\":" + std::to_string(made) + ",\"plans\":[";
  for (const std::string& plan : plans) out += (&plan == plans.data() ? "" : ",") + plan;
  return out + "]}";
}

}  // namespace ternary
