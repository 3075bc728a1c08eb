#include "core/cuda/planning.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "abi/cuda_layout.h"
#include "abi/dtype.h"
#include "core/base/failure.h"
#include "core/cuda/places.h"
#include "core/cuda/top2.h"

namespace ternary {
namespace {

/** Loads of 16 bytes are possible from every row. */
bool rows_aligned(const void* pointer, int64_t ld, ternary_dtype dtype) {
  return (reinterpret_cast<uintptr_t>(pointer) & 15) == 0 && ld * dtype_bytes(dtype) % 16 == 0;
}

/** What X is given to an A16 product as: itself where it is of a type that tensor cores read, else fp32 in three parts. */
struct Planes {
  int32_t count, f16;
};

Planes planes_of(const Product& p) {
  const ternary_operands& o = p.operands;
  const bool as_it_is =
      !p.layer.has_norm() && p.layer.rotation == 0 && p.weights().column_alpha() == nullptr && o.x_scale == nullptr;
  const bool f16 = as_it_is && o.x_dtype == TERNARY_F16;
  return {f16 || (as_it_is && o.x_dtype == TERNARY_BF16) ? 1 : 3, f16};
}

/** All that a row may ask, the settings and the device included. */
CudaProblem problem_of(const CudaRuntime& cuda, const Settings& settings, const Product& p) {
  const ternary_operands& o = p.operands;
  CudaProblem problem = {};
  problem.M = o.M;
  problem.N = p.weights().N;
  problem.K = p.weights().K;
  problem.group = p.weights().group;
  problem.block = p.layer.block;
  problem.rotation = p.layer.rotation;
  problem.x_dtype = o.x_dtype;
  problem.y_dtype = o.y_dtype;
  problem.norm = p.layer.has_norm();
  problem.residual = o.residual != nullptr;
  problem.residual_in_place = o.residual != nullptr && o.residual == o.residual_out;
  problem.x_aligned = rows_aligned(o.x, o.ldx, o.x_dtype) &&
                      (o.residual == nullptr || (rows_aligned(o.residual, o.ld_residual, o.residual_dtype) &&
                                                 rows_aligned(o.residual_out, o.ld_residual, o.residual_dtype)));
  problem.column_alpha = p.weights().column_alpha() != nullptr;
  problem.planes = planes_of(p).count;
  problem.splits = static_cast<int>(settings.i2s_splits);
  problem.sm_count = cuda.device.sm_count;
  problem.shared_bytes = cuda.device.shared_bytes;
  return problem;
}

/** What a plan depends on besides what the runtime was made with: the problem, and what chooses among the rows. */
PlanKey key_of(const CudaProblem& problem, const Product& p, uint64_t rows_off) {
  uint64_t kind = rows_off;  // at most 2 * kMostRows, in the ten bits that are left
  const auto add = [&](uint64_t value, int bits) { kind = kind << bits | value; };
  add(static_cast<uint64_t>(p.layer.expected_rows), 31);
  add(p.weights().layout, 4);
  add(p.layer.activation, 4);
  add(problem.x_dtype, 4);
  add(problem.y_dtype, 4);
  for (const bool flag : {problem.norm, problem.residual, problem.residual_in_place, problem.x_aligned,
                          problem.column_alpha, p.operands.x_scale != nullptr, problem.rotation > 0}) {
    add(flag, 1);
  }
  return {{static_cast<uint64_t>(problem.M) << 32 | static_cast<uint64_t>(problem.N),
           static_cast<uint64_t>(problem.K) << 40 | static_cast<uint64_t>(problem.group / 32) << 20 |
               static_cast<uint64_t>(problem.block / 32),  // multiples of 32 up to 2^24
           kind}};
}

bool in_range(const CudaKernel& kernel, int64_t M) { return M >= kernel.m_min && M <= kernel.m_max; }

bool is_off(const ternary_runtime& runtime, const CudaRuntime& cuda, const CudaKernel& kernel) {
  return runtime.rows_off.has(counted_row(runtime, cuda, kernel));
}

Reason reason_against(const ternary_runtime& runtime, const CudaRuntime& cuda, const CudaKernel& kernel,
                      const CudaProblem& problem) {
  const Settings& settings = runtime.settings;
  if (is_off(runtime, cuda, kernel)) return Reason::validation;
  if (kernel.layout == CudaLayout::top2 && cuda.top2 == Top2Kernels::wrong) return Reason::device_check;
  if (!in_range(kernel, problem.M)) return Reason::m_range;
  if (problem.K > kernel.k_max) return Reason::k_range;
  // A16 has no dense kernel that could serve instead.
  const bool skips = kernel.layout != CudaLayout::dense && kernel.stage != CudaStage::gemm_a16;
  if (skips && settings.prefill_skip_m > 0 && problem.M > settings.prefill_skip_m) return Reason::setting;
  return Reason::none;
}

/** More rows than all libraries together have for an activation and a layout. */
constexpr int kMostChoices = 32;

/** Layouts that a plan chooses among at a time; both may be the same. */
struct Layouts {
  CudaLayout one, other;

