package org.ternarykernels.tool;

import java.util.HashMap;
import java.util.Map;
import org.ternarykernels.Isa;
import org.ternarykernels.Limit;
import org.ternarykernels.LimitMeasurement;
import org.ternarykernels.TernaryRuntime;

/**
 * The time that a call needs at least on this machine: for its bytes at the read bandwidth of the level where they live,
 * or for its multiply-adds at the int8 peak of its instruction set, whichever is longer. The loops that measure this run
 * on the threads of the runtime that is measured.
 */
final class MachineLimit {
  private static final long ESTIMATE_NANOS = 5_000_000;
  /** Working sets are shared out to threads in pages. */
  private static final long PAGE = 4096;

  /**
   * The limit of one call.
   *
   * @param name for example "memory read, 2 threads" or "avx2 int8 peak, 1 thread"; null if nothing is known
   * @param contender gives the call's least time, in nanoseconds; null likewise
   */
  record Bound(String name, Interleaved.Contender contender) {}

  private final Machine machine;
  private final Map<String, Double> rates = new HashMap<>();

  MachineLimit(Machine machine) {
    this.machine = machine;
  }

  /**
   * The bound of a call.
   *
   * @param isa highest of the runtime
   * @param bytes that a call reads
   * @param workingSet bytes that are read before the same byte is read again
   * @param operations int8 operations of a call, two a multiply-add; 0: not bound by them
   */
  Bound of(TernaryRuntime runtime, Isa isa, int threads, long bytes, long workingSet, double operations) {
    long set = (workingSet + PAGE * threads - 1) / (PAGE * threads) * PAGE * threads;
    String level = level(set, threads) + " read" + on(threads);
    Measured read = new Measured(runtime, Limit.READ, threads, set);
    double readNanos = bytes / rate(level + set + isa, read);
    Limit peak = isa == Isa.AMX ? Limit.TILE_LOADS : Limit.INT8_PEAK;
    if (operations > 0 && isa != Isa.PORTABLE) {
      String name = isa.id() + (peak == Limit.TILE_LOADS ? " tile loads" : " int8 peak") + on(threads);
      Measured multiply = new Measured(runtime, peak, threads, 0);
      if (operations / rate(name, multiply) > readNanos) {
        return new Bound(name, nanos -> operations / multiply.run(nanos));
      }
    }
    return new Bound(level, nanos -> bytes / read.run(nanos));
  }

  private record Measured(TernaryRuntime runtime, Limit limit, int threads, long bytes) {
    /** Bytes or operations a nanosecond. */
    double run(long nanos) {
      runtime.measureLimit(limit, threads, bytes, nanos / 4 + 1); // wakes threads and fills caches
      LimitMeasurement measured = runtime.measureLimit(limit, threads, bytes, nanos);
      return measured.gigaPerSecond();
    }
  }

  private double rate(String key, Measured measured) {
    return rates.computeIfAbsent(key, unknown -> Interleaved.estimate(measured::run, ESTIMATE_NANOS));
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
