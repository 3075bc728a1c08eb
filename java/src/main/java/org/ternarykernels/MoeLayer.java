package org.ternarykernels;

import org.jspecify.annotations.Nullable;
import org.ternarykernels.internal.Checks;

/**
 * A layer of experts (mixture of experts): of each row m and slot t with expert {@code e = ids[m,
 * t]} of weight w it computes {@code g, u = X * W13[e]^T}, {@code d = (f(g) * u) * W2[e]^T} and
 * adds up {@code Y = sum over t of w * d}, in ascending slots.
 *
 * <p>Each expert's weights are read once a call for all rows that chose it, and those of an expert
 * that no row chose are not read. The numerics document, section 12, has every rounding.
 *
 * <p>Any number of threads may use one layer at once; a call's scratch is its own. A call uses up
 * to the runtime's threads, the caller's included, and allocates nothing on the Java heap.
 *
 * <p>Operands are checked before native code sees them, and ids in host memory before anything is
 * written: after an exception nothing has been written.
 *
 * <p>On a GPU the layer's weights are copied to the device when it is built, and host memory is
 * computed there too. Operands of a call are all host memory, or all memory of that GPU. A call of
 * the latter is given to a stream and returns. A fault of it is thrown by the call at which CUDA
 * tells of it, at the latest by {@link CudaStream#synchronize()}. Ids on a GPU are not known when
 * the call returns: one that is neither -1 nor an expert's contributes nothing, as -1 does, and
 * {@link CudaStream#synchronize()} tells of it. With a workspace the call may be captured. The
 * graph keeps the layer and the runtime, which end with it where they are closed before.
 *
 * <p>With A8 the bits are the same on every device. With A16 they may differ between devices; on
 * one device those of a row do not depend on the other rows.
 *
 * @since 0.2.0
 */
public final class MoeLayer implements AutoCloseable {
  private final MoeState state;

  private MoeLayer(Builder builder) {
    this.state = new MoeState(builder);
  }

  /**
   * Starts a layer, which is a SwiGLU with nothing rounded in between unless it is told otherwise.
   *
   * @param runtime that serves its calls; closing it ends the layer's use
   * @param w13 {@code [E, 2I, H]}: gate and up of each expert
   * @param w2 {@code [E, H, I]}: down of each expert. Both may be closed once the layer is built
   * @return a builder
   * @throws IllegalArgumentException if one is null
   */
  public static Builder builder(TernaryRuntime runtime, ExpertWeights w13, ExpertWeights w2) {
    return new Builder(
        Checks.notNull("runtime", runtime), Checks.notNull("w13", w13), Checks.notNull("w2", w2));
  }

  /** Collects what a layer is made of. Not thread-safe. */
  public static final class Builder {
    final TernaryRuntime runtime;
    final ExpertWeights w13;
    final ExpertWeights w2;
    GateOrder gateOrder = GateOrder.GATE_UP;
    GateFunction gateFunction = GateFunction.SILU;
    float clamp;
    DataType roundGateUp = DataType.F32;
    DataType roundActivation = DataType.F32;
    DataType roundProduct = DataType.F32;
    DataType roundExpert = DataType.F32;
    boolean weightOnInput;
    boolean weightBeforeRounding;
    float scaling = 1;
    boolean combine = true;
    Activation activation = Activation.A8;
    @Nullable Rotation rotation13;
    @Nullable Rotation rotation2;

    private Builder(TernaryRuntime runtime, ExpertWeights w13, ExpertWeights w2) {
      this.runtime = runtime;
      this.w13 = w13;
      this.w2 = w2;
    }

    /**
     * Says where the rows of gate and up lie in W13.
     *
     * @param order default {@link GateOrder#GATE_UP}
     * @return this
     */
    public Builder gateOrder(GateOrder order) {
      this.gateOrder = Checks.notNull("gateOrder", order);
      return this;
    }

    /**
     * Chooses the function of the gate.
     *
     * @param function default {@link GateFunction#SILU}; {@link GateFunction#SILU_CLAMP} needs
     *     {@link #siluClamp}
     * @return this
     */
    public Builder gateFunction(GateFunction function) {
      this.gateFunction = Checks.notNull("gateFunction", function);
      this.clamp = 0;
      return this;
    }

    /**
     * Chooses {@link GateFunction#SILU_CLAMP}.
     *
     * @param limit of gate and up, finite and above 0
     * @return this
     */
    public Builder siluClamp(float limit) {
      this.gateFunction = GateFunction.SILU_CLAMP;
      this.clamp = limit;
      return this;
    }

    /**
     * Rounds gate and up.
     *
     * @param type F32 (not rounded, the default), F16 or BF16
     * @return this
     */
    public Builder roundGateUp(DataType type) {
      this.roundGateUp = Checks.notNull("roundGateUp", type);
      return this;
    }

