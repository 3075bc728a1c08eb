package org.ternarykernels;

import org.jspecify.annotations.Nullable;
import org.ternarykernels.internal.Checks;

/**
 * Residual add, RMSNorm and a linear layer in one call: {@code v = x + residual}, {@code
 * residualOut = v}, {@code Y = (RMSNorm(v) * weight) * W^T (+ bias)}.
 *
 * <p>This is the fused RMSNorm+QKV of a transformer block: Q, K and V of unequal sizes are one
 * weight matrix {@code [Nq + Nk + Nv, K]} with an alpha per row ({@link Alpha#segments}). It serves
 * gate and up projections alike.
 *
 * <p>Threads, errors and closing are as for {@link TernaryLinear}.
 */
public final class RmsNormLinear implements AutoCloseable {
  private final LayerState state;

  private RmsNormLinear(Builder builder) {
    if (builder.norm == null) {
      throw new IllegalArgumentException(
          "the norm weight is null, must be given by norm(weight, eps)");
    }
    if (!Float.isFinite(builder.eps) || builder.eps <= 0) {
      throw new IllegalArgumentException("eps is " + builder.eps + ", must be finite and above 0");
    }
    this.state =
        LayerState.of(
            builder.runtime,
            builder.weights,
            builder.activation,
            builder.rotation,
            builder.bias,
            builder.norm,
            builder.eps,
            builder.workingSet,
            builder.expectedRows);
  }

  /**
   * Starts a layer.
   *
   * @param runtime that serves its calls; closing it ends the layer's use
   * @param weights of the layer; may be closed once the layer is built
   * @return a builder
   * @throws IllegalArgumentException if one is null
   */
  public static Builder builder(TernaryRuntime runtime, TernaryWeights weights) {
    return new Builder(Checks.notNull("runtime", runtime), Checks.notNull("weights", weights));
  }

  /** Collects what a layer is made of. Not thread-safe. */
  public static final class Builder {
    private final TernaryRuntime runtime;
    private final TernaryWeights weights;
    private Activation activation = Activation.A8;
    private @Nullable Rotation rotation;
    private float @Nullable [] bias;
    private float @Nullable [] norm;
    private float eps;
    private @Nullable Long workingSet;
    private long expectedRows;

    private Builder(TernaryRuntime runtime, TernaryWeights weights) {
      this.runtime = runtime;
      this.weights = weights;
    }

    /**
     * Sets the norm; required.
     *
     * @param weight K finite values; copied when the layer is built
     * @param eps added to the mean of squares, finite and above 0
     * @return this
     */
    public Builder norm(float[] weight, float eps) {
      this.norm = weight;
      this.eps = eps;
      return this;
    }

    /**
     * Adds a bias.
     *
     * @param bias N finite values, or null for none; copied when the layer is built
     * @return this
     */
    public Builder bias(float @Nullable ... bias) {
      this.bias = bias;
      return this;
    }

    /**
     * Chooses how activations are used.
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
     * Rotates X behind the norm, before alpha per column and quantisation.
     *
     * @param rotation for which the weights were made, or null for none, the default. K must be a
     *     multiple of its block, and its signs K values
     * @return this
     * @since 0.2.0
     */
    public Builder rotation(@Nullable Rotation rotation) {
      this.rotation = rotation;
      return this;
    }

    /**
     * Keeps the weights in the layout that {@link TernaryRuntime#chooseLayout} prefers for a
     * working set. Where that is not their own layout the layer makes a copy when it is built;
     * close the weights after that, or two are in memory.
     *
     * @param weights that are read from one use of this layer to its next, its own included, for
     *     example those of all layers of a model; at least N * K. 0: N * K
     * @return this
     */
    public Builder workingSet(long weights) {
      this.workingSet = weights;
      return this;
    }

    /**
     * Says for how many rows the layer is meant, so that its weights can be arranged for them. On a
     * GPU of compute capability 10.0 the layer then gets a second arrangement of its weights, 2
     * bits a weight more, where the cost model expects that to pay for so many rows. The setting
     * {@code TERNARY_CUTLASS} can forbid or demand it. Everywhere else this changes nothing. Any
     * number of rows may be given to the layer all the same.
     *
     * @param rows of X of its usual call, at least 0 and below 2^31; 0, the default, stands for 1
     *     to 16
     * @return this
     * @since 0.2.0
     */
    public Builder expectedRows(long rows) {
      this.expectedRows = rows;
      return this;
    }

    /**
     * Builds the layer.
     *
     * @return the layer
     * @throws IllegalArgumentException if the norm is missing, a vector has the wrong length, a
     *     value is not finite, the working set is too small, the expected rows are not in their
     *     range, the block of activations does not fit the group of alpha, or the rotation does not
     *     fit K
     * @throws IllegalStateException if the runtime or the weights are closed
     */
    public RmsNormLinear build() {
      return new RmsNormLinear(this);
    }
  }

