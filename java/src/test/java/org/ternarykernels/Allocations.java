package org.ternarykernels;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;

/** Measures what a piece of code allocates on the Java heap. */
public final class Allocations {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private Allocations() {}

  /**
   * Bytes that a number of runs allocate, after as many to warm up: fewer than runs means that a
   * run allocates nothing.
   */
  public static long ofRuns(int runs, Runnable code) {
    run(runs, code);
    long thread = Thread.currentThread().getId();
    long before = THREADS.getThreadAllocatedBytes(thread);
    run(runs, code);
    return THREADS.getThreadAllocatedBytes(thread) - before;
  }

  private static void run(int runs, Runnable code) {
    for (int i = 0; i < runs; i++) {
      code.run();
    }
  }
}
