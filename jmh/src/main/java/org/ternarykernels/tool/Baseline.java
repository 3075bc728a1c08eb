package org.ternarykernels.tool;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Times oneDNN on a layer in processes of their own: one with as many OpenMP threads as this runtime, told to spin
 * between calls, and one with a single thread; the faster counts. On a machine that others use too, oneDNN's threads
 * wait a scheduler's tick for each other (8 ms where 0.1 ms is needed), which would flatter us; and in this process they
 * would spin beside the kernels that are timed next. A library that does not load, or dies, is a reason in the table.
 */
final class Baseline {
  static final String LINE = "baseline\t";
  private static final long TIMEOUT_SECONDS = 60;

  /**
   * @param what ran, or why nothing did
   * @param micros null if nothing ran
   */
  record Timing(String what, Double micros) {}

  private Baseline() {}

  /** One timing for each number of rows, on the data of {@link LayerData}. */
  static List<Timing> fastest(Shape shape, long seed, int threads, int... rows)
      throws IOException, InterruptedException {
    List<Timing> timings = new ArrayList<>(time(shape, seed, 1, rows));
    if (threads > 1) {
      List<Timing> parallel = time(shape, seed, threads, rows);
      for (int i = 0; i < rows.length; i++) {
        timings.set(i, faster(timings.get(i), parallel.get(i)));
      }
    }
    return timings;
  }

  private static Timing faster(Timing a, Timing b) {
    return a.micros() == null || b.micros() != null && b.micros() < a.micros() ? b : a;
  }

  private static List<Timing> time(Shape shape, long seed, int threads, int... rows) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(), "--enable-native-access=ALL-UNNAMED", "-cp",
        System.getProperty("java.class.path"), OneDnnProcess.class.getName(), Integer.toString(shape.n()),
        Integer.toString(shape.k()), Long.toString(seed)));
    for (int m : rows) {
      command.add(Integer.toString(m));
    }
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("OMP_NUM_THREADS", Integer.toString(threads));
    builder.environment().putIfAbsent("OMP_WAIT_POLICY", "ACTIVE");
    Process process = builder.start();
    try {
      if (!process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
        return missing("oneDNN took over " + TIMEOUT_SECONDS + " s", rows.length);
      }
      return parse(new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8), rows.length);
    } finally {
      process.destroyForcibly();
    }
  }

  static List<Timing> parse(String printed, int count) {
    List<Timing> timings = new ArrayList<>();
    String last = "oneDNN's process said nothing";
    for (String line : printed.lines().toList()) {
      if (line.startsWith(LINE)) {
        String[] words = line.substring(LINE.length()).split("\t");
        timings.add(new Timing(words[0], words.length > 1 ? Double.valueOf(words[1]) : null));
      } else if (!line.isBlank()) {
        last = line.strip();
      }
    }
    return timings.size() == count ? timings : missing("oneDNN: " + last, count);
  }

  private static List<Timing> missing(String why, int count) {
    return Collections.nCopies(count, new Timing(why, null));
  }
}
