package org.ternarykernels.tool.load;

import java.util.ArrayList;
import java.util.List;
import org.ternarykernels.tool.stack.Stack;
import org.ternarykernels.tool.stack.StackSizes;

/** A stack whose steps take a known time of a clock that is nobody's. */
final class StubbedStack implements Stack, Clock {
  static final long MILLI = 1_000_000;

  final List<Integer> rowsOfSteps = new ArrayList<>();
  private final int mostRows;
  private final long stepNanos;
  private final long rowNanos;
  private int failingStep = -1;
  private long now = 5;

  /** A step takes {@code stepNanos}, and {@code rowNanos} more for each row. */
  StubbedStack(int mostRows, long stepNanos, long rowNanos) {
    this.mostRows = mostRows;
    this.stepNanos = stepNanos;
    this.rowNanos = rowNanos;
  }

  /** The step of this number throws, from 0 on. */
  StubbedStack failingAt(int step) {
    failingStep = step;
    return this;
  }

  @Override
  public long nanoTime() {
    return now;
  }

  @Override
  public void sleepUntil(long nanos) {
    now = Math.max(now, nanos);
  }

  @Override
  public String name() {
    return "stub";
  }

  @Override
  public StackSizes sizes() {
    return new StackSizes(1, 1, 1, 1000, "tensor", 0, 0);
  }

  @Override
  public int mostRows() {
    return mostRows;
  }

  @Override
  public long weightBytes() {
    return 1;
  }

  @Override
  public Sequence begin(int promptTokens, int newTokens, long seed) {
    if (promptTokens > 900) {
      throw new IllegalArgumentException("the text is too long");
    }
    return () -> {};
  }

  @Override
  public void step(List<Part> parts) {
    int rows = parts.stream().mapToInt(Part::rows).sum();
    rowsOfSteps.add(rows);
    now += stepNanos + rows * rowNanos;
    if (rowsOfSteps.size() - 1 == failingStep) {
      throw new IllegalStateException("the step failed");
    }
  }

  @Override
  public long[] expertRows() {
    return new long[0];
  }

  @Override
  public void close() {}
}
