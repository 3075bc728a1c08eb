#include "core/cuda/plan_list.h"

#include "core/base/json.h"
#include "core/cuda/planning.h"
#include "core/runtime/info.h"

namespace ternary {
namespace {

/** The members of a kernel's own plan. */
struct LaunchNames {
  const char *splits, *grid, *own;
};
constexpr LaunchNames kNames = {"splits", "grid", "own"}, kTailNames = {"tail_splits", "tail_grid", "tail_own"};

/** Its last numbers only the kernel reads; they are here so that no difference is missed. */
std::string launch_json(const CudaPlan& launch, const LaunchNames& names) {
  std::vector<std::string> own;
  for (const int32_t value : launch.own) own.push_back(std::to_string(value));
  return json_member(names.splits, launch.splits) + json_member(names.grid, launch.grid) + ',' +
         json_string(names.own) + ':' + json_list(own);
}

std::string on_gpu(const ternary_runtime& runtime, const CudaRuntime& cuda, const PlannedProduct& product,
                   const CudaProductPlan& plan) {
  std::string out = plan_begin(runtime, counted_row(runtime, cuda, *plan.kernel), plan.kernel->file, product) +
                    ",\"pdl\":" + (cuda.pdl ? "true" : "false") + launch_json(plan.launch, kNames);
  if (plan.tail != nullptr) {
    out += ",\"tail\":" + json_string(runtime.counters.row_name(counted_row(runtime, cuda, *plan.tail))) +
           ",\"tail_kernel\":" + json_string(plan.tail->file) + json_member("tail_begin", plan.tail_begin) +
           launch_json(plan.tail_launch, kTailNames);
  }
  return out + "}";
}

}  // namespace

std::vector<std::string> list_plans(const ternary_runtime& runtime, const CudaRuntime& cuda) {
  std::vector<std::string> plans;
  cuda.plans.each([&](const PlanKey& key, const CudaProductPlan& plan) {
    if (is_current_on_gpu(runtime, key)) plans.push_back(on_gpu(runtime, cuda, cuda_product_of(key), plan));
  });
  return plans;
}

}  // namespace ternary