  bool has(CudaLayout layout) const { return layout == one || layout == other; }
};

/** The turns in which layouts are asked: kernels of a turn serve only what those of the turns before refuse. */
struct Turns {
  Layouts list[3];
  int count;

  const Layouts* begin() const { return list; }
  const Layouts* end() const { return list + count; }
};

Turns turns_of(const CudaRuntime& cuda, const ternary_layer& layer) {
  constexpr Layouts kTop2 = {CudaLayout::top2, CudaLayout::top2}, kDense = {CudaLayout::dense, CudaLayout::dense};
  const CudaLayout own = cuda_layout_of(layer.weights.layout);
  const bool top2 = asks_top2(cuda, layer);
  if (top2 && cuda.cutlass == CutlassChoice::always) return {{kTop2, {own, own}, kDense}, 3};
  return {{{own, top2 ? CudaLayout::top2 : own}, kDense}, 2};
}

/** Rows for an activation and layouts whose range of M has this M; all of the layouts if none has it, so that they refuse.
 *  In the order of preference. */
class Choices {
 public:
  Choices(const ternary_runtime& runtime, const CudaRuntime& cuda, const CudaProblem& problem,
          ternary_activation activation, Layouts layouts) {
    add(runtime, cuda, problem, activation, layouts, true);
    if (count_ == 0) add(runtime, cuda, problem, activation, layouts, false);
    order_choices(choices_, choices_ + count_);
  }

  const CudaChoice* begin() const { return choices_; }
  const CudaChoice* end() const { return choices_ + count_; }

 private:
  void add(const ternary_runtime& runtime, const CudaRuntime& cuda, const CudaProblem& problem,
           ternary_activation activation, Layouts layouts, bool in) {
    cuda.device.each_kernel([&](const CudaKernel& kernel, const CudaBackend& backend) {
      if (!serves(kernel, activation) || !layouts.has(kernel.layout) || in_range(kernel, problem.M) != in) return;
      if (kernel.stage == CudaStage::fused_a8 && problem.norm && !runtime.settings.fuse_rmsnorm_qkv) return;
      if (count_ == kMostChoices) fail(TERNARY_UNSUPPORTED, "the library %s has too many kernels", backend.arch);
      CudaChoice& choice = choices_[count_++];
      choice.kernel = &kernel;
      choice.us = kUnknownCost;
      choice.reason = reason_against(runtime, cuda, kernel, problem);
      if (!in) return;
      const Reason own = cuda.cost.plan(kernel, problem, choice.plan, choice.us);
      if (choice.reason == Reason::none) choice.reason = own;
    });
  }

