package org.ternarykernels.tool.tune;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import org.ternarykernels.Activation;
import org.ternarykernels.Alpha;
import org.ternarykernels.AlphaKind;
import org.ternarykernels.DataType;
import org.ternarykernels.Isa;
import org.ternarykernels.Layout;
import org.ternarykernels.Limit;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryLinear;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.TernaryWeights;
import org.ternarykernels.tool.measure.Interleaved;
import org.ternarykernels.tool.measure.MedianInterval;
import org.ternarykernels.tool.problem.RandomProblem;
import org.ternarykernels.tool.problem.TemporaryFolder;

/**
 * Measures on this machine what the tuning table holds, through the public API: each alternative is
 * a runtime whose tuning file leaves no choice, and alternatives take turns.
 */
public final class TuningTrials implements AutoCloseable {
  private static final long NEVER = 65536;
  private static final long WHOLE_CALL = 1L << 40;

  /** A change must be worth more than what a quiet machine's medians differ by. */
  private static final double CLEARLY = 0.97;

  private static final int[] ROWS = {1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32};
  private static final long[] PREFETCHES = {0, 2048, 4096, 8192, 12288, 16384, 24576};

  /** Times contenders in turns. */
  public interface Rounds {
    /** As {@link Interleaved#run}. */
    double[][] run(List<Interleaved.Contender> contenders, long sliceNanos, long budgetNanos);
  }

  private final TuningFile builtIn;
  private final Rounds rounds;
  private final Isa isa;
  private final int cores;
  private final long sliceNanos;
  private final long trialNanos;
  private final Consumer<String> progress;
  private final TemporaryFolder folder = new TemporaryFolder("ternary-tune");
  private final List<AutoCloseable> opened = new ArrayList<>();
  private final Map<String, TernaryRuntime> runtimes = new HashMap<>();
  private final RandomProblem random = new RandomProblem(17);
  private final Map<String, Long> measured = new LinkedHashMap<>();
  private final Map<String, Double> noisy = new LinkedHashMap<>();
  private final Map<String, String> how = new LinkedHashMap<>();

  /**
   * @param progress is told what is measured next
   */
  public TuningTrials(TuningFile builtIn, Rounds rounds, boolean quick, Consumer<String> progress)
      throws IOException {
    this.builtIn = builtIn;
    this.rounds = rounds;
    this.isa = Isa.of(builtIn.machine("isa"));
    this.cores = Integer.parseInt(builtIn.machine("cores"));
    this.sliceNanos = quick ? 3_000_000L : 10_000_000L;
    this.trialNanos = quick ? 60_000_000L : 400_000_000L;
    this.progress = progress;
  }

  /** Measures everything that this machine can be asked. */
  public void run() throws IOException {
    threshold("gemm_i2s_min_m", Layout.I2S_TILED);
    threshold("gemm_t5_min_m", Layout.T5_TILED);
    threshold("gemm_t3_min_m", Layout.T3_TILED);
    if (isa == Isa.AMX) {
      threshold("tile_gemm_min_m", Layout.I2S_TILED);
    }
    if (cores > 1) {
      workPerThread();
      elementsPerThread();
    }
    rate("i2s_weights_per_us", Layout.I2S_TILED, Activation.A8);
    rate("t5_weights_per_us", Layout.T5_TILED, Activation.A8);
    rate("t3_weights_per_us", Layout.T3_TILED, Activation.A8);
    rate("i2s_a16_weights_per_us", Layout.I2S_TILED, Activation.A16);
    rate("t5_a16_weights_per_us", Layout.T5_TILED, Activation.A16);
    rate("t3_a16_weights_per_us", Layout.T3_TILED, Activation.A16);
    bandwidth("memory_mb_per_s_one_thread", 1);
    bandwidth("memory_mb_per_s_all_threads", cores);
    prefetch();
  }

  /** The values measured, by name. */
  public Map<String, Long> measured() {
    return measured;
  }

  /**
   * The values whose series was too noisy to take them from it, by name: half of the widest
   * interval over its median.
   */
  public Map<String, Double> noisy() {
    return noisy;
  }

  /** Takes a value from a series, or leaves the built-in one. */
  private void take(String name, long value, double noise, String from) {
    how.put(name, from);
    if (noise > Noise.MOST) {
      noisy.put(name, noise);
    } else {
      measured.put(name, value);
    }
  }

