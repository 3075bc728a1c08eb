package org.ternarykernels.tool.stack;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.ternarykernels.Activation;
import org.ternarykernels.AlphaKind;
import org.ternarykernels.CudaStream;
import org.ternarykernels.DataType;
import org.ternarykernels.DeviceBuffer;
import org.ternarykernels.Layout;
import org.ternarykernels.MoeLayer;
import org.ternarykernels.Routing;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.tool.problem.ExpertChoice;
import org.ternarykernels.tool.problem.ExpertCopies;
import org.ternarykernels.tool.problem.MoeShape;
import org.ternarykernels.tool.problem.RandomProblem;
import org.ternarykernels.tool.problem.Shape;

/** Layers of experts, one a block. Each row chooses its experts by Zipf's law, as texts do. */
final class ExpertStackLayers implements AutoCloseable {
  private static final long SEED = 2;

  private final List<StackLayer> layers = new ArrayList<>();
  private final Deque<AutoCloseable> open = new ArrayDeque<>();
  private final long[] rows;
  private final int[] ids;
  private final int slots;
  private long weightBytes;

  ExpertStackLayers(
      TernaryRuntime runtime,
      Shape gateUp,
      Shape down,
      StackSizes sizes,
      Layout layout,
      Activation activation,
      int mostRows,
      StackOperands operands) {
    MoeShape shape =
        new MoeShape(
            gateUp.name(), sizes.experts(), sizes.active(), gateUp.k(), down.k(), alpha(sizes));
    if (gateUp.n() != 2 * down.k() || down.n() != gateUp.k()) {
      throw new IllegalArgumentException(
          gateUp.name() + " and " + down.name() + " are no [2I, H] and [H, I]");
    }
    slots = sizes.active();
    rows = new long[sizes.experts()];
    ids = ExpertChoice.ZIPF.ids(SEED, mostRows, shape);
    Layout wanted =
        layout == null
            ? runtime.chooseLayout(
                activation, gateUp.n(), gateUp.k(), (long) gateUp.n() * gateUp.k() * rows.length)
            : layout;
    try {
      for (int i = 0; i < sizes.layers(); i++) {
        try (ExpertCopies own = new ExpertCopies(shape, SEED, wanted, 1)) {
          weightBytes += own.totalBytes();
          ExpertCopies.Copy copy = own.copies().get(0);
          MoeLayer layer =
              MoeLayer.builder(runtime, copy.w13(), copy.w2()).activation(activation).build();
          open.push(layer);
          layers.add(layer(runtime, layer, shape, mostRows, operands));
        }
      }
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  private static AlphaKind alpha(StackSizes sizes) {
    return sizes.alpha().equals("row") ? AlphaKind.ROW : AlphaKind.COLUMN;
  }

  private StackLayer layer(
      TernaryRuntime runtime,
      MoeLayer layer,
      MoeShape shape,
      int mostRows,
      StackOperands operands) {
    TernaryBuffer chosen = TernaryBuffer.copyOf(ids);
    TernaryBuffer shares =
        TernaryBuffer.copyOf(
            DataType.F32, new RandomProblem(SEED).vector(mostRows * slots, 1f / slots));
    CudaStream stream = operands.stream();
    if (stream != null) {
      DeviceBuffer x = operands.device("x", shape.h());
      DeviceBuffer y = operands.device("y", shape.h());
      DeviceBuffer deviceIds = DeviceBuffer.copyOf(runtime, chosen);
      open.push(deviceIds);
      DeviceBuffer deviceShares = DeviceBuffer.copyOf(runtime, shares);
      open.push(deviceShares);
      Routing routing = Routing.of(deviceIds, deviceShares, slots);
      return count -> {
        layer.apply(x, routing, y, count, stream);
        count(count);
      };
    }
    TernaryBuffer x = operands.host("x", shape.h());
    TernaryBuffer y = operands.host("y", shape.h());
    Routing routing = Routing.of(chosen, shares, slots);
    return count -> {
      layer.apply(x, routing, y, count);
      count(count);
    };
  }

  private void count(int count) {
    for (int i = 0; i < count * slots; i++) {
      rows[ids[i]]++;
    }
  }

  List<StackLayer> layers() {
    return layers;
  }

  long weightBytes() {
    return weightBytes;
  }

  /** Rows that each expert has served. */
  long[] rows() {
    return rows.clone();
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
