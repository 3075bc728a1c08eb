package org.ternarykernels.tool.peer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.ternarykernels.AlphaKind;
import org.ternarykernels.DataType;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.tool.measure.Machine;
import org.ternarykernels.tool.problem.RandomProblem;
import org.ternarykernels.tool.problem.Shape;

/**
 * A peer's product with the weights of a layer, once or so often that no cache holds all copies.
 */
final class PeerProduct implements AutoCloseable {
  private static final int MOST_ROWS = 4;

  /** A row of this many weights takes the check's loops about a second. */
  private static final long CHECKED_WEIGHTS = 1_000_000_000;

  private final PeerLibrary library;
  private final Shape shape;
  private final byte[] w;
  private final float alpha;
  private final List<Long> copies = new ArrayList<>();
  private TernaryBuffer x;
  private TernaryBuffer y;
  private long xAddress;
  private long yAddress;
  private int m;
  private int next;

  /**
   * @param seed of the weights and their scale, as our own have them
   * @param wanted bytes of all copies together, of which one is taken to be N * K / 4; 0: one copy
   */
  PeerProduct(PeerLibrary library, Shape shape, long seed, int threads, long wanted) {
    this.library = library;
    this.shape = shape;
    RandomProblem random = new RandomProblem(seed);
    w = random.weights(shape.n(), shape.k());
    alpha = random.alpha(AlphaKind.TENSOR, 0, shape.n(), shape.k()).values()[0];
    long bytes = Math.max(1, (long) shape.n() * shape.k() / 4);
    long count = Math.max(1, (wanted + bytes - 1) / bytes);
    long allowed = Math.max(1, Machine.availableMemory() / 4 / bytes);
    try (TernaryBuffer codes = TernaryBuffer.allocate(DataType.I8, w.length)) {
      codes.asByteBuffer().put(w);
      while (copies.size() < Math.min(count, allowed)) {
        copies.add(library.create(codes, shape, alpha, threads));
      }
    } catch (PeerLibrary.Refusal e) {
      close();
      throw e;
    }
  }

  /**
   * Takes other rows of X and checks what comes of them: of Y the first, the last and two rows
   * between, with the first copy of the weights, and with the others the first row.
   *
   * @param values {@code [m, k]}
   * @return null if all are within the bound of {@link ExpectedRow}, else which is not
   */
  String rows(float[] values) {
    forgetRows();
    m = values.length / shape.k();
    x = TernaryBuffer.copyOf(DataType.F32, values);
    y = TernaryBuffer.allocate(DataType.F32, (long) m * shape.n());
    xAddress = PeerLibrary.address(x);
    yAddress = PeerLibrary.address(y);
    next = 0;
    run();
    int rows = (int) Math.min(Math.min(m, MOST_ROWS), Math.max(2, CHECKED_WEIGHTS / w.length));
    ExpectedRow first = expected(values, 0);
    String complaint = first.complaint("row 0", row(0));
    for (int i = 1; i < rows && complaint == null; i++) {
      int row = (int) ((long) i * (m - 1) / (rows - 1));
      complaint = expected(values, row).complaint("row " + row, row(row));
    }
    for (int copy = 1; copy < copies.size() && complaint == null; copy++) {
      library.run(copies.get(copy), xAddress, 1, yAddress);
      complaint = first.complaint("row 0 by copy " + copy + " of the weights", row(0));
    }
    return complaint;
  }

  private ExpectedRow expected(float[] values, int row) {
    int from = row * shape.k();
    return new ExpectedRow(Arrays.copyOfRange(values, from, from + shape.k()), w, alpha);
  }

  private float[] row(int row) {
    float[] values = new float[shape.n()];
    y.slice((long) row * shape.n(), shape.n()).get(0, values);
    return values;
  }

  /** One call, with the next copy of the weights. */
  void run() {
    library.run(copies.get(next), xAddress, m, yAddress);
    next = next + 1 == copies.size() ? 0 : next + 1;
  }

  private void forgetRows() {
    if (x != null) {
      x.close();
      y.close();
      x = null;
    }
  }

  @Override
  public void close() {
    forgetRows();
    copies.forEach(library::free);
    copies.clear();
  }
}
