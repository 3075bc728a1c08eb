package org.ternarykernels;

import org.jspecify.annotations.Nullable;
import org.ternarykernels.internal.Checks;

/**
 * A linear layer: {@code Y[M, N] = X[M, K] * W[N, K]^T (+ bias)}.
 *
 * <p>Any number of threads may use one layer at once; a call's scratch is its own. A call uses up
 * to the runtime's threads, the caller's included, and allocates nothing on the Java heap. A
 * virtual thread is pinned to its carrier for the length of a call: let as many run at once as
 * there are cores, not more.
 *
 * <p>Operands are checked before native code sees them: after an exception nothing has been
 * written.
 */
public final class TernaryLinear implements AutoCloseable {
  private final LayerState state;

  private TernaryLinear(Builder builder) {
    this.state =
        LayerState.of(
            builder.runtime,
            builder.weights,
            builder.activation,
            builder.rotation,
            builder.bias,
            null,
            0,
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
    private @Nullable Long workingSet;
    private long expectedRows;

    private Builder(TernaryRuntime runtime, TernaryWeights weights) {
      this.runtime = runtime;
      this.weights = weights;
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
     * Rotates X, before alpha per column and quantisation.
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
     * @throws IllegalArgumentException if the bias has not N values, one is NaN or infinite, the
     *     working set is too small, the expected rows are not in their range, the block of
     *     activations does not fit the group of alpha, or the rotation does not fit K
     * @throws IllegalStateException if the runtime or the weights are closed
     */
    public TernaryLinear build() {
      return new TernaryLinear(this);
    }
  }

  /**
   * Computes Y of contiguous X.
   *
   * @param x {@code [M, K]} of any float type
   * @param y {@code [M, N]} of type F32, F16 or BF16, must not overlap x
   * @param m rows, at least 1 and below 2^31
   * @throws IllegalArgumentException if an operand breaks a rule
   * @throws IllegalStateException if the layer or its runtime is closed
   * @throws TernaryException if no kernel serves the problem or memory cannot be had
   */
  public void apply(TernaryBuffer x, TernaryBuffer y, long m) {
    apply(x, state.shape.k(), null, y, state.shape.n(), m);
  }

  /**
   * Computes Y of strided X.
   *
   * @param x {@code [M, K]} of any type; I8 not with activations A16, alpha per column or a
   *     rotation
   * @param ldx elements from one row of x to the next, at least K
   * @param xScale of type F32: for x of type I8 required, {@code [M]}, or {@code [M,
   *     ceil(K/block)]} where the layer has a block of activations; for F8_E4M3 optional, {@code
   *     [M]}; else null
   * @param y {@code [M, N]} of type F32, F16 or BF16, must not overlap an input
   * @param ldy elements from one row of y to the next, at least N
   * @param m rows, at least 1 and below 2^31
   * @throws IllegalArgumentException if an operand breaks a rule
   * @throws IllegalStateException if the layer or its runtime is closed
   * @throws TernaryException if no kernel serves the problem or memory cannot be had
   */
  public void apply(
      TernaryBuffer x,
      long ldx,
      @Nullable TernaryBuffer xScale,
      TernaryBuffer y,
      long ldy,
      long m) {
    state.apply(x, ldx, xScale, null, null, 0, y, ldy, m);
  }

  /**
   * Gives the product of contiguous X to a stream of the runtime's GPU and returns: the same bits
   * as {@link #apply(TernaryBuffer, TernaryBuffer, long)}.
   *
   * @param x {@code [M, K]} of any float type
   * @param y {@code [M, N]} of type F32, F16 or BF16, must not overlap x
   * @param m rows, at least 1 and below 2^31
   * @param stream of the same device, which is not being captured
   * @throws IllegalArgumentException if an operand breaks a rule
   * @throws IllegalStateException if the layer, its runtime, a buffer or the stream is closed
   * @throws TernaryException if the runtime computes on the CPU, no kernel serves the problem, or
   *     the device reports a fault
   */
  public void apply(DeviceBuffer x, DeviceBuffer y, long m, CudaStream stream) {
    apply(x, state.shape.k(), null, y, state.shape.n(), m, stream, null);
  }

  /**
   * Gives the product of strided X to a stream of the runtime's GPU and returns: the same bits as
   * {@link #apply(TernaryBuffer, long, TernaryBuffer, TernaryBuffer, long, long)}. With a workspace
   * the call may be captured in a graph.
   *
   * <p>The work has not run when this returns: a fault of it is thrown by the call at which CUDA
   * tells of it, at the latest by {@link CudaStream#synchronize()}.
   *
   * @param x {@code [M, K]} of any type; I8 not with activations A16, alpha per column or a
   *     rotation
   * @param ldx elements from one row of x to the next, at least K
   * @param xScale of type F32: for x of type I8 required, {@code [M]}, or {@code [M,
   *     ceil(K/block)]} where the layer has a block of activations; for F8_E4M3 optional, {@code
   *     [M]}; else null
   * @param y {@code [M, N]} of type F32, F16 or BF16, must not overlap an input
   * @param ldy elements from one row of y to the next, at least N
   * @param m rows, at least 1 and below 2^31
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
      DeviceBuffer y,
      long ldy,
      long m,
      CudaStream stream,
      @Nullable DeviceBuffer workspace) {
    state.apply(x, ldx, xScale, null, null, 0, y, ldy, m, stream, workspace);
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
   * Computes Y of an array, by copy: convenient, not fast. The native memory of the copies is the
   * runtime's, which keeps up to 16 MB of it for the next call and frees the rest at once.
   *
   * @param x {@code [M, K]} row-major
   * @param m rows, at least 1
   * @return {@code [M, N]} row-major
   * @throws IllegalArgumentException if x has not M * K values or Y would have 2^31 or more
   * @throws IllegalStateException if the layer or its runtime is closed
   * @throws TernaryException if no kernel serves the problem or memory cannot be had
   */
  public float[] apply(float[] x, int m) {
    Checks.size("M", m, Checks.MAX_ROWS);
    Checks.length("x", Checks.notNull("x", x).length, m * state.shape.k(), "M * K");
    float[] result = new float[(int) Checks.size("M * N", m * state.shape.n(), Checks.MAX_ROWS)];
    state.runtime.staging().use(x, result, (from, to) -> apply(from, to, m));
    return result;
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
