package org.ternarykernels.example;

import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.ternarykernels.DataType;
import org.ternarykernels.TernaryBuffer;

/**
 * The positions of a session in flight, a row each: the residual stream, and room for what a block
 * computes of it. All blocks of a session use the same.
 */
final class Rows {
  /** The stream, {@code [batch, hidden]}, without what is in {@link #delta}. */
  final TernaryBuffer residual;

  /** What the last layer computed, and the next one adds to the stream. */
  final TernaryBuffer delta;

  /** Q, K and V beside each other. */
  final TernaryBuffer qkv;

  /** What the heads of attention give. */
  final TernaryBuffer heads;

  private final int batch;
  private final Map<Class<?>, Object> scratch = new HashMap<>();
  private int count;
  private long layerNanos;
  private long[] expertRows = {};

  Rows(ModelConfig config, int batch) {
    this.batch = batch;
    residual = floats(config.hidden());
    delta = floats(config.hidden());
    qkv = floats(config.attention().projected());
    heads = floats(config.attention().queries());
  }

  /** A buffer of so many columns in all rows. */
  TernaryBuffer floats(int columns) {
    return TernaryBuffer.allocate(DataType.F32, (long) batch * columns);
  }

  /** The rows that there is room for. */
  int batch() {
    return batch;
  }

  /** The rows that are in flight. */
  int count() {
    return count;
  }

  void count(int count) {
    this.count = count;
  }

  /** What a kind of layer keeps between its steps: made once, for all blocks. */
  <T> T scratch(Class<T> kind, Supplier<T> make) {
    return kind.cast(scratch.computeIfAbsent(kind, missing -> make.get()));
  }

  /** Calls the library, and counts the time. */
  void call(Runnable layers) {
    long begin = System.nanoTime();
    layers.run();
    layerNanos += System.nanoTime() - begin;
  }

  /** Nanoseconds in {@link #call} so far. */
  long layerNanos() {
    return layerNanos;
  }

  /** Counts what a router chose for the rows in flight. */
  void countExperts(int[] ids, int experts) {
    if (expertRows.length < experts) {
      expertRows = new long[experts];
    }
    for (int id : ids) {
      expertRows[id]++;
    }
  }

  /** Rows that each expert has served, in all blocks together; empty without experts. */
  long[] expertRows() {
    return expertRows.clone();
  }
}
