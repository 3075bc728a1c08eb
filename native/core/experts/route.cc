#include "core/experts/route.h"

#include <cinttypes>

#include "abi/dtype.h"
#include "core/base/argument.h"
#include "core/base/failure.h"
#include "core/base/sized.h"
#include "core/experts/slots.h"
#include "core/product/product.h"
#include "core/product/ranges.h"
#include "core/weights/layout.h"
#include "core/weights/weights.h"

namespace ternary {
namespace {

static_assert(sizeof(ternary_route_operands) >= kFirstRouteBytes, "operands only grow");

/** A field that belongs to what is not there. */
void check_unused(const char* name, bool unused, const char* because) {
  if (!unused) fail(TERNARY_INVALID_ARGUMENT, "%s is given and %s; it must be 0 then", name, because);
}

void check_logits(const ternary_route_operands& o) {
  static constexpr const char* kBecause = "logits are given";
  check_unused("H", o.H == 0, kBecause);
  check_unused("x", o.x == nullptr, kBecause);
  check_unused("ldx", o.ldx == 0, kBecause);
  check_unused("x_dtype", o.x_dtype == 0, kBecause);
  check_unused("router", o.router == nullptr, kBecause);
  check_unused("ld_router", o.ld_router == 0, kBecause);
  check_unused("router_dtype", o.router_dtype == 0, kBecause);
  check_unused("router_bias", o.router_bias == nullptr, kBecause);
  check_unused("round_logits", o.round_logits == 0, kBecause);
  check_float_dtype("logits_dtype", o.logits_dtype);
  check_matrix("logits", "ld_logits", o.logits, o.logits_dtype, o.M, o.E, o.ld_logits);
}

void check_router(const ternary_route_operands& o) {
  static constexpr const char* kBecause = "logits are null";
  if (o.x == nullptr) fail(TERNARY_INVALID_ARGUMENT, "logits and x are null; one of them must be given");
  check_unused("ld_logits", o.ld_logits == 0, kBecause);
  check_unused("logits_dtype", o.logits_dtype == 0, kBecause);
  if (o.H < 1 || o.H > kMaxK) fail(TERNARY_INVALID_ARGUMENT, "H is %" PRId64 "; it must be 1 to %" PRId64, o.H, kMaxK);
  check_float_dtype("x_dtype", o.x_dtype);
  check_matrix("x", "ldx", o.x, o.x_dtype, o.M, o.H, o.ldx);
  check_float_dtype("router_dtype", o.router_dtype);
  check_matrix("router", "ld_router", o.router, o.router_dtype, o.E, o.H, o.ld_router);
  check_vector("router_bias", o.router_bias);
  check_float_dtype("round_logits", o.round_logits);
}

void check_groups(const ternary_route_operands& o) {
  static constexpr const char* kScores[] = {"top2", "max"};
  check_choice("group_score", o.group_score, kScores);
  if (o.groups == 0) {
    check_unused("topk_groups", o.topk_groups == 0, "groups is 0");
    return check_unused("group_score", o.group_score == 0, "groups is 0");
  }
  if (o.groups < 0 || o.groups > o.E || o.E % o.groups != 0) {
    fail(TERNARY_INVALID_ARGUMENT, "groups is %" PRId64 " and E is %" PRId64 "; E must be a multiple of it", o.groups,
         o.E);
  }
  if (o.topk_groups < 1 || o.topk_groups > o.groups) {
    fail(TERNARY_INVALID_ARGUMENT, "topk_groups is %" PRId64 "; it must be 1 to the %" PRId64 " groups", o.topk_groups,
         o.groups);
  }
  const int64_t most = o.topk_groups * (o.E / o.groups);
  if (o.k > most) {
    fail(TERNARY_INVALID_ARGUMENT, "k is %" PRId64 "; it must be at most the %" PRId64 " experts of topk_groups groups",
         o.k, most);
  }
}

void check_choice_rules(const ternary_route_operands& o) {
  static constexpr const char* kMethods[] = {"softmax, top k", "top k, softmax", "sigmoid, top k"};
  check_choice("method", o.method, kMethods);
  check_vector("correction_bias", o.correction_bias);
  check_groups(o);
  check_flag("renormalise", o.renormalise);
  if (!is_finite(o.renormalise_eps) || o.renormalise_eps < 0 || (o.renormalise == 0 && o.renormalise_eps != 0)) {
    fail(TERNARY_INVALID_ARGUMENT, "renormalise_eps is %g; it must be finite and at least 0, and 0 without renormalise",
         static_cast<double>(o.renormalise_eps));
  }
  check_scaling(o.scaling);
}

void check_outputs(const ternary_route_operands& o) {
  check_weights_dtype("weights_dtype", o.weights_dtype);
  check_matrix("ids", "ld_ids", o.ids, TERNARY_F32, o.M, o.k, o.ld_ids);
  check_matrix("weights", "ld_weights", o.weights, o.weights_dtype, o.M, o.k, o.ld_weights);
  const Range ids = matrix_range("ids", o.ids, TERNARY_F32, o.M, o.k, o.ld_ids);
  const Range weights = matrix_range("weights", o.weights, o.weights_dtype, o.M, o.k, o.ld_weights);
  const Range inputs[] = {matrix_range("logits", o.logits, o.logits_dtype, o.M, o.E, o.ld_logits),
                          matrix_range("x", o.x, o.x_dtype, o.M, o.H, o.ldx),
                          matrix_range("router", o.router, o.router_dtype, o.E, o.H, o.ld_router),
                          vector_range("router_bias", o.router_bias, o.E),
                          vector_range("correction_bias", o.correction_bias, o.E)};
  check_apart(ids, inputs, 5);
  check_apart(weights, inputs, 5);
  check_apart(ids, &weights, 1);
}

}  // namespace

const ternary_route_operands& check_route(const ternary_route_operands* given, ternary_route_operands& room) {
  const ternary_route_operands& o = sized("operands", given, room, kFirstRouteBytes);
  check_rows(o.M);
  check_experts(o.E);
  if (o.k < 1 || o.k > kMaxSlots || o.k > o.E) {
    fail(TERNARY_INVALID_ARGUMENT, "k is %" PRId64 "; it must be 1 to %" PRId64 ", and at most the %" PRId64 " experts",
         o.k, kMaxSlots, o.E);
  }
  if (o.logits != nullptr) {
    check_logits(o);
  } else {
    check_router(o);
  }
  check_choice_rules(o);
  check_outputs(o);
  return o;
}

RouterTask router_task(const ternary_route_operands& o, float* logits) {
  RouterTask task = {};
  task.x = o.x;
  task.x_dtype = o.x_dtype;
  task.ldx = o.ldx;
  task.w = o.router;
  task.w_dtype = o.router_dtype;
  task.ldw = o.ld_router;
  task.bias = o.router_bias;
  task.round = o.round_logits;
  task.M = o.M;
  task.H = o.H;
  task.logits = logits;
  task.ld_logits = o.E;
  return task;
}

RouteTask route_task(const ternary_route_operands& o, const float* made) {
  RouteTask task = {};
  task.logits = o.logits == nullptr ? made : o.logits;
  task.logits_dtype = o.logits == nullptr ? TERNARY_F32 : o.logits_dtype;
  task.ld_logits = o.logits == nullptr ? o.E : o.ld_logits;
  task.E = o.E;
  task.k = o.k;
  task.method = o.method;
  task.correction_bias = o.correction_bias;
  task.groups = o.groups;
  task.topk_groups = o.topk_groups;
  task.group_score = o.group_score;
  task.renormalise = o.renormalise != 0;
  task.renormalise_eps = o.renormalise_eps;
  task.scaling = o.scaling;
  task.ids = o.ids;
  task.ld_ids = o.ld_ids;
  task.weights = o.weights;
  task.weights_dtype = o.weights_dtype;
  task.ld_weights = o.ld_weights;
  return task;
}

}  // namespace ternary
