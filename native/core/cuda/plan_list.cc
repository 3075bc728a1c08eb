#include "core/cuda/plan_list.h"

#include "core/base/json.h"
#include "core/cuda/planning.h"

namespace ternary {
namespace {

std::string path(const ternary_runtime& runtime, const CudaRuntime& cuda, const CudaKernel& kernel) {
  return json_string(runtime.counters.row_name(counted_row(runtime, cuda, kernel)));
}

std::string on_gpu(const ternary_runtime& runtime, const CudaRuntime& cuda, const CudaPlannedProduct& product,
                   const CudaProductPlan& plan) {
  std::string out = "{\"path\":" + path(runtime, cuda, *plan.kernel) + json_member("M", product.M) +
                    json_member("N", product.N) + json_member("K", product.K) + json_member("group", product.group) +
                    json_member("block", product.block) + ",\"norm\":" + (product.norm ? "true" : "false") +
                    ",\"pdl\":" + (cuda.pdl ? "true" : "false") + json_member("splits", plan.launch.splits) +
                    json_member("grid", plan.launch.grid);
  if (plan.tail != nullptr) {
    out += ",\"tail\":" + path(runtime, cuda, *plan.tail) + json_member("tail_begin", plan.tail_begin) +
           json_member("tail_splits", plan.tail_launch.splits) + json_member("tail_grid", plan.tail_launch.grid);
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
