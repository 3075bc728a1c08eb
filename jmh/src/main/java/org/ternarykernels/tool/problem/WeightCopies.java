package org.ternarykernels.tool.problem;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.ternarykernels.Alpha;
import org.ternarykernels.AlphaKind;
import org.ternarykernels.DataType;
import org.ternarykernels.Layout;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryWeights;
import org.ternarykernels.tool.measure.Machine;

/**
 * One weight matrix in a layout, once (it stays in a cache) or so often that no cache holds all
 * copies.
 */
public final class WeightCopies implements AutoCloseable {
  /** Where the weights are when a call begins. */
  public enum State {
    /** One copy, read again and again: as near as its size allows. */
    RESIDENT,
    /** Calls go round copies that have four times the size of the last-level caches: in memory. */
    STREAMING
  }

  /** Weights that no GPU's second-level cache holds: four times B200's 126 MB. */
  public static final long GPU_STREAMING_BYTES = 504L << 20;

  private static final int CACHES = 4;
  private static final long SMALL_CACHE = 16L << 20;

  private final Shape shape;
  private final List<TernaryWeights> copies = new ArrayList<>();
  private final long bytes;
  private final boolean fullySpread;

  /** The weights of a shape and seed; the same seed gives the same weights in any process. */
  public WeightCopies(Shape shape, long seed, Layout layout, State state) {
    this(shape, seed, layout, state, 0);
  }

  /**
   * @param group columns that share an alpha; 0: alpha is of the whole matrix
   */
  public WeightCopies(Shape shape, long seed, Layout layout, State state, int group) {
    this(shape, seed, layout, state == State.RESIDENT ? 1 : streamingBytes(), group);
  }

  /** Four times what the last-level caches hold, at least what those of a small server do. */
  public static long streamingBytes() {
    return CACHES * Math.max(SMALL_CACHE, new Machine().lastLevelBytes());
  }

  /**
   * @param wanted bytes of all copies together; available memory may allow less
   */
  public WeightCopies(Shape shape, long seed, Layout layout, long wanted) {
    this(shape, seed, layout, wanted, 0);
  }

  private WeightCopies(Shape shape, long seed, Layout layout, long wanted, int group) {
    this.shape = shape;
    RandomProblem random = new RandomProblem(seed);
    TernaryBuffer codes = i2s(random.weights(shape.n(), shape.k()), shape);
    AlphaKind kind = group > 0 ? AlphaKind.GROUP : AlphaKind.TENSOR;
    Alpha alpha = random.alpha(kind, group, shape.n(), shape.k());
    copies.add(TernaryWeights.ofI2s(codes, shape.n(), shape.k(), alpha, layout));
    bytes = copies.get(0).byteSize();
    long count = Math.max(1, (wanted + bytes - 1) / bytes);
    long allowed = Math.max(1, Machine.availableMemory() / 4 / bytes);
    fullySpread = count <= allowed;
    while (copies.size() < Math.min(count, allowed)) {
      copies.add(TernaryWeights.ofI2s(codes, shape.n(), shape.k(), alpha, layout));
    }
  }

  private static TernaryBuffer i2s(byte[] w, Shape shape) {
    int rowBytes = (shape.k() + 3) / 4;
    TernaryBuffer codes = TernaryBuffer.allocate(DataType.I8, (long) shape.n() * rowBytes);
    ByteBuffer target = codes.asByteBuffer();
    byte[] row = new byte[rowBytes];
    for (int n = 0; n < shape.n(); n++) {
      Arrays.fill(row, (byte) 0);
      for (int k = 0; k < shape.k(); k++) {
        row[k / 4] |= (byte) ((w[n * shape.k() + k] + 1) << (2 * (k % 4)));
      }
      target.put(row);
    }
    return codes;
  }

  /** The shape. */
  public Shape shape() {
    return shape;
  }

  public List<TernaryWeights> copies() {
    return copies;
  }

  /** Bytes of one copy, its scale included. */
  public long bytes() {
    return bytes;
  }

  /** Bytes of all. */
  public long totalBytes() {
    return bytes * copies.size();
  }

  /** False if memory did not allow as many copies as were wanted. */
  public boolean fullySpread() {
    return fullySpread;
  }

  @Override
  public void close() {
    copies.forEach(TernaryWeights::close);
  }
}