  CudaChoice choices_[kMostChoices] = {};
  int count_ = 0;
};

/** The library's row of a kernel. */
const CudaKernel* kernel_of(const CudaRuntime& cuda, const CostCode& code) {
  const CudaKernel* found = nullptr;
  cuda.device.each_kernel([&](const CudaKernel& kernel, const CudaBackend&) {
    if (found == nullptr && std::strcmp(kernel.file, code.row->file) == 0) found = &kernel;
  });
  return found;
}

/** The plan of a part of a product's rows; false: the row refuses it. */
bool plan_part(const CudaKernel* kernel, CudaProblem problem, int64_t M, int splits, CudaPlan* plan) {
  problem.M = M;
  problem.splits = splits;
  return kernel != nullptr && kernel->plan(problem, plan) == Reason::none;
}

/** Gives the last rows of an A8 product to a second kernel, where the model expects two to take less than `us`. */
void cut(const ternary_runtime& runtime, const CudaRuntime& cuda, const CudaProblem& problem, double us,
         CudaProductPlan& plan) {
  if (plan.kernel->stage != CudaStage::gemm_a8 || cuda_row_major(plan.kernel->layout)) return;
  if (us == kUnknownCost || problem.splits > 0) return;  // splits: the setting's choice, of one kernel
  const std::optional<CostCut> cut = cuda.cost.cut(cost_problem(problem), plan.kernel->layout, us);
  if (!cut) return;
  const CudaKernel *first = kernel_of(cuda, *cut->first.code), *second = kernel_of(cuda, *cut->second.code);
  for (const CudaKernel* kernel : {first, second}) {
    if (kernel != nullptr && is_off(runtime, cuda, *kernel)) return;
  }
  CudaPlan first_launch = {}, second_launch = {};
  if (!plan_part(first, problem, cut->rows, cut->first.splits, &first_launch) ||
      !plan_part(second, problem, problem.M - cut->rows, cut->second.splits, &second_launch)) {
    return;
  }
  plan.tail = second;
  plan.tail_launch = second_launch;
  plan.tail_begin = cut->rows;
  finish(*first, first_launch, problem, plan);
}

/** The best kernel that accepts, or two of them. */
CudaProductPlan best_plan(const ternary_runtime& runtime, const CudaRuntime& cuda, const CudaProblem& problem,
                          const Product& product) {
  CudaProductPlan plan = {};
  const Planes planes = planes_of(product);
  plan.plane_count = planes.count;
  plan.plane_f16 = planes.f16;
  for (const Layouts& layouts : turns_of(cuda, product.layer)) {
    for (const CudaChoice& choice : Choices(runtime, cuda, problem, product.layer.activation, layouts)) {
      if (choice.reason == Reason::none) {
        finish(*choice.kernel, choice.plan, problem, plan);
        cut(runtime, cuda, problem, choice.us, plan);
        return plan;
      }
      plan.refusals.add(counted_row(runtime, cuda, *choice.kernel), choice.reason);
    }
  }
  return plan;
}

/** The best plan, and among its refusals the library that is missing where it could have served. */
CudaProductPlan make_plan(const ternary_runtime& runtime, const CudaRuntime& cuda, const CudaProblem& problem,
                          const Product& product) {
  CudaProductPlan plan = best_plan(runtime, cuda, problem, product);
  if (is_for_top2(cuda.cutlass, product.layer) && cuda.device.missing_cutlass() != nullptr) {
    plan.refusals.add(static_cast<size_t>(runtime.backend.kernel_count) + cuda.device.kernel_count(),
                      Reason::no_library);
  }
  return plan;
}

/** Counts what was refused before the plan's kernel; throws if nothing serves, or only what TERNARY_I2S_ONLY forbids. */
void settle(ternary_runtime& runtime, const CudaRuntime& cuda, Op op, const CudaProductPlan& plan) {
  if (runtime.settings.collect_path_stats) {
    for (const Refusal& refusal : plan.refusals) runtime.counters.count_fallback(op, refusal.row, refusal.reason());
  }
  const bool dense = plan.kernel != nullptr && plan.kernel->layout == CudaLayout::dense;
  if (plan.kernel != nullptr && !(dense && runtime.settings.i2s_only)) return;
  if (plan.refusals.count == 0) {
    fail(TERNARY_UNSUPPORTED, "the library %s has no kernel for %s%s", cuda.device.backend().arch,
         kOpNames[static_cast<int>(op)], dense ? " but the dense one, which TERNARY_I2S_ONLY=1 forbids" : "");
  }
  const Refusal& first = *plan.refusals.begin();
  fail(TERNARY_UNSUPPORTED, "%s %s refuses the problem: %s",
       dense ? "TERNARY_I2S_ONLY=1 and" : "no kernel serves this problem;",
       runtime.counters.path_name({op, first.row}).c_str(), kReasonNames[first.code]);
}

}  // namespace

bool is_current_on_gpu(const ternary_runtime& runtime, const PlanKey& key) {
  return key.part(2, 54, 10) == static_cast<int64_t>(runtime.rows_off.version());
}

PlannedProduct cuda_product_of(const PlanKey& key) {  // as key_of() packs it
  return {key.part(0, 32, 32),
          key.part(0, 0, 32),
          key.part(1, 40, 24),
          key.part(1, 20, 20) * 32,
          key.part(1, 0, 20) * 32,
          key.part(2, 6, 1) != 0,
          static_cast<ternary_layout>(key.part(2, 19, 4)),
          static_cast<ternary_activation>(key.part(2, 15, 4))};
}

size_t counted_row(const ternary_runtime& runtime, const CudaRuntime& cuda, const CudaKernel& kernel) {
  return static_cast<size_t>(runtime.backend.kernel_count) + cuda.device.place(kernel);
}

CudaProductPlan plan_for(ternary_runtime& runtime, CudaRuntime& cuda, Op op, const Product& product) {
  const CudaProblem problem = problem_of(cuda, runtime.settings, product);
  const uint64_t rows_off = runtime.rows_off.version();
  return cuda.plans.get(
      key_of(problem, product, rows_off), [&] { return make_plan(runtime, cuda, problem, product); },
      [&](const CudaProductPlan& plan) { settle(runtime, cuda, op, plan); },
      [&] { return runtime.rows_off.is_still(rows_off); });
}

const CudaKernel& row_of(const CudaRuntime& cuda, CudaStage stage) {
  const CudaBackend& backend = cuda.device.backend();
  for (int row = 0; row < backend.kernel_count; ++row) {
    if (backend.kernels[row].stage == stage) return backend.kernels[row];
  }
  fail(TERNARY_UNSUPPORTED, "the library %s has no kernel of stage %d", backend.arch, static_cast<int>(stage));
}

}  // namespace ternary