    /**
     * Rounds what the function makes of the gate.
     *
     * @param type F32 (not rounded, the default), F16 or BF16
     * @return this
     */
    public Builder roundActivation(DataType type) {
      this.roundActivation = Checks.notNull("roundActivation", type);
      return this;
    }

    /**
     * Rounds the product of that and up.
     *
     * @param type F32 (not rounded, the default), F16 or BF16
     * @return this
     */
    public Builder roundProduct(DataType type) {
      this.roundProduct = Checks.notNull("roundProduct", type);
      return this;
    }

    /**
     * Rounds each expert's output.
     *
     * @param type F32 (not rounded, the default), F16 or BF16
     * @return this
     */
    public Builder roundExpert(DataType type) {
      this.roundExpert = Checks.notNull("roundExpert", type);
      return this;
    }

    /**
     * Multiplies X by the slot's weight, in place of the expert's output.
     *
     * @param onInput default false; not with {@link #weightBeforeRounding}
     * @return this
     */
    public Builder weightOnInput(boolean onInput) {
      this.weightOnInput = onInput;
      return this;
    }

    /**
     * Multiplies an expert's output by the slot's weight before it is rounded, in place of after.
     *
     * @param before default false; not with {@link #weightOnInput}
     * @return this
     */
    public Builder weightBeforeRounding(boolean before) {
      this.weightBeforeRounding = before;
      return this;
    }

    /**
     * Multiplies the sum over slots.
     *
     * @param factor finite and not 0; default 1
     * @return this
     */
    public Builder scaling(float factor) {
      this.scaling = factor;
      return this;
    }

    /**
     * Whether experts' outputs are added up. Without it Y is {@code [M, slots, H]}: each slot's
     * expert's output, +0 of id -1, without scaling and residual.
     *
     * @param combine default true
     * @return this
     */
    public Builder combine(boolean combine) {
      this.combine = combine;
      return this;
    }

    /**
     * Chooses how the inputs of both products are used.
     *
     * @param activation default A8. Where alpha is per group, one of a block of activations and the
     *     group must be a multiple of the other
     * @return this
     */
    public Builder activation(Activation activation) {
      this.activation = Checks.notNull("activation", activation);
      return this;
    }

    /**
     * Rotates the input of W13, before alpha per column and quantisation.
     *
     * @param rotation for which the weights were made, or null for none, the default. H must be a
     *     multiple of its block, and its signs H values
     * @return this
     */
    public Builder rotation13(@Nullable Rotation rotation) {
      this.rotation13 = rotation;
      return this;
    }

    /**
     * Rotates the input of W2.
     *
     * @param rotation as there, for I in place of H
     * @return this
     */
    public Builder rotation2(@Nullable Rotation rotation) {
      this.rotation2 = rotation;
      return this;
    }

    /**
     * Builds the layer.
     *
     * @return the layer
     * @throws IllegalArgumentException if the weights do not fit each other, or what was said does
     *     not fit them
     * @throws IllegalStateException if the runtime or the weights are closed
     * @throws TernaryException if memory cannot be had, or the device reports a fault
     */
    public MoeLayer build() {
      return new MoeLayer(this);
    }
  }

  /**
   * Computes Y of contiguous X.
   *
   * @param x {@code [M, H]} of type F32, F16, BF16 or F8_E4M3
   * @param routing ids and weights of M rows
   * @param y {@code [M, H]} of type F32, F16 or BF16, {@code [M, slots, H]} of a layer that does
   *     not combine; must not overlap an input
   * @param m rows, at least 1 and below 2^31
   * @throws IllegalArgumentException if an operand breaks a rule, or an id is neither -1 nor 0 to E
   *     - 1
   * @throws IllegalStateException if the layer or its runtime is closed
   * @throws TernaryException if memory cannot be had, or the device reports a fault
   */
  public void apply(TernaryBuffer x, Routing routing, TernaryBuffer y, long m) {
    long h = state.shape.h();
    apply(x, h, null, routing, null, null, 0, y, contiguousY(routing), m);
  }

  /**
   * Computes Y of strided X, and adds it to a residual.
   *
   * @param x {@code [M, H]} of type F32, F16, BF16 or F8_E4M3
   * @param ldx elements from one row of x to the next, at least H
   * @param xScale {@code [M]} of type F32 for x of type F8_E4M3, or null
   * @param routing ids and weights of M rows. Weights may be null if the layer does not combine and
   *     does not multiply by them before that
   * @param residual {@code [M, H]} of type F32, F16 or BF16, or null; not if the layer does not
   *     combine
   * @param residualOut receives {@code residual + y}, with y as it was rounded, in the residual's
   *     type; null without residual. May be the very memory of the residual
   * @param ldResidual elements from one row of both to the next, at least H
   * @param y {@code [M, H]} of type F32, F16 or BF16, {@code [M, slots, H]} of a layer that does
   *     not combine; must not overlap anything else
   * @param ldy elements from one row of y to the next, at least H, or slots * H
   * @param m rows, at least 1 and below 2^31
   * @throws IllegalArgumentException if an operand breaks a rule, or an id is neither -1 nor 0 to E
   *     - 1
   * @throws IllegalStateException if the layer or its runtime is closed
   * @throws TernaryException if memory cannot be had, or the device reports a fault
   */
  public void apply(
      TernaryBuffer x,
      long ldx,
      @Nullable TernaryBuffer xScale,
      Routing routing,
      @Nullable TernaryBuffer residual,
      @Nullable TernaryBuffer residualOut,
      long ldResidual,
      TernaryBuffer y,
      long ldy,
      long m) {
    state.apply(x, ldx, xScale, routing, residual, residualOut, ldResidual, y, ldy, m);
  }

