package org.ternarykernels.tool.stack;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.ternarykernels.Activation;
import org.ternarykernels.Alpha;
import org.ternarykernels.AlphaKind;
import org.ternarykernels.CudaStream;
import org.ternarykernels.DeviceBuffer;
import org.ternarykernels.Layout;
import org.ternarykernels.RmsNormLinear;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryLinear;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.TernaryWeights;
import org.ternarykernels.tool.problem.RandomProblem;
import org.ternarykernels.tool.problem.Shape;

/**
 * Layers of one shape, one a block. Each has memory of its own for the same random codes: a step
 * reads as many bytes as the model's would.
 */
final class ProductStackLayers implements AutoCloseable {
  private static final float EPS = 1e-5f;
  private static final long SEED = 1;

  private final List<StackLayer> layers = new ArrayList<>();
  private final Deque<AutoCloseable> open = new ArrayDeque<>();
  private final long weightBytes;

  /**
   * @param layout of the weights; null: the one that the runtime chooses for all of them
   * @param watch sees the calls
   * @param normed whether a fused norm with a residual is before the product
   */
  ProductStackLayers(
      TernaryRuntime runtime,
      Shape shape,
      String alpha,
      Layout layout,
      Activation activation,
      boolean normed,
      int count,
      StackOperands operands,
      ProductWatch watch) {
    RandomProblem random = new RandomProblem(SEED);
    int n = shape.n();
    int k = shape.k();
    float[] norm = random.vector(k, 1);
    Layout wanted =
        layout == null ? runtime.chooseLayout(activation, n, k, (long) n * k * count) : layout;
    long bytes = 0;
    byte[] codes = random.weights(n, k);
    Alpha scales = alpha(random, alpha, n, k);
    StackProduct product =
        new StackProduct(
            shape,
            wanted,
            activation,
            watch == ProductWatch.NONE ? null : codes, // a matrix of bytes is large
            scales,
            normed ? norm : null,
            EPS,
            operands.host("x", k),
            normed ? operands.host("residual", k) : null,
            operands.host("y", n));
    try (TernaryWeights first = TernaryWeights.pack(codes, n, k, scales)) {
      for (int i = 0; i < count; i++) {
        try (TernaryWeights own = first.repack(wanted)) {
          bytes += own.byteSize();
          StackLayer layer =
              normed
                  ? normed(runtime, own, activation, norm, operands)
                  : plain(runtime, own, activation, operands);
          layers.add(
              watch == ProductWatch.NONE
                  ? layer
                  : rows -> watch.call(product, rows, () -> layer.run(rows)));
        }
      }
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
    weightBytes = bytes;
  }

  private static Alpha alpha(RandomProblem random, String kind, int n, int k) {
    if (kind.startsWith("group:")) {
      return random.alpha(
          AlphaKind.GROUP, Integer.parseInt(kind.substring("group:".length())), n, k);
    }
    AlphaKind known =
        switch (kind) {
          case "row" -> AlphaKind.ROW;
          case "column" -> AlphaKind.COLUMN;
          default -> AlphaKind.TENSOR;
        };
    return random.alpha(known, 0, n, k);
  }

  private StackLayer plain(
      TernaryRuntime runtime,
      TernaryWeights weights,
      Activation activation,
      StackOperands operands) {
    TernaryLinear layer = TernaryLinear.builder(runtime, weights).activation(activation).build();
    open.push(layer);
    CudaStream stream = operands.stream();
    if (stream != null) {
      DeviceBuffer x = operands.device("x", weights.k());
      DeviceBuffer y = operands.device("y", weights.n());
      return rows -> layer.apply(x, y, rows, stream);
    }
    TernaryBuffer x = operands.host("x", weights.k());
    TernaryBuffer y = operands.host("y", weights.n());
    return rows -> layer.apply(x, y, rows);
  }

  private StackLayer normed(
      TernaryRuntime runtime,
      TernaryWeights weights,
      Activation activation,
      float[] norm,
      StackOperands operands) {
    RmsNormLinear layer =
        RmsNormLinear.builder(runtime, weights).norm(norm, EPS).activation(activation).build();
    open.push(layer);
    CudaStream stream = operands.stream();
    if (stream != null) {
      DeviceBuffer x = operands.device("x", weights.k());
      DeviceBuffer residual = operands.device("residual", weights.k());
      DeviceBuffer sum = operands.device("sum", weights.k());
      DeviceBuffer y = operands.device("y", weights.n());
      return rows -> layer.apply(x, residual, sum, y, rows, stream);
    }
    TernaryBuffer x = operands.host("x", weights.k());
    TernaryBuffer residual = operands.host("residual", weights.k());
    TernaryBuffer sum = operands.host("sum", weights.k());
    TernaryBuffer y = operands.host("y", weights.n());
    return rows -> layer.apply(x, residual, sum, y, rows);
  }

  List<StackLayer> layers() {
    return layers;
  }

  long weightBytes() {
    return weightBytes;
  }

  @Override
  public void close() {
    while (!open.isEmpty()) {
      try {
        open.pop().close();
      } catch (Exception e) {
        throw new IllegalStateException("closing a layer cannot fail", e);
      }
    }
  }
}
