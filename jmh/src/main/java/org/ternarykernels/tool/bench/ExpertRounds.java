package org.ternarykernels.tool.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * The choice of experts that calls make one after the other: each goes on to the next experts and,
 * when all had their turn, to the next copy of the weights. So an expert's weights are read again
 * when all others were, however few a call reads. The rows of an expert stay as many.
 */
final class ExpertRounds {
  private final int[] base;
  private final int[] rows;
  private final List<Integer> order;
  private final int calls;

  /**
   * @param ids {@code [M, slots]}, of {@code 0 ... active - 1} and -1
   * @param streaming false: every call makes the same choice
   */
  ExpertRounds(int[] ids, int experts, boolean streaming, long seed) {
    base = ids;
    int active = Arrays.stream(ids).max().orElseThrow() + 1;
    rows = new int[active];
    Arrays.stream(ids).filter(id -> id >= 0).forEach(id -> rows[id]++);
    order = new ArrayList<>(IntStream.range(0, experts).boxed().toList());
    Collections.shuffle(order, new Random(seed));
    calls = streaming ? (experts + active - 1) / active : 1;
  }

  /** Experts that a call reads. */
  int active() {
    return rows.length;
  }

  /** Rows of each active expert. */
  int[] rows() {
    return rows;
  }

  /** Rows of all active experts together. */
  int pairs() {
    return Arrays.stream(rows).sum();
  }

  /** Calls until an expert is read again of the same copy. */
  int calls() {
    return calls;
  }

  /** The expert that stands for one of {@code 0 ... active - 1} in a call. */
  int expert(int call, int of) {
    return order.get((call * rows.length + of) % order.size());
  }

  /** The ids of a call. */
  int[] ids(int call) {
    return Arrays.stream(base).map(id -> id < 0 ? id : expert(call, id)).toArray();
  }
}
