package org.ternarykernels.tool.stack;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import org.ternarykernels.Activation;
import org.ternarykernels.Layout;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.tool.problem.Shape;

/**
 * A stack of random weights in a model's shapes. Q, K and V and the gate are behind a fused norm
 * with a residual, as such models have them; other matrices are plain products. What lies between
 * the layers of a real model, attention included, is not there: rows of each layer are its own.
 */
final class ShapeStack implements Stack {
  /** Layers that begin with a norm of the residual stream. */
  private static final List<String> NORMED = List.of("qkv", "gate_up");

  private static final String GATE_UP = "expert_gate_up";
  private static final String DOWN = "expert_down";

  /** The output layer, which a step goes through once. */
  private static final String OUTPUT = "lm_head";

  private final String name;
  private final StackSizes sizes;
  private final int mostRows;
  private final StackCalls calls;
  private final StackOperands operands;
  private final List<StackLayer> layers = new ArrayList<>();
  private final Deque<AutoCloseable> open = new ArrayDeque<>();
  private ExpertStackLayers experts;
  private long weightBytes;

  /** One whose rows lie where its layers compute. */
  ShapeStack(
      String name,
      StackSizes sizes,
      List<Shape> shapes,
      TernaryRuntime runtime,
      Layout layout,
      Activation activation,
      int mostRows) {
    this(name, sizes, shapes, runtime, layout, activation, mostRows, StackCalls.USUAL);
  }

  ShapeStack(
      String name,
      StackSizes sizes,
      List<Shape> shapes,
      TernaryRuntime runtime,
      Layout layout,
      Activation activation,
      int mostRows,
      StackCalls calls) {
    this.name = name;
    this.sizes = sizes;
    this.mostRows = mostRows;
    this.calls = calls;
    operands = new StackOperands(runtime, mostRows, calls.onHost());
    open.push(operands);
    try {
      List<List<StackLayer>> byShape = new ArrayList<>();
      List<StackLayer> last = new ArrayList<>();
      for (Shape shape : shapes) {
        switch (shape.name()) {
          case GATE_UP -> byShape.add(experts(runtime, shape, shapes, layout, activation));
          case DOWN -> find(shapes, GATE_UP); // its layers come with that
          case OUTPUT -> last.addAll(products(runtime, shape, layout, activation, 1));
          default -> byShape.add(products(runtime, shape, layout, activation, sizes.layers()));
        }
      }
      for (int i = 0; i < sizes.layers(); i++) {
        for (List<StackLayer> ofShape : byShape) {
          layers.add(ofShape.get(i));
        }
      }
      layers.addAll(last);
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  private List<StackLayer> products(
      TernaryRuntime runtime, Shape shape, Layout layout, Activation activation, int count) {
    ProductStackLayers made =
        new ProductStackLayers(
            runtime,
            shape,
            sizes.alpha(),
            layout,
            activation,
            NORMED.contains(shape.name()),
            count,
            operands,
            calls.watch());
    open.push(made);
    weightBytes += made.weightBytes();
    return made.layers();
  }

  private List<StackLayer> experts(
      TernaryRuntime runtime,
      Shape gateUp,
      List<Shape> shapes,
      Layout layout,
      Activation activation) {
    Shape down = find(shapes, DOWN);
    if (sizes.experts() == 0) {
      throw new IllegalArgumentException(
          "shapes of " + name + " have " + GATE_UP + ", but its sizes have no experts");
    }
    experts =
        new ExpertStackLayers(runtime, gateUp, down, sizes, layout, activation, mostRows, operands);
    open.push(experts);
    weightBytes += experts.weightBytes();
    return experts.layers();
  }

  private Shape find(List<Shape> shapes, String wanted) {
    Optional<Shape> found = shapes.stream().filter(shape -> shape.name().equals(wanted)).findAny();
    return found.orElseThrow(
        () ->
            new IllegalArgumentException(
                "shapes of " + name + " have no " + wanted + ", which their experts need"));
  }

  /** A text of which nothing is kept. */
  private record Rows() implements Sequence {
    @Override
    public void close() {}
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public StackSizes sizes() {
    return sizes;
  }

  @Override
  public int mostRows() {
    return mostRows;
  }

  @Override
  public long weightBytes() {
    return weightBytes;
  }

  @Override
  public Sequence begin(int promptTokens, int newTokens, long seed) {
    if (sizes.context() > 0 && (long) promptTokens + newTokens > sizes.context()) {
      throw new IllegalArgumentException(
          "the text would be "
              + ((long) promptTokens + newTokens)
              + " tokens long, the context of "
              + name
              + " is "
              + sizes.context());
    }
    return new Rows();
  }

  @Override
  public void step(List<Part> parts) {
    int rows = parts.stream().mapToInt(Part::rows).sum();
    if (rows < 1 || rows > mostRows) {
      throw new IllegalArgumentException(
          "a step has " + rows + " rows, must have 1 to " + mostRows);
    }
    layers.forEach(layer -> layer.run(rows));
    operands.await();
  }

  @Override
  public long[] expertRows() {
    return experts == null ? new long[0] : experts.rows();
  }

  @Override
  public void close() {
    while (!open.isEmpty()) {
      try {
        open.pop().close();
      } catch (Exception e) {
        throw new IllegalStateException("closing a layer or weights cannot fail", e);
      }
    }
  }
}
