package org.ternarykernels;

import org.jspecify.annotations.Nullable;
import org.ternarykernels.internal.Checks;

/**
 * How experts are chosen for a row: the k of the largest scores, descending, at a tie the lower id
 * first, and what their weights are. Immutable; the memory of the matrix and of the biases is not
 * copied, and must be kept as it is while calls use it.
 *
 * <p>A router without a matrix takes logits; one with a matrix takes X and makes them. Its matrix
 * and its biases are in host memory, or all in the memory of the GPU that takes its calls.
 *
 * @since 0.2.0
 */
public final class Router {
  final int experts;
  final int k;
  final RouteMethod method;
  final @Nullable Operand matrix;
  final long ldMatrix;
  final long columns;
  final @Nullable Operand bias;
  final DataType roundLogits;
  final @Nullable Operand correctionBias;
  final boolean renormalised;
  final float renormaliseEps;
  final long groups;
  final long topkGroups;
  final GroupScore groupScore;
  final float scaling;

  private Router(Builder builder) {
    experts = builder.experts;
    k = builder.k;
    method = builder.method;
    matrix = builder.matrix;
    ldMatrix = builder.ldMatrix;
    columns = builder.columns;
    bias = builder.bias;
    roundLogits = builder.roundLogits;
    correctionBias = builder.correctionBias;
    renormalised = builder.renormalised;
    renormaliseEps = builder.renormaliseEps;
    groups = builder.groups;
    topkGroups = builder.topkGroups;
    groupScore = builder.groupScore;
    scaling = builder.scaling;
  }

  /**
   * Starts a router, which is a softmax over all experts and the k largest unless it is told
   * otherwise.
   *
   * @param experts E, 1 to 4096
   * @param k experts of a row, 1 to 64 and at most E
   * @return a builder
   * @throws IllegalArgumentException if an argument breaks a rule
   */
  public static Builder builder(int experts, int k) {
    ExpertChecks.experts(experts);
    if (k < 1 || k > ExpertChecks.MOST_SLOTS || k > experts) {
      throw new IllegalArgumentException(
          "k is "
              + k
              + ", must be 1 to "
              + ExpertChecks.MOST_SLOTS
              + ", and at most the "
              + experts
              + " experts");
    }
    return new Builder(experts, k);
  }

  /** Collects what a router does. Not thread-safe. */
  public static final class Builder {
    private final int experts;
    private final int k;
    private RouteMethod method = RouteMethod.SOFTMAX_TOPK;
    private @Nullable Operand matrix;
    private long ldMatrix;
    private long columns;
    private @Nullable Operand bias;
    private DataType roundLogits = DataType.F32;
    private @Nullable Operand correctionBias;
    private boolean renormalised;
    private float renormaliseEps;
    private long groups;
    private long topkGroups;
    private GroupScore groupScore = GroupScore.TOP2;
    private float scaling = 1;

    private Builder(int experts, int k) {
      this.experts = experts;
      this.k = k;
    }

    /**
     * Chooses scores and weights.
     *
     * @param method default {@link RouteMethod#SOFTMAX_TOPK}
     * @return this
     */
    public Builder method(RouteMethod method) {
      this.method = Checks.notNull("method", method);
      return this;
    }

    /**
     * Makes logits of X: {@code X * matrix^T}, in fp32.
     *
     * @param matrix {@code [E, H]} of type F32, F16 or BF16, contiguous; null, the default: logits
     *     are given
     * @param h columns, at least 1 and below 2^24; 0 without a matrix
     * @return this
     */
    public Builder matrix(@Nullable TernaryBuffer matrix, long h) {
      return matrix(matrix, h, h);
    }

    /**
     * Makes logits of X by a strided matrix. Otherwise as {@link #matrix(TernaryBuffer, long)}.
     *
     * @param matrix as there
     * @param ld elements from one row of the matrix to the next, at least h
     * @param h as there
     * @return this
     */
    public Builder matrix(@Nullable TernaryBuffer matrix, long ld, long h) {
      return setMatrix(matrix, ld, h);
    }

    /**
     * Makes logits of X by a matrix in a GPU's memory. Otherwise as {@link #matrix(TernaryBuffer,
     * long)}.
     *
     * @param matrix as there
     * @param h as there
     * @return this
     */
    public Builder matrix(@Nullable DeviceBuffer matrix, long h) {
      return setMatrix(matrix, h, h);
    }

    /**
     * Makes logits of X by a strided matrix in a GPU's memory. Otherwise as {@link
     * #matrix(TernaryBuffer, long, long)}.
     *
     * @param matrix as there
     * @param ld as there
     * @param h as there
     * @return this
     */
    public Builder matrix(@Nullable DeviceBuffer matrix, long ld, long h) {
      return setMatrix(matrix, ld, h);
    }

    private Builder setMatrix(@Nullable Operand matrix, long ld, long h) {
      this.matrix = matrix;
      this.ldMatrix = ld;
      this.columns = h;
      return this;
    }

