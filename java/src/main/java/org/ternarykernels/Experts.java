package org.ternarykernels;

import org.jspecify.annotations.Nullable;
import org.ternarykernels.internal.Checks;

/**
 * What a runtime does with experts besides {@link MoeLayer}s: {@link TernaryRuntime#experts} gives
 * it. As safe for threads as the runtime.
 *
 * <p>Operands of a call are all host memory, on a GPU too, or all memory of the runtime's GPU. A
 * call of the latter is given to a stream and returns: a fault of it is thrown by the call at which
 * CUDA tells of it, at the latest by {@link CudaStream#synchronize()}. It may be captured in a
 * graph. A graph of {@code align} or {@code combine} keeps the runtime, which ends with the graph
 * where it is closed before.
 *
 * <p>Ids on a GPU are not known when the call returns. One that is neither -1 nor an expert's
 * contributes nothing, as -1 does, and {@link CudaStream#synchronize()} tells of it.
 *
 * <p>After an exception nothing has been written.
 *
 * @since 0.2.0
 */
public final class Experts {
  private final ExpertOperations operations;

  Experts(TernaryRuntime runtime) {
    this.operations = new ExpertOperations(runtime);
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
    Checks.notNull("router", router).check(x, ldx, routing, false, m);
    operations.route(router, x, ldx, routing, m);
  }

  /**
   * Gives the choice of experts by contiguous logits or X to a stream of the runtime's GPU: the
   * same ids and weights as {@link #route(Router, TernaryBuffer, Routing, long)}. The runtime's own
   * workspace serves a router with a matrix.
   *
   * @param router as there; its matrix and biases in the GPU's memory
   * @param x as there
   * @param routing as there, in the GPU's memory
   * @param m as there
   * @param stream of the same device; of a router with a matrix it is not being captured
   * @throws IllegalArgumentException if an operand breaks a rule, or is host memory
   * @throws IllegalStateException if the runtime, a buffer or the stream is closed, or capture
   *     needs a workspace
   * @throws TernaryException if the runtime computes on the CPU, memory cannot be had, or the
   *     device reports a fault
   */
  public void route(Router router, DeviceBuffer x, Routing routing, long m, CudaStream stream) {
    long columns = Checks.notNull("router", router).inputColumns();
    route(router, x, columns, routing, m, stream, null);
  }

  /**
   * Gives the choice of experts by strided logits or X to a stream of the runtime's GPU: the same
   * ids and weights as {@link #route(Router, TernaryBuffer, long, Routing, long)}. Logits that are
   * given need no workspace.
   *
   * @param router as there; its matrix and biases in the GPU's memory
   * @param x as there
   * @param ldx as there
   * @param routing as there, in the GPU's memory
   * @param m as there
   * @param stream of the same device
   * @param workspace at least {@link #routeWorkspaceBytes} long, aligned to 256 bytes, apart from
   *     the operands, not used by another stream meanwhile; null: the runtime's own, one a stream,
   *     which capture refuses
   * @throws IllegalArgumentException if an operand breaks a rule, or is host memory
   * @throws IllegalStateException if the runtime, a buffer or the stream is closed, or capture
   *     needs a workspace
   * @throws TernaryException if the runtime computes on the CPU, memory cannot be had, or the
   *     device reports a fault
   */
  public void route(
      Router router,
      DeviceBuffer x,
      long ldx,
      Routing routing,
      long m,
      CudaStream stream,
      @Nullable DeviceBuffer workspace) {
    Checks.notNull("router", router).check(x, ldx, routing, true, m);
    operations.route(router, x, ldx, routing, m, stream, workspace);
  }

  /**
   * Bytes of workspace that suffice for a router with a matrix on the runtime's GPU, for calls of
   * up to so many rows.
   *
   * @param m rows, at least 1 and below 2^31
   * @param experts of the router, 1 to 4096
   * @return bytes
   * @throws IllegalArgumentException if an argument breaks a rule
   * @throws IllegalStateException if the runtime is closed
   * @throws TernaryException if the runtime computes on the CPU
   */
  public long routeWorkspaceBytes(long m, long experts) {
    Checks.size("M", m, Checks.MAX_ROWS);
    ExpertChecks.experts(experts);
    return operations.routeWorkspaceBytes(m, experts);
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
    ExpertChecks.align(routing, experts, slots, offsets, false, m);
    operations.align(routing, experts, slots, offsets, m);
  }

  /**
   * Gives the sorting of slots to a stream of the runtime's GPU: the same numbers as {@link
   * #align(Routing, long, TernaryBuffer, TernaryBuffer, long)}. Needs no workspace.
   *
   * @param routing as there, in the GPU's memory; slots of ids that no expert has are left out too
   * @param experts as there
   * @param slots as there
   * @param offsets as there
   * @param m as there
   * @param stream of the same device
   * @throws IllegalArgumentException if an operand breaks a rule, or is host memory
   * @throws IllegalStateException if the runtime, a buffer or the stream is closed
   * @throws TernaryException if the runtime computes on the CPU, memory cannot be had, or the
   *     device reports a fault
   */
  public void align(
      Routing routing,
      long experts,
      DeviceBuffer slots,
      DeviceBuffer offsets,
      long m,
      CudaStream stream) {
    ExpertChecks.align(routing, experts, slots, offsets, true, m);
    operations.align(routing, experts, slots, offsets, m, stream);
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
    ExpertChecks.combine(
        d, ldd, routing, experts, h, residual, residualOut, ldResidual, y, ldy, false, m);
    operations.combine(
        d, ldd, routing, experts, h, scaling, residual, residualOut, ldResidual, y, ldy, m);
  }

  /**
   * Gives the sum of experts' outputs to a stream of the runtime's GPU: the same bits as {@link
   * #combine(TernaryBuffer, long, Routing, long, long, float, TernaryBuffer, TernaryBuffer, long,
   * TernaryBuffer, long, long)}. Needs no workspace.
   *
   * @param d as there; not read either where no expert has the id
   * @param ldd as there
   * @param routing as there, in the GPU's memory
   * @param experts as there
   * @param h as there
   * @param scaling as there
   * @param residual as there
   * @param residualOut as there
   * @param ldResidual as there
   * @param y as there
   * @param ldy as there
   * @param m as there
   * @param stream of the same device
   * @throws IllegalArgumentException if an operand breaks a rule, or is host memory
   * @throws IllegalStateException if the runtime, a buffer or the stream is closed
   * @throws TernaryException if the runtime computes on the CPU, memory cannot be had, or the
   *     device reports a fault
   */
  public void combine(
      DeviceBuffer d,
      long ldd,
      Routing routing,
      long experts,
      long h,
      float scaling,
      @Nullable DeviceBuffer residual,
      @Nullable DeviceBuffer residualOut,
      long ldResidual,
      DeviceBuffer y,
      long ldy,
      long m,
      CudaStream stream) {
    ExpertChecks.combine(
        d, ldd, routing, experts, h, residual, residualOut, ldResidual, y, ldy, true, m);
    operations.combine(
        d, ldd, routing, experts, h, scaling, residual, residualOut, ldResidual, y, ldy, m, stream);
  }
}