  /**
   * Computes Y of contiguous operands.
   *
   * @param x {@code [M, K]} of type F32, F16, BF16 or F8_E4M3
   * @param residual {@code [M, K]} of type F32, F16 or BF16, or null for none
   * @param residualOut {@code [M, K]} of residual's type; may be the very memory of residual, must
   *     not overlap anything else; null if residual is
   * @param y {@code [M, N]} of type F32, F16 or BF16, must not overlap an input
   * @param m rows, at least 1 and below 2^31
   * @throws IllegalArgumentException if an operand breaks a rule
   * @throws IllegalStateException if the layer or its runtime is closed
   * @throws TernaryException if no kernel serves the problem or memory cannot be had
   */
  public void apply(
      TernaryBuffer x,
      @Nullable TernaryBuffer residual,
      @Nullable TernaryBuffer residualOut,
      TernaryBuffer y,
      long m) {
    LayerShape shape = state.shape;
    apply(x, shape.k(), null, residual, residualOut, shape.k(), y, shape.n(), m);
  }

  /**
   * Computes Y of strided operands. Strides count elements from one row to the next.
   *
   * @param x {@code [M, K]} of type F32, F16, BF16 or F8_E4M3
   * @param ldx stride of x, at least K
   * @param xScale {@code [M]} of type F32 for x of type F8_E4M3, or null
   * @param residual {@code [M, K]} of type F32, F16 or BF16, or null for none
   * @param residualOut {@code [M, K]} of residual's type; may be the very memory of residual, must
   *     not overlap anything else; null if residual is
   * @param ldResidual stride of residual and residualOut, at least K
   * @param y {@code [M, N]} of type F32, F16 or BF16, must not overlap an input
   * @param ldy stride of y, at least N
   * @param m rows, at least 1 and below 2^31
   * @throws IllegalArgumentException if an operand breaks a rule
   * @throws IllegalStateException if the layer or its runtime is closed
   * @throws TernaryException if no kernel serves the problem or memory cannot be had
   */
  public void apply(
      TernaryBuffer x,
      long ldx,
      @Nullable TernaryBuffer xScale,
      @Nullable TernaryBuffer residual,
      @Nullable TernaryBuffer residualOut,
      long ldResidual,
      TernaryBuffer y,
      long ldy,
      long m) {
    state.apply(x, ldx, xScale, residual, residualOut, ldResidual, y, ldy, m);
  }

  /**
   * Gives the work on contiguous operands to a stream of the runtime's GPU and returns: the same
   * bits as {@link #apply(TernaryBuffer, TernaryBuffer, TernaryBuffer, TernaryBuffer, long)}.
   *
   * @param x as there
   * @param residual as there
   * @param residualOut as there
   * @param y as there
   * @param m as there
   * @param stream of the same device, which is not being captured
   * @throws IllegalArgumentException if an operand breaks a rule
   * @throws IllegalStateException if the layer, its runtime, a buffer or the stream is closed
   * @throws TernaryException if the runtime computes on the CPU, no kernel serves the problem, or
   *     the device reports a fault
   */
  public void apply(
      DeviceBuffer x,
      @Nullable DeviceBuffer residual,
      @Nullable DeviceBuffer residualOut,
      DeviceBuffer y,
      long m,
      CudaStream stream) {
    LayerShape shape = state.shape;
    apply(x, shape.k(), null, residual, residualOut, shape.k(), y, shape.n(), m, stream, null);
  }

  /**
   * Gives the work on strided operands to a stream of the runtime's GPU and returns: the same bits
   * as {@link #apply(TernaryBuffer, long, TernaryBuffer, TernaryBuffer, TernaryBuffer, long,
   * TernaryBuffer, long, long)}. With a workspace the call may be captured in a graph. Faults come
   * later, as for {@link TernaryLinear#apply(DeviceBuffer, long, DeviceBuffer, DeviceBuffer, long,
   * long, CudaStream, DeviceBuffer)}.
   *
   * @param x as there
   * @param ldx as there
   * @param xScale as there
   * @param residual as there
   * @param residualOut as there
   * @param ldResidual as there
   * @param y as there
   * @param ldy as there
   * @param m as there
   * @param stream of the same device
   * @param workspace at least {@link #workspaceBytes} long, aligned to 256 bytes, not used by
   *     another stream meanwhile; null: the runtime's own, one a stream, which capture refuses
   * @throws IllegalArgumentException if an operand breaks a rule
   * @throws IllegalStateException if the layer, its runtime, a buffer or the stream is closed, or
   *     capture needs a workspace
   * @throws TernaryException if the runtime computes on the CPU, no kernel serves the problem, or
   *     the device reports a fault
   */
  public void apply(
      DeviceBuffer x,
      long ldx,
      @Nullable DeviceBuffer xScale,
      @Nullable DeviceBuffer residual,
      @Nullable DeviceBuffer residualOut,
      long ldResidual,
      DeviceBuffer y,
      long ldy,
      long m,
      CudaStream stream,
      @Nullable DeviceBuffer workspace) {
    state.apply(x, ldx, xScale, residual, residualOut, ldResidual, y, ldy, m, stream, workspace);
  }

  /**
   * Bytes of workspace that suffice for calls of up to so many rows on the runtime's GPU.
   *
   * @param m rows, at least 1 and below 2^31
   * @return bytes
   * @throws IllegalArgumentException if m breaks the rule
   * @throws IllegalStateException if the layer or its runtime is closed
   * @throws TernaryException if the runtime computes on the CPU
   */
  public long workspaceBytes(long m) {
    return state.workspaceBytes(m);
  }

  /**
   * Output features.
   *
   * @return N
   */
  public long n() {
    return state.shape.n();
  }

  /**
   * Input features.
   *
   * @return K
   */
  public long k() {
    return state.shape.k();
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
