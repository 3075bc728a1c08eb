package org.ternarykernels;

import static org.ternarykernels.NativeExpertCall.code;
import static org.ternarykernels.NativeExpertCall.flag;
import static org.ternarykernels.NativeExpertCall.ld;

import org.ternarykernels.binding.Ternary;
import org.ternarykernels.internal.Status;

/**
 * The native functions that make a routing or sort it. Operands have been checked, and are held
 * here. What native code refuses is thrown.
 */
final class NativeRouteCall {
  private static final HeldCall HELD_ROUTE =
      new HeldCall("route", "JJJJJPIJJPIJPIJPPIIIIFJJFPJPIJ");
  private static final HeldCall HELD_ALIGN = new HeldCall("align", "JJJJJPJPP");

  private NativeRouteCall() {}

  /** Chooses the experts of rows, of X or of logits as the router takes them. */
  static void route(
      long runtime, Router router, TernaryBuffer given, long ld, Routing routing, long m) {
    TernaryBuffer ids = routing.ids();
    TernaryBuffer weights = routing.writtenWeights();
    TernaryBuffer logits = router.matrix == null ? given : null;
    TernaryBuffer x = router.matrix == null ? null : given;
    Operands.acquire(given, router.matrix, router.bias, router.correctionBias, ids, weights);
    try {
      Status.check(
          HeldCall.needed(given, router.matrix, router.bias, router.correctionBias, ids, weights)
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
                  HeldCall.operand(router.matrix),
                  code(router.matrix),
                  router.ldMatrix,
                  HeldCall.operand(router.bias),
                  HeldCall.operand(router.correctionBias),
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
              : Ternary.route(
                  runtime,
                  NativeCall.HOST,
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
                  ids.address(),
                  routing.ldIds(),
                  weights.address(),
                  weights.dataType().code,
                  routing.ldWeights()));
    } finally {
      Operands.release(given, router.matrix, router.bias, router.correctionBias, ids, weights);
    }
  }

  /** Sorts slots by expert. */
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
              : Ternary.align(
                  runtime,
                  NativeCall.HOST,
                  m,
                  routing.slots(),
                  experts,
                  ids.address(),
                  routing.ldIds(),
                  slots.address(),
                  offsets.address()));
    } finally {
      Operands.release(ids, slots, offsets, null, null, null);
    }
  }
}
