package org.ternarykernels;

import org.jspecify.annotations.Nullable;
import org.ternarykernels.internal.Checks;

/**
 * Which experts each row chose, and their weights: what {@link Experts#route} writes, and what a
 * {@link MoeLayer} reads. It names the memory and copies nothing.
 *
 * <p>An id is 0 to E - 1, or -1: that slot contributes nothing, and its weight is not read. Ids may
 * repeat in a row.
 *
 * <p>As safe for threads as its buffers.
 *
 * @since 0.2.0
 */
public final class Routing {
  final Operand ids;
  private final long ldIds;
  final @Nullable Operand weights;
  private final long ldWeights;
  private final int slots;

  private Routing(Operand ids, long ldIds, @Nullable Operand weights, long ldWeights, int slots) {
    checkSlots(slots);
    checkTypes(Checks.notNull("ids", ids), weights);
    this.ids = ids;
    this.ldIds = ldIds;
    this.weights = weights;
    this.ldWeights = ldWeights;
    this.slots = slots;
  }

  /**
   * The routing in contiguous memory.
   *
   * @param ids {@code [M, slots]} of type I32
   * @param weights {@code [M, slots]} of type F32 or BF16; null where nothing reads them
   * @param slots experts of a row, 1 to 64
   * @return the routing
   * @throws IllegalArgumentException if the ids are null, a type is wrong, or the slots are out of
   *     range
   */
  public static Routing of(TernaryBuffer ids, @Nullable TernaryBuffer weights, int slots) {
    return of(ids, slots, weights, slots, slots);
  }

  /**
   * The routing in strided memory.
   *
   * @param ids {@code [M, slots]} of type I32
   * @param ldIds elements from one row of ids to the next, at least the slots
   * @param weights {@code [M, slots]} of type F32 or BF16; null where nothing reads them
   * @param ldWeights elements from one row of weights to the next, at least the slots
   * @param slots experts of a row, 1 to 64
   * @return the routing
   * @throws IllegalArgumentException if the ids are null, a type is wrong, or the slots are out of
   *     range
   */
  public static Routing of(
      TernaryBuffer ids, long ldIds, @Nullable TernaryBuffer weights, long ldWeights, int slots) {
    return new Routing(ids, ldIds, weights, ldWeights, slots);
  }

  /**
   * The routing in a GPU's contiguous memory. Otherwise as {@link #of(TernaryBuffer, TernaryBuffer,
   * int)}.
   *
   * @param ids as there
   * @param weights as there
   * @param slots as there
   * @return the routing
   * @throws IllegalArgumentException as there
   */
  public static Routing of(DeviceBuffer ids, @Nullable DeviceBuffer weights, int slots) {
    return of(ids, slots, weights, slots, slots);
  }

  /**
   * The routing in a GPU's strided memory. Otherwise as {@link #of(TernaryBuffer, long,
   * TernaryBuffer, long, int)}.
   *
   * @param ids as there
   * @param ldIds as there
   * @param weights as there
   * @param ldWeights as there
   * @param slots as there
   * @return the routing
   * @throws IllegalArgumentException as there
   */
  public static Routing of(
      DeviceBuffer ids, long ldIds, @Nullable DeviceBuffer weights, long ldWeights, int slots) {
    return new Routing(ids, ldIds, weights, ldWeights, slots);
  }

  /**
   * New host memory for the routing of so many rows, which lives until {@link #ids()} and {@link
   * #weights()} are closed or nobody reaches them.
   *
   * @param m rows, at least 1 and below 2^31
   * @param slots experts of a row, 1 to 64
   * @param weightsType F32 or BF16
   * @return the routing, of zeros
   * @throws IllegalArgumentException if an argument breaks a rule
   * @throws TernaryException if memory cannot be had
   */
  public static Routing allocate(long m, int slots, DataType weightsType) {
    Checks.size("M", m, Checks.MAX_ROWS);
    checkSlots(slots);
    checkWeightsType(Checks.notNull("the type of weights", weightsType));
    TernaryBuffer ids = TernaryBuffer.allocate(DataType.I32, m * slots);
    try {
      return of(ids, TernaryBuffer.allocate(weightsType, m * slots), slots);
    } catch (Throwable e) { // no memory
      ids.close();
      throw e;
    }
  }

