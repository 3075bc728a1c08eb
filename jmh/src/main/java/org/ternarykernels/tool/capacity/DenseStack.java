package org.ternarykernels.tool.capacity;

import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.ternarykernels.tool.load.Clock;
import org.ternarykernels.tool.stack.Stack;
import org.ternarykernels.tool.stack.StackSizes;

/**
 * The same layers with dense weights: a step takes as long as their products have been measured to
 * take, on a clock of its own. Nothing is computed.
 */
final class DenseStack implements Stack, Clock {
  /** Text of which nothing is kept. */
  private static final Sequence TEXT = () -> {};

  private final Stack ternary;
  private final long weightBytes;
  private final NavigableMap<Integer, Double> nanosOfRows;
  private double now;

  /**
   * @param ternary what it stands beside
   * @param nanosOfRows time of a step by its rows; a step of rows between takes that of the next
   */
  DenseStack(Stack ternary, long weightBytes, Map<Integer, Double> nanosOfRows) {
    this.ternary = ternary;
    this.weightBytes = weightBytes;
    this.nanosOfRows = new TreeMap<>(nanosOfRows);
  }

  @Override
  public long nanoTime() {
    return (long) now;
  }

  @Override
  public void sleepUntil(long nanos) {
    now = Math.max(now, nanos);
  }

  @Override
  public String name() {
    return ternary.name();
  }

  @Override
  public StackSizes sizes() {
    return ternary.sizes();
  }

  @Override
  public int mostRows() {
    return ternary.mostRows();
  }

  @Override
  public long weightBytes() {
    return weightBytes;
  }

  @Override
  public Sequence begin(int promptTokens, int newTokens, long seed) {
    ternary.begin(promptTokens, newTokens, seed).close(); // refuses what that refuses
    return TEXT;
  }

  @Override
  public void step(List<Part> parts) {
    int rows = parts.stream().mapToInt(Part::rows).sum();
    now += nanosOfRows.ceilingEntry(rows).getValue();
  }

  @Override
  public long[] expertRows() {
    return new long[0];
  }

  @Override
  public void close() {}
}
