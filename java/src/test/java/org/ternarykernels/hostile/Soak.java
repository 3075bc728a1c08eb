package org.ternarykernels.hostile;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.atomic.LongAdder;
import org.ternarykernels.AlphaKind;
import org.ternarykernels.Isa;
import org.ternarykernels.TernaryLinear;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.jvm.ProcessState;

/**
 * Many threads on layers that they share and layers that come and go, with files, counters, errors
 * and interrupts between: {@code Soak SECONDS THREADS FOLDER}. Every output is compared by bits.
 * What the process holds is measured after a third of the time and at the end. Exits with 1 if
 * anything was wrong.
 */
public final class Soak {
  private static final int RUNTIMES = 6;
  private static final int REPLACEABLE = 16;
  private static final int STUCK_SECONDS = 120;

  /** A layer that another thread may close, and what it computes. */
  record Replaceable(TernaryLinear layer, SoakLayers of) {}

  final Path folder;
  final LongAdder calls = new LongAdder();
  final SoakLayers[] layers = new SoakLayers[8];
  private final LongAdder closed = new LongAdder();
  private final Map<String, LongAdder> wrong = new ConcurrentSkipListMap<>();
  private final AtomicReferenceArray<TernaryRuntime> runtimes =
      new AtomicReferenceArray<>(RUNTIMES);
  private final AtomicReferenceArray<Replaceable> replaceables =
      new AtomicReferenceArray<>(REPLACEABLE);
  private final TernaryRuntime base;
  private volatile boolean over;

  private Soak(Path folder) {
    this.folder = folder;
    Random random = new Random(7);
    base =
        TernaryRuntime.builder()
            .threads(2)
            .pathReport(folder.resolve("base.json"))
            .pathReportEvery(1000)
            .build();
    for (int i = 0; i < RUNTIMES; i++) {
      runtimes.set(i, newRuntime(random));
    }
    for (int i = 0; i < layers.length; i++) {
      AlphaKind kind = AlphaKind.values()[i % AlphaKind.values().length];
      layers[i] = new SoakLayers(base, random, kind, i % 3 == 0);
    }
    for (int i = 0; i < REPLACEABLE; i++) {
      SoakLayers of = layers[i % layers.length];
      replaceables.set(i, new Replaceable(newLayer(random, of), of));
    }
  }

  public static void main(String[] arguments) throws Exception {
    int seconds = Integer.parseInt(arguments[0]);
    SoakWorker[] workers = new SoakWorker[Integer.parseInt(arguments[1])];
    Soak soak = new Soak(Path.of(arguments[2]));
    Thread[] threads = new Thread[workers.length];
    for (int i = 0; i < threads.length; i++) {
      workers[i] = new SoakWorker(soak, i);
      threads[i] = new Thread(workers[i], "soak " + i);
      threads[i].start();
    }
    soak.watch(workers, threads, seconds * 1000 / 3);
    long resident = ProcessState.residentKilobytes();
    long descriptors = ProcessState.descriptors();
    long running = ProcessState.threads();
    soak.watch(workers, threads, seconds * 1000 * 2 / 3);
    System.out.println("grown by KB: " + (ProcessState.residentKilobytes() - resident));
    System.out.println("more descriptors: " + (ProcessState.descriptors() - descriptors));
    System.out.println("more threads: " + (ProcessState.threads() - running));
    soak.over = true;
    for (Thread thread : threads) {
      thread.join(STUCK_SECONDS * 1000);
      soak.wrongIf(thread.isAlive(), thread);
    }
    soak.close();
    ProcessState.settle();
    System.out.println("threads at the end: " + ProcessState.threads());
    System.out.println("calls: " + soak.calls + ", of closed objects: " + soak.closed);
    System.out.println("wrong: " + soak.wrong);
    System.exit(soak.wrong.isEmpty() ? 0 : 1);
  }

  private void watch(SoakWorker[] workers, Thread[] threads, int millis)
      throws InterruptedException {
    long end = System.nanoTime() + millis * 1_000_000L;
    while (System.nanoTime() < end) {
      Thread.sleep(200);
      for (int i = 0; i < workers.length; i++) {
        wrongIf(System.nanoTime() - workers[i].beat > STUCK_SECONDS * 1_000_000_000L, threads[i]);
      }
    }
  }

  private void wrongIf(boolean stuck, Thread thread) {
    if (stuck) {
      wrong("stuck: " + Arrays.toString(thread.getStackTrace()));
      System.out.println("wrong: " + wrong);
      System.exit(1);
    }
  }

  private void close() {
    for (int i = 0; i < REPLACEABLE; i++) {
      replaceables.get(i).layer().close();
    }
    for (int i = 0; i < RUNTIMES; i++) {
      runtimes.get(i).close();
    }
    for (SoakLayers each : layers) {
      each.close();
    }
    base.close();
  }

  boolean isOver() {
    return over;
  }

  void wrong(String what) {
    wrong.computeIfAbsent(what, w -> new LongAdder()).increment();
  }

  /** An object that another thread has closed is the one reason to refuse a good call. */
  void closed(IllegalStateException e) {
    closed.increment();
    if (e.getMessage() == null || !e.getMessage().contains("closed, must be open")) {
      wrong(e.toString());
    }
  }

  TernaryRuntime runtime(Random random) {
    return runtimes.get(random.nextInt(RUNTIMES));
  }

  Replaceable replaceable(Random random) {
    return replaceables.get(random.nextInt(REPLACEABLE));
  }

  void replaceRuntime(Random random) {
    runtimes.getAndSet(random.nextInt(RUNTIMES), newRuntime(random)).close();
  }

  void replaceLayer(Random random) {
    SoakLayers of = layers[random.nextInt(layers.length)];
    Replaceable made = new Replaceable(newLayer(random, of), of);
    replaceables.getAndSet(random.nextInt(REPLACEABLE), made).layer().close();
  }

  private TernaryLinear newLayer(Random random, SoakLayers of) {
    return TernaryLinear.builder(runtime(random), of.weights).bias(of.bias).build();
  }

  private TernaryRuntime newRuntime(Random random) {
    TernaryRuntime.Builder builder =
        TernaryRuntime.builder()
            .threads(1 + random.nextInt(4))
            .fuseRmsNormQkv(random.nextBoolean())
            .maxIsa(random.nextInt(4) == 0 ? Isa.PORTABLE : Isa.AVX2);
    if (random.nextInt(3) == 0) {
      builder
          .pathReport(folder.resolve("report{pid}.json"))
          .pathReportEvery(1 + random.nextInt(300));
    }
    return builder.build();
  }
}