  /** What a value was taken from, in words. */
  public String how(String name) {
    return how.getOrDefault(name, "not measured");
  }

  /** A runtime that has no choice, made once. */
  private TernaryRuntime runtime(int threads, Map<String, Long> forced) throws IOException {
    String key = threads + " " + forced;
    TernaryRuntime known = runtimes.get(key);
    if (known == null) {
      String text = builtIn.with(forced).text("one alternative of a measurement");
      Path file =
          folder.write("tuning-" + runtimes.size() + ".txt", text.getBytes(StandardCharsets.UTF_8));
      known = keep(TernaryRuntime.builder().maxIsa(isa).threads(threads).tuning(file).build());
      runtimes.put(key, known);
      if (!TuningFile.builtIn(known).values().equals(builtIn.values())) {
        throw new IllegalStateException("the machine has changed while it was measured");
      }
    }
    return known;
  }

  private <T extends AutoCloseable> T keep(T resource) {
    opened.add(resource);
    return resource;
  }

  private TernaryWeights weights(int n, int k, Layout layout) {
    Alpha alpha = random.alpha(AlphaKind.TENSOR, 0, n, k);
    try (TernaryWeights tiled = TernaryWeights.pack(random.weights(n, k), n, k, alpha)) {
      return keep(tiled.repack(layout));
    }
  }

  private Runnable product(
      TernaryRuntime runtime, TernaryWeights weights, Activation activation, int m) {
    TernaryLinear layer =
        keep(TernaryLinear.builder(runtime, weights).activation(activation).build());
    TernaryBuffer x = random.activations(DataType.BF16, m, (int) weights.k());
    TernaryBuffer y = TernaryBuffer.allocate(DataType.BF16, m * weights.n());
    return () -> layer.apply(x, y, m);
  }

  /** Nanoseconds of each contender in each round, taking turns. */
  private double[][] rounds(Runnable... contenders) {
    return rounds.run(
        Arrays.stream(contenders).map(Interleaved::of).toList(), sliceNanos, trialNanos);
  }

  /** From how many rows on the kernel for many is faster than the one for few. */
  private void threshold(String name, Layout layout) throws IOException {
    progress.accept(name);
    TernaryWeights weights = weights(2048, 2048, layout);
    TernaryRuntime never = runtime(cores, Map.of(name, NEVER));
    TernaryRuntime always = runtime(cores, Map.of(name, 1L));
    product(never, weights, Activation.A8, 1).run();
    product(always, weights, Activation.A8, 1).run();
    if (never.pathCounts().keySet().equals(always.pathCounts().keySet())) {
      how.put(name, "one kernel serves every M");
      return;
    }
    Crossover crossover = new Crossover();
    for (int m : ROWS) {
      crossover.add(
          m,
          rounds(
              product(never, weights, Activation.A8, m),
              product(always, weights, Activation.A8, m)));
    }
    take(
        name,
        crossover.from(),
        crossover.noise(),
        "time of the kernel for many rows over that for few, by M:" + crossover);
  }

  /** Half of the work from which two threads are faster than one. */
  private void workPerThread() throws IOException {
    progress.accept("work_per_thread");
    TernaryRuntime alone = runtime(2, Map.of("work_per_thread", WHOLE_CALL));
    TernaryRuntime both = runtime(2, Map.of("work_per_thread", 1L));
    Crossover crossover = new Crossover();
    for (int size : new int[] {128, 192, 256, 384, 512, 768, 1024, 1536}) {
      TernaryWeights weights = weights(size, size, Layout.I2S_TILED);
      crossover.add(
          (long) size * size,
          rounds(
              product(alone, weights, Activation.A8, 1), product(both, weights, Activation.A8, 1)));
    }
    perThread("work_per_thread", crossover);
  }

  private void elementsPerThread() throws IOException {
    progress.accept("elements_per_thread");
    TernaryRuntime alone = runtime(2, Map.of("elements_per_thread", WHOLE_CALL));
    TernaryRuntime both = runtime(2, Map.of("elements_per_thread", 1L));
    int rows = 16;
    Crossover crossover = new Crossover();
    for (int k : new int[] {256, 512, 1024, 2048, 4096, 8192}) {
      TernaryBuffer x = random.activations(DataType.BF16, rows, k);
      TernaryBuffer q = TernaryBuffer.allocate(DataType.I8, (long) rows * k);
      TernaryBuffer s = TernaryBuffer.allocate(DataType.F32, rows);
      crossover.add(
          (long) rows * k,
          rounds(
              () -> alone.quantise(x, null, null, q, s, rows, k),
              () -> both.quantise(x, null, null, q, s, rows, k)));
    }
    perThread("elements_per_thread", crossover);
  }