  /**
   * Gives the work on contiguous X to a stream of the runtime's GPU and returns: the same bits as
   * {@link #apply(TernaryBuffer, Routing, TernaryBuffer, long)}.
   *
   * @param x as there
   * @param routing as there, in the GPU's memory
   * @param y as there
   * @param m as there
   * @param stream of the same device, which is not being captured
   * @throws IllegalArgumentException if an operand breaks a rule, or is host memory
   * @throws IllegalStateException if the layer, its runtime, a buffer or the stream is closed
   * @throws TernaryException if the runtime computes on the CPU, memory cannot be had, or the
   *     device reports a fault
   */
  public void apply(DeviceBuffer x, Routing routing, DeviceBuffer y, long m, CudaStream stream) {
    long h = state.shape.h();
    apply(x, h, null, routing, null, null, 0, y, contiguousY(routing), m, stream, null);
  }

  /**
   * Gives the work on strided X to a stream of the runtime's GPU and returns: the same bits as
   * {@link #apply(TernaryBuffer, long, TernaryBuffer, Routing, TernaryBuffer, TernaryBuffer, long,
   * TernaryBuffer, long, long)}. With a workspace the call may be captured in a graph, whose
   * launches read ids and weights anew.
   *
   * @param x as there
   * @param ldx as there
   * @param xScale as there
   * @param routing as there, in the GPU's memory
   * @param residual as there
   * @param residualOut as there
   * @param ldResidual as there
   * @param y as there
   * @param ldy as there
   * @param m as there
   * @param stream of the same device
   * @param workspace at least {@link #workspaceBytes} long, aligned to 256 bytes, apart from the
   *     operands, not used by another stream meanwhile; null: the runtime's own, one a stream,
   *     which capture refuses
   * @throws IllegalArgumentException if an operand breaks a rule, or is host memory
   * @throws IllegalStateException if the layer, its runtime, a buffer or the stream is closed, or
   *     capture needs a workspace
   * @throws TernaryException if the runtime computes on the CPU, memory cannot be had, or the
   *     device reports a fault
   */
  public void apply(
      DeviceBuffer x,
      long ldx,
      @Nullable DeviceBuffer xScale,
      Routing routing,
      @Nullable DeviceBuffer residual,
      @Nullable DeviceBuffer residualOut,
      long ldResidual,
      DeviceBuffer y,
      long ldy,
      long m,
      CudaStream stream,
      @Nullable DeviceBuffer workspace) {
    state.apply(
        x, ldx, xScale, routing, residual, residualOut, ldResidual, y, ldy, m, stream, workspace);
  }

  private long contiguousY(Routing routing) {
    long h = state.shape.h();
    return state.shape.combines() ? h : Checks.notNull("routing", routing).slots() * h;
  }

  /**
   * Bytes of workspace that suffice for calls of up to so many rows on the runtime's GPU. More than
   * 16384 slots are taken in turns, which share them.
   *
   * @param m rows, at least 1 and below 2^31
   * @param slots of the routing, 1 to 64
   * @return bytes
   * @throws IllegalArgumentException if an argument breaks a rule
   * @throws IllegalStateException if the layer or its runtime is closed
   * @throws TernaryException if the runtime computes on the CPU
   */
  public long workspaceBytes(long m, int slots) {
    return state.workspaceBytes(m, slots);
  }

  /**
   * The number of experts.
   *
   * @return E
   */
  public long experts() {
    return state.shape.experts();
  }

  /**
   * Columns of X and Y.
   *
   * @return H
   */
  public long h() {
    return state.shape.h();
  }

  /**
   * Columns between the two products.
   *
   * @return I
   */
  public long i() {
    return state.shape.i();
  }

  /**
   * Native host memory the layer holds, that of its weights included.
   *
   * @return bytes
   * @throws IllegalStateException if the layer or its runtime is closed
   */
  public long byteSize() {
    return state.byteSize();
  }

  MoeState state() {
    return state;
  }

  /**
   * Ends the layer; a call that still runs in another thread ends first. Closing again does
   * nothing.
   */
  @Override
  public void close() {
    state.close();
  }
}
