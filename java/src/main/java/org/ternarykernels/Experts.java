package org.ternarykernels;

import java.lang.ref.Reference;
import org.jspecify.annotations.Nullable;
import org.ternarykernels.internal.Checks;
import org.ternarykernels.internal.observation.CallRecord;
import org.ternarykernels.internal.observation.FlightRecording;

/**
 * What a runtime does with experts besides {@link MoeLayer}s: {@link TernaryRuntime#experts} gives
 * it. Operands are host memory, on a GPU too. As safe for threads as the runtime.
 *
 * <p>After an exception nothing has been written.
 *
 * @since 0.2.0
 */
public final class Experts {
  private final TernaryRuntime runtime;

  Experts(TernaryRuntime runtime) {
    this.runtime = runtime;
  }

  /**
   * Chooses experts by contiguous logits, or by X of a router with a matrix.
   *
   * @param router what is chosen, and how
   * @param x logits {@code [M, E]}, or X {@code [M, H]} of a router with a matrix, of type F32, F16
   *     or BF16
   * @param routing receives ids and weights of M rows; its slots are the router's k
   * @param m rows, at least 1 and below 2^31
   * @throws IllegalArgumentException if an operand breaks a rule
   * @throws IllegalStateException if the runtime is closed
   * @throws TernaryException if memory cannot be had, or the device reports a fault
   */
  public void route(Router router, TernaryBuffer x, Routing routing, long m) {
    route(router, x, Checks.notNull("router", router).inputColumns(), routing, m);
  }

  /**
   * Chooses experts by strided logits, or by X of a router with a matrix. A row whose scores hold a
   * NaN gets the ids 0 to k - 1 and NaN as weights.
   *
   * @param router what is chosen, and how
   * @param x logits {@code [M, E]}, or X {@code [M, H]} of a router with a matrix, of type F32, F16
   *     or BF16
   * @param ldx elements from one row of x to the next, at least E or H
   * @param routing receives ids and weights of M rows; its slots are the router's k
   * @param m rows, at least 1 and below 2^31
   * @throws IllegalArgumentException if an operand breaks a rule
   * @throws IllegalStateException if the runtime is closed
   * @throws TernaryException if memory cannot be had, or the device reports a fault
   */
  public void route(Router router, TernaryBuffer x, long ldx, Routing routing, long m) {
    Checks.notNull("router", router).check(x, ldx, routing, m);
    runtime.acquire();
    try {
      CallRecord record = FlightRecording.beginCall();
      NativeRouteCall.route(runtime.address(), router, x, ldx, routing, m);
      long read = m * router.inputColumns() * x.dataType().bytes() + router.matrixBytes();
      long k = router.columns();
      runtime.tell(record, "route", m, router.experts(), k, read, routing.bytes(m));
    } finally {
      release();
    }
  }

  /**
   * Sorts the slots of all rows by their expert; those of one expert stay ascending. Slot t of row
   * m has the number {@code m * slots + t}.
   *
   * @param routing ids of M rows; weights are not read
   * @param experts E, 1 to 4096
   * @param slots {@code [M * slots]} of type I32, receives the numbers; slots of id -1 are left
   *     out, and as many at the end are not written
   * @param offsets {@code [E + 1]} of type I32: expert e has {@code slots[offsets[e]]} to {@code
   *     slots[offsets[e + 1] - 1]}
   * @param m rows, m times the routing's slots below 2^31
   * @throws IllegalArgumentException if an operand breaks a rule, or an id is neither -1 nor 0 to E
   *     - 1
   * @throws IllegalStateException if the runtime is closed
   * @throws TernaryException if memory cannot be had, or the device reports a fault
   */
  public void align(
      Routing routing, long experts, TernaryBuffer slots, TernaryBuffer offsets, long m) {
    ExpertChecks.align(routing, experts, slots, offsets, m);
    runtime.acquire();
    try {
      CallRecord record = FlightRecording.beginCall();
      NativeRouteCall.align(runtime.address(), routing, experts, slots, offsets, m);
      long read = m * routing.slots() * Integer.BYTES;
      runtime.tell(record, "align", m, experts, 0, read, read + (experts + 1) * Integer.BYTES);
    } finally {
      release();
    }
  }

  /**
   * Adds up experts' outputs: what a layer that combines does with them.
   *
   * @param d {@code [M, slots, H]} of type F32, F16 or BF16; not read where the id is -1
   * @param ldd elements from one row of d to the next, at least slots * H
   * @param routing ids of M rows; weights too, unless d already has them
   * @param experts E, 1 to 4096
   * @param h columns H, at least 1 and below 2^31
   * @param scaling the sum is multiplied by it: finite and not 0
   * @param residual {@code [M, H]} of type F32, F16 or BF16, or null
   * @param residualOut receives {@code residual + y}, with y as it was rounded, in the residual's
   *     type; null without residual. May be the very memory of the residual
   * @param ldResidual elements from one row of both to the next, at least H
   * @param y {@code [M, H]} of type F32, F16 or BF16; must not overlap anything else
   * @param ldy elements from one row of y to the next, at least H
   * @param m rows, at least 1 and below 2^31
   * @throws IllegalArgumentException if an operand breaks a rule, or an id is neither -1 nor 0 to E
   *     - 1
   * @throws IllegalStateException if the runtime is closed
   * @throws TernaryException if memory cannot be had, or the device reports a fault
   */
  public void combine(
      TernaryBuffer d,
      long ldd,
      Routing routing,
      long experts,
      long h,
      float scaling,
      @Nullable TernaryBuffer residual,
      @Nullable TernaryBuffer residualOut,
      long ldResidual,
      TernaryBuffer y,
      long ldy,
      long m) {
    ExpertChecks.combine(d, ldd, routing, experts, h, residual, residualOut, ldResidual, y, ldy, m);
    runtime.acquire();
    try {
      CallRecord record = FlightRecording.beginCall();
      NativeExpertCall.combine(
          runtime.address(),
          d,
          ldd,
          routing,
          experts,
          h,
          scaling,
          residual,
          residualOut,
          ldResidual,
          y,
          ldy,
          m);
      long sum = residual == null ? 0 : m * h * residual.dataType().bytes();
      long read = m * routing.slots() * h * d.dataType().bytes() + sum;
      runtime.tell(record, "combine", m, h, 0, read, m * h * y.dataType().bytes() + sum);
    } finally {
      release();
    }
  }

  private void release() {
    runtime.release();
    Reference.reachabilityFence(runtime);
  }
}
