package org.ternarykernels.tool.problem;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.ternarykernels.DataType;
import org.ternarykernels.ExpertAlpha;
import org.ternarykernels.ExpertWeights;
import org.ternarykernels.Layout;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.tool.measure.Machine;
import org.ternarykernels.tool.problem.WeightCopies.State;

/** The weights of a layer of experts, once or so often that no cache holds all of them. */
public final class ExpertCopies implements AutoCloseable {
  /** Both matrices of all experts. */
  public record Copy(ExpertWeights w13, ExpertWeights w2) {}

  /** Codes a byte, 0 to 2 each. */
  private static final byte[] CODES = new byte[81];

  static {
    for (int i = 0; i < CODES.length; i++) {
      CODES[i] = (byte) (i % 3 | i / 3 % 3 << 2 | i / 9 % 3 << 4 | i / 27 << 6);
    }
  }

  private final MoeShape shape;
  private final List<Copy> copies = new ArrayList<>();
  private final long bytes;
  private final boolean fullySpread;

  public ExpertCopies(MoeShape shape, long seed, Layout layout, State state) {
    this(shape, seed, layout, state == State.RESIDENT ? 1 : WeightCopies.streamingBytes());
  }

  /**
   * @param spread bytes of all copies together; available memory may allow less
   */
  public ExpertCopies(MoeShape shape, long seed, Layout layout, long spread) {
    this.shape = shape;
    RandomProblem random = new RandomProblem(seed);
    TernaryBuffer codes13 = codes(seed, 2 * shape.i(), shape.h());
    TernaryBuffer codes2 = codes(seed + 1, shape.h(), shape.i());
    ExpertAlpha alpha13 = shape.alphas(random, 2 * shape.i(), shape.h());
    ExpertAlpha alpha2 = shape.alphas(random, shape.h(), shape.i());
    long wanted = 1;
    long allowed = 1;
    do {
      copies.add(
          new Copy(
              ExpertWeights.ofI2s(
                  codes13, shape.experts(), 2L * shape.i(), shape.h(), alpha13, layout),
              ExpertWeights.ofI2s(codes2, shape.experts(), shape.h(), shape.i(), alpha2, layout)));
      if (copies.size() == 1) {
        long each = copyBytes();
        wanted = (spread + each - 1) / each;
        allowed = Math.max(1, Machine.availableMemory() / 8 / each); // linear makes as many again
      }
    } while (copies.size() < Math.min(wanted, allowed));
    bytes = copyBytes();
    fullySpread = wanted <= allowed;
  }

  private long copyBytes() {
    return copies.get(0).w13.byteSize() + copies.get(0).w2.byteSize();
  }

  /** Random codes of all experts; K is a multiple of 4. */
  private TernaryBuffer codes(long seed, int n, int k) {
    SplittableRandom random = new SplittableRandom(seed);
    long count = (long) shape.experts() * n * (k / 4);
    TernaryBuffer codes = TernaryBuffer.allocate(DataType.I8, count);
    byte[] row = new byte[k / 4];
    ByteBuffer target = codes.asByteBuffer();
    for (long at = 0; at < count; at += row.length) {
      for (int i = 0; i < row.length; i++) {
        row[i] = CODES[random.nextInt(CODES.length)];
      }
      target.put(row);
    }
    return codes;
  }

  public MoeShape shape() {
    return shape;
  }

  public List<Copy> copies() {
    return copies;
  }

  /** Bytes of one expert's matrices, with their scales. */
  public double expertBytes() {
    return (double) bytes / shape.experts();
  }

  /** Bytes of all copies. */
  public long totalBytes() {
    return bytes * copies.size();
  }

  /** False if memory did not allow as many copies as were wanted. */
  public boolean fullySpread() {
    return fullySpread;
  }

  @Override
  public void close() {
    for (Copy copy : copies) {
      copy.w13.close();
      copy.w2.close();
    }
  }
}