  static void checkSlots(int slots) {
    if (slots < 1 || slots > ExpertChecks.MOST_SLOTS) {
      throw new IllegalArgumentException(
          "there are " + slots + " slots a row, must be 1 to " + ExpertChecks.MOST_SLOTS);
    }
  }

  private static void checkTypes(Operand ids, @Nullable Operand weights) {
    Operands.typed("ids", ids, DataType.I32);
    if (weights != null) {
      checkWeightsType(weights.dataType());
    }
  }

  private static void checkWeightsType(DataType type) {
    if (type != DataType.F32 && type != DataType.BF16) {
      throw new IllegalArgumentException("weights are of type " + type + ", must be F32 or BF16");
    }
  }

  /** Whether the memory suffices for so many rows. */
  void checkInput(long m, boolean weightsAreRead, boolean onGpu) {
    Operands.side("ids", ids, onGpu);
    Operands.side("weights", weights, onGpu);
    checkTypes(ids, weights); // a buffer may have been bound anew
    Operands.input("ids", ids, ldIds, m, slots);
    if (weights == null) {
      if (weightsAreRead) {
        throw new IllegalArgumentException("weights are null, must be given");
      }
      return;
    }
    Operands.input("weights", weights, ldWeights, m, slots);
  }

  /** The same of memory that is written. */
  void checkOutput(long m, boolean onGpu) {
    checkInput(m, true, onGpu);
    ids.checkWritable("ids");
    writtenWeights().checkWritable("weights");
  }

  /** Bytes of so many rows of ids and weights. */
  long bytes(long m) {
    int ofWeight = weights == null ? 0 : weights.dataType().bytes();
    return m * slots * (Integer.BYTES + ofWeight);
  }

  /** Keeps the memory until {@link #release}, for a call that has acquired another handle. */
  void acquire() {
    Operands.acquire(ids(), weights(), null, null, null, null);
  }

  void release() {
    Operands.release(ids(), weights(), null, null, null, null);
  }

  Operand writtenWeights() {
    return Checks.notNull("weights", weights);
  }

  /**
   * The ids in host memory.
   *
   * @return the buffer itself
   * @throws IllegalStateException if the routing is in a GPU's memory
   */
  public TernaryBuffer ids() {
    return onHost(ids);
  }

  /**
   * The ids in a GPU's memory.
   *
   * @return the buffer itself
   * @throws IllegalStateException if the routing is in host memory
   */
  public DeviceBuffer deviceIds() {
    return onGpu(ids);
  }

  /**
   * Elements from one row of ids to the next.
   *
   * @return the row stride
   */
  public long ldIds() {
    return ldIds;
  }

  /**
   * The weights in host memory.
   *
   * @return the buffer itself, or null
   * @throws IllegalStateException if the routing is in a GPU's memory
   */
  public @Nullable TernaryBuffer weights() {
    return weights == null ? null : onHost(weights);
  }

  /**
   * The weights in a GPU's memory.
   *
   * @return the buffer itself, or null
   * @throws IllegalStateException if the routing is in host memory
   */
  public @Nullable DeviceBuffer deviceWeights() {
    return weights == null ? null : onGpu(weights);
  }

  private static TernaryBuffer onHost(Operand operand) {
    if (operand instanceof TernaryBuffer buffer) {
      return buffer;
    }
    throw new IllegalStateException("the routing is in a GPU's memory, must be in host memory");
  }

  private static DeviceBuffer onGpu(Operand operand) {
    if (operand instanceof DeviceBuffer buffer) {
      return buffer;
    }
    throw new IllegalStateException("the routing is in host memory, must be in a GPU's");
  }

  /**
   * Elements from one row of weights to the next.
   *
   * @return the row stride
   */
  public long ldWeights() {
    return ldWeights;
  }

  /**
   * Experts of a row.
   *
   * @return 1 to 64
   */
  public int slots() {
    return slots;
  }
}