  private void perThread(String name, Crossover crossover) {
    take(
        name,
        Math.max(1, crossover.from() / 2),
        crossover.noise(),
        "time of two threads over one, by work:" + crossover);
  }

  /** Weights of one core at M = 1, from a matrix of half a megabyte that stays in its cache. */
  private void rate(String name, Layout layout, Activation activation) throws IOException {
    progress.accept(name);
    int n = 2048;
    int k = 1024;
    MedianInterval nanos =
        MedianInterval.of(
            rounds(product(runtime(1, Map.of()), weights(n, k, layout), activation, 1))[0]);
    take(
        name,
        Math.max(1, Math.round(n * k * 1e3 / nanos.median())),
        Noise.of(nanos),
        "one thread, M 1, " + n + " x " + k + " in cache");
  }

  /** What no cache holds, a whole number of pages a thread. */
  private long streamedBytes() {
    long wanted = Math.max(128L << 20, 4 * Long.parseLong(builtIn.machine("cache_bytes")));
    long step = 4096L * cores;
    return Math.min(wanted, 2L << 30) / step * step;
  }

  private void bandwidth(String name, int threads) throws IOException {
    progress.accept(name);
    TernaryRuntime runtime = runtime(cores, Map.of());
    long bytes = streamedBytes();
    Interleaved.Contender reads =
        nanos -> 1 / runtime.measureLimit(Limit.READ, threads, bytes, nanos).gigaPerSecond();
    MedianInterval nanosOfByte =
        MedianInterval.of(rounds.run(List.of(reads), 2 * trialNanos, 0)[0]);
    take(
        name,
        Math.max(1, Math.round(1e3 / nanosOfByte.median())),
        Noise.of(nanosOfByte),
        threads + (threads == 1 ? " thread reads " : " threads read ") + (bytes >> 20) + " MB");
  }

  /**
   * The distance at which streaming weights are multiplied fastest; the built-in one unless another
   * clearly wins.
   */
  private void prefetch() throws IOException {
    progress.accept("prefetch_bytes");
    int n = 4096;
    int k = 4096;
    List<TernaryWeights> copies = new ArrayList<>(List.of(weights(n, k, Layout.I2S_TILED)));
    while ((long) copies.size() * n * k / 4 < streamedBytes()) {
      copies.add(keep(copies.get(0).repack(Layout.I2S_TILED)));
    }
    List<Long> distances = new ArrayList<>(List.of(builtIn.value("prefetch_bytes")));
    Arrays.stream(PREFETCHES)
        .filter(distance -> !distances.contains(distance))
        .forEach(distances::add);
    Runnable[] contenders = new Runnable[distances.size()];
    for (int i = 0; i < contenders.length; i++) {
      TernaryRuntime runtime = runtime(cores, Map.of("prefetch_bytes", distances.get(i)));
      List<Runnable> products =
          copies.stream().map(weights -> product(runtime, weights, Activation.A8, 1)).toList();
      contenders[i] = () -> products.forEach(Runnable::run);
    }
    double[][] samples = rounds(contenders);
    int best = 0;
    double least = 1;
    Crossover open = new Crossover();
    StringBuilder ratios = new StringBuilder();
    for (int i = 0; i < samples.length; i++) {
      MedianInterval ratio = MedianInterval.ofRatios(samples[i], samples[0]);
      ratios.append(String.format(Locale.ROOT, " %d:%.2f", distances.get(i), ratio.median()));
      if (ratio.high() < CLEARLY && ratio.median() < least) {
        best = i;
        least = ratio.median();
      }
      open.add(i, new double[][] {samples[0], samples[i]});
    }
    take(
        "prefetch_bytes",
        distances.get(best),
        best > 0 ? 0 : open.noise(), // what clearly wins needs no others
        "streaming, M 1, time over that of the built-in distance:" + ratios);
  }

  @Override
  public void close() throws IOException {
    for (int i = opened.size() - 1; i >= 0; i--) {
      try {
        opened.get(i).close();
      } catch (Exception e) {
        throw new IllegalStateException("closing a layer, weights or a runtime cannot fail", e);
      }
    }
    folder.close();
  }
}
