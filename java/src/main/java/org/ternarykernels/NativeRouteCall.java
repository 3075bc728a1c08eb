package org.ternarykernels;

import static org.ternarykernels.NativeExpertCall.code;
import static org.ternarykernels.NativeExpertCall.flag;
import static org.ternarykernels.NativeExpertCall.ld;

import org.ternarykernels.binding.Ternary;
import org.ternarykernels.internal.Checks;
import org.ternarykernels.internal.Status;

/**
 * The native functions that make a routing or sort it. Operands have been checked; host memory is
 * held here, a GPU's by its {@link DeviceCall}. What native code refuses is thrown.
 */
final class NativeRouteCall {
  private static final HeldCall HELD_ROUTE =
      new HeldCall("route", "JJJJJPIJJPIJPIJPPIIIIFJJFPJPIJ");
  private static final HeldCall HELD_ALIGN = new HeldCall("align", "JJJJJPJPP");

  private NativeRouteCall() {}

  /** Chooses the experts of rows of host memory, of X or of logits as the router takes them. */
  static void route(
      long runtime, Router router, TernaryBuffer given, long ld, Routing routing, long m) {
    TernaryBuffer matrix = Operands.host(router.matrix);
    TernaryBuffer bias = Operands.host(router.bias);
    TernaryBuffer correctionBias = Operands.host(router.correctionBias);
    TernaryBuffer ids = routing.ids();
    TernaryBuffer weights = Checks.notNull("weights", routing.weights());
    TernaryBuffer logits = matrix == null ? given : null;
    TernaryBuffer x = matrix == null ? null : given;
    Operands.acquire(given, matrix, bias, correctionBias, ids, weights);
    try {
      Status.check(
          HeldCall.needed(given, matrix, bias, correctionBias, ids, weights)
              ? HELD_ROUTE.call(
                  runtime,
                  NativeCall.HOST,
                  m,
                  (long) router.experts,
                  (long) router.k,
                  HeldCall.operand(logits),
                  code(logits),
                  ld(logits, ld),
                  router.columns,
                  HeldCall.operand(x),
                  code(x),
                  ld(x, ld),
                  HeldCall.operand(matrix),
                  code(matrix),
                  router.ldMatrix,
                  HeldCall.operand(bias),
                  HeldCall.operand(correctionBias),
                  router.roundLogits.code,
                  router.method.code,
                  router.groupScore.code,
                  flag(router.renormalised),
                  router.renormaliseEps,
                  router.groups,
                  router.topkGroups,
                  router.scaling,
                  HeldCall.operand(ids),
                  routing.ldIds(),
                  HeldCall.operand(weights),
                  weights.dataType().code,
                  routing.ldWeights())
              : route(runtime, NativeCall.HOST, router, given, ld, routing, m));
    } finally {
      Operands.release(given, matrix, bias, correctionBias, ids, weights);
    }
  }

  /** Starts the choice for rows of a GPU's memory. */
  static void startRoute(
      long runtime,
      DeviceCall call,
      Router router,
      DeviceBuffer given,
      long ld,
      Routing routing,
      long m) {
    Status.check(route(runtime, call.address(), router, given, ld, routing, m));
  }

  private static int route(
      long runtime, long call, Router router, Operand given, long ld, Routing routing, long m) {
    Operand logits = router.matrix == null ? given : null;
    Operand x = router.matrix == null ? null : given;
    Operand weights = routing.writtenWeights();
    return Ternary.route(
        runtime,
        call,
        m,
        router.experts,
        router.k,
        Operands.addressOrNull(logits),
        code(logits),
        ld(logits, ld),
        router.columns,
        Operands.addressOrNull(x),
        code(x),
        ld(x, ld),
        Operands.addressOrNull(router.matrix),
        code(router.matrix),
        router.ldMatrix,
        Operands.addressOrNull(router.bias),
        Operands.addressOrNull(router.correctionBias),
        router.roundLogits.code,
        router.method.code,
        router.groupScore.code,
        flag(router.renormalised),
        router.renormaliseEps,
        router.groups,
        router.topkGroups,
        router.scaling,
        routing.ids.address(),
        routing.ldIds(),
        weights.address(),
        weights.dataType().code,
        routing.ldWeights());
  }

  /** Sorts slots in host memory by expert. */
  static void align(
      long runtime,
      Routing routing,
      long experts,
      TernaryBuffer slots,
      TernaryBuffer offsets,
      long m) {
    TernaryBuffer ids = routing.ids();
    Operands.acquire(ids, slots, offsets, null, null, null);
    try {
      Status.check(
          HeldCall.needed(ids, slots, offsets, null, null, null)
              ? HELD_ALIGN.call(
                  runtime,
                  NativeCall.HOST,
                  m,
                  (long) routing.slots(),
                  experts,
                  HeldCall.operand(ids),
                  routing.ldIds(),
                  HeldCall.operand(slots),
                  HeldCall.operand(offsets))
              : align(runtime, NativeCall.HOST, routing, experts, slots, offsets, m));
    } finally {
      Operands.release(ids, slots, offsets, null, null, null);
    }
  }

  /** Starts the sorting of slots in a GPU's memory. */
  static void startAlign(
      long runtime,
      DeviceCall call,
      Routing routing,
      long experts,
      DeviceBuffer slots,
      DeviceBuffer offsets,
      long m) {
    Status.check(align(runtime, call.address(), routing, experts, slots, offsets, m));
  }

  private static int align(
      long runtime,
      long call,
      Routing routing,
      long experts,
      Operand slots,
      Operand offsets,
      long m) {
    return Ternary.align(
        runtime,
        call,
        m,
        routing.slots(),
        experts,
        routing.ids.address(),
        routing.ldIds(),
        slots.address(),
        offsets.address());
  }
}