    /**
     * Adds a bias to the matrix's product.
     *
     * @param bias {@code [E]} of type F32, or null for none, the default
     * @return this
     */
    public Builder bias(@Nullable TernaryBuffer bias) {
      this.bias = bias;
      return this;
    }

    /**
     * Adds a bias in a GPU's memory. Otherwise as {@link #bias(TernaryBuffer)}.
     *
     * @param bias as there
     * @return this
     */
    public Builder bias(@Nullable DeviceBuffer bias) {
      this.bias = bias;
      return this;
    }

    /**
     * Rounds the logits that the matrix gives.
     *
     * @param type F32 (not rounded, the default), F16 or BF16
     * @return this
     */
    public Builder roundLogits(DataType type) {
      this.roundLogits = Checks.notNull("roundLogits", type);
      return this;
    }

    /**
     * Adds a bias to the scores for the choice of experts alone: their weights never see it.
     *
     * @param bias {@code [E]} of type F32, or null for none, the default
     * @return this
     */
    public Builder correctionBias(@Nullable TernaryBuffer bias) {
      this.correctionBias = bias;
      return this;
    }

    /**
     * Adds a bias in a GPU's memory to the scores. Otherwise as {@link
     * #correctionBias(TernaryBuffer)}.
     *
     * @param bias as there
     * @return this
     */
    public Builder correctionBias(@Nullable DeviceBuffer bias) {
      this.correctionBias = bias;
      return this;
    }

    /**
     * Divides each weight by the sum of its row's.
     *
     * @param eps added to the sum, finite and at least 0: 0 for Qwen3, 1e-20 for Maple
     * @return this
     */
    public Builder renormalise(float eps) {
      this.renormalised = true;
      this.renormaliseEps = eps;
      return this;
    }

    /**
     * Chooses groups of experts first, and experts of these alone.
     *
     * @param groups equal runs of experts, of which E is a multiple; 0, the default: none
     * @param topkGroups how many are chosen, 1 to the groups, with k experts or more; 0 without
     *     groups
     * @param score what the score of a group is; {@link GroupScore#TOP2} without groups
     * @return this
     */
    public Builder groups(long groups, long topkGroups, GroupScore score) {
      this.groups = groups;
      this.topkGroups = topkGroups;
      this.groupScore = Checks.notNull("score", score);
      return this;
    }

    /**
     * Multiplies the weights at the end.
     *
     * @param factor finite and not 0; default 1
     * @return this
     */
    public Builder scaling(float factor) {
      this.scaling = factor;
      return this;
    }

    /**
     * Builds the router. Rules about numbers and groups are checked by the call that uses it, as
     * are its operands.
     *
     * @return the router
     * @throws IllegalArgumentException if a bias, a number of columns or a rounding is given
     *     without a matrix, or the columns are out of range
     */
    public Router build() {
      if (matrix != null) {
        Checks.size("H", columns, Checks.MAX_COLUMNS);
      } else if (columns != 0 || ldMatrix != 0 || bias != null || roundLogits != DataType.F32) {
        throw new IllegalArgumentException(
            "the router has a number of columns, a bias or a rounding of logits without a matrix,"
                + " must have one with it");
      }
      return new Router(this);
    }
  }

  /** Whether the memory suffices and is the side's, that of the input and of the routing too. */
  void check(Operand x, long ldx, Routing routing, boolean onGpu, long m) {
    Checks.size("M", m, Checks.MAX_ROWS);
    Checks.notNull("routing", routing);
    if (routing.slots() != k) {
      throw new IllegalArgumentException(
          "the routing has " + routing.slots() + " slots, must have the " + k + " of the router");
    }
    String name = matrix == null ? "logits" : "x";
    Operands.input(name, x, ldx, m, inputColumns());
    Operands.floats(name, x);
    Operands.side("the router's matrix", matrix, onGpu);
    Operands.side("the router's bias", bias, onGpu);
    Operands.side("correctionBias", correctionBias, onGpu);
    if (matrix != null) {
      Operands.input("the router's matrix", matrix, ldMatrix, experts, columns);
      Operands.floats("the router's matrix", matrix);
    }
    RowChecks.vector("the router's bias", bias, experts);
    RowChecks.vector("correctionBias", correctionBias, experts);
    routing.checkOutput(m, onGpu);
  }

  /** Columns of logits, or of X. */
  long inputColumns() {
    return matrix == null ? experts : columns;
  }

  long matrixBytes() {
    return matrix == null ? 0 : experts * columns * matrix.dataType().bytes();
  }

  /**
   * The number of experts.
   *
   * @return E
   */
  public int experts() {
    return experts;
  }

  /**
   * Experts of a row.
   *
   * @return k
   */
  public int k() {
    return k;
  }

  /**
   * Columns of X, of a router with a matrix.
   *
   * @return H; 0 of one that takes logits
   */
  public long columns() {
    return columns;
  }
}
