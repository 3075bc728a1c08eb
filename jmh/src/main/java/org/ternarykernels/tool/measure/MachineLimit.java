package org.ternarykernels.tool.measure;

import java.util.ArrayList;
import java.util.List;
import org.ternarykernels.Isa;
import org.ternarykernels.Limit;
import org.ternarykernels.TernaryRuntime;

/**
 * The times that a call needs at least on this machine: for its bytes at the read bandwidth of the
 * level where they live, and for its multiply-adds at the int8 peak of its instruction set. The
 * longer one is the call's limit; which one that is only shows when both have been measured. The
 * loops run on the threads of the runtime that is measured.
 */
public final class MachineLimit {
  /** Working sets are shared out to threads in pages. */
  private static final long PAGE = 4096;

  /**
   * A bound of one call.
   *
   * @param name for example "memory read, 2 threads" or "avx2 int8 peak, 1 thread"
   * @param contender gives the call's least time, in nanoseconds
   */
  public record Bound(String name, Interleaved.Contender contender) {}

  private final Machine machine;

  public MachineLimit(Machine machine) {
    this.machine = machine;
  }

  /**
   * The bounds of a call.
   *
   * @param isa highest of the runtime
   * @param bytes that a call reads
   * @param workingSet bytes that are read before the same byte is read again
   * @param operations int8 operations of a call, two a multiply-add; 0: not bound by them
   */
  public List<Bound> of(
      TernaryRuntime runtime,
      Isa isa,
      int threads,
      long bytes,
      long workingSet,
      double operations) {
    List<Bound> bounds = new ArrayList<>();
    long set = (workingSet + PAGE * threads - 1) / (PAGE * threads) * PAGE * threads;
    bounds.add(
        new Bound(
            level(set, threads) + " read" + on(threads),
            Interleaved.on(
                threads, nanos -> bytes / rate(runtime, Limit.READ, threads, set, nanos))));
    if (operations > 0 && isa != Isa.PORTABLE) {
      Limit peak = isa == Isa.AMX ? Limit.TILE_LOADS : Limit.INT8_PEAK;
      bounds.add(
          new Bound(
              isa.id() + (peak == Limit.TILE_LOADS ? " tile loads" : " int8 peak") + on(threads),
              Interleaved.on(
                  threads, nanos -> operations / rate(runtime, peak, threads, 0, nanos))));
    }
    return bounds;
  }

  /** Bytes or operations a nanosecond. */
  private static double rate(
      TernaryRuntime runtime, Limit limit, int threads, long bytes, long nanos) {
    runtime.measureLimit(limit, threads, bytes, nanos / 4 + 1); // wakes threads and fills caches
    return runtime.measureLimit(limit, threads, bytes, nanos).gigaPerSecond();
  }

  /** The level of a working set that threads read a part each. */
  String level(long workingSet, int threads) {
    long part = workingSet / threads;
    if (part <= machine.cacheBytes(1)) {
      return "l1";
    }
    if (part <= machine.cacheBytes(2)) {
      return "l2";
    }
    return workingSet <= machine.lastLevelBytes() ? "l3" : "memory";
  }

  private static String on(int threads) {
    return ", " + threads + (threads == 1 ? " thread" : " threads");
  }
}
