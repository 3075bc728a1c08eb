package org.ternarykernels.tool.shadow;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.tool.output.Json;
import org.ternarykernels.tool.output.Progress;
import org.ternarykernels.tool.stack.ProductWatch;
import org.ternarykernels.tool.stack.Stack;

/** Steps of a stack while calls are computed again. */
final class ShadowRun {
  private static final String EXPERTS = "expert_gate_up";

  private final Path file;
  private final long every;
  private final long maxDiffs;
  private long steps;
  private long written;
  private DenseShadow dense;

  /**
   * @param file receives a line for each call that differs
   * @param every one call of so many is sampled
   * @param maxDiffs lines at most
   */
  ShadowRun(Path file, long every, long maxDiffs) {
    this.file = file;
    this.every = every;
    this.maxDiffs = maxDiffs;
  }

  /** Has the library compute calls again. */
  TernaryRuntime.Builder by(TernaryRuntime.Builder builder, String by) {
    return builder.shadow(by).shadowEvery(every).shadowFile(file).shadowMaxDiffs(maxDiffs);
  }

  /** Has products of shapes computed again by a dense one. */
  ProductWatch dense(TernaryRuntime runtime, double factor) throws IOException {
    Files.writeString(file, "");
    dense = new DenseShadow(runtime, every, factor, this::write);
    return dense;
  }

  private void write(Divergence found) {
    if (written == maxDiffs) {
      return;
    }
    try {
      Files.writeString(file, Json.line(found.json()) + "\n", StandardOpenOption.APPEND);
      written++;
    } catch (IOException e) {
      throw new UncheckedIOException(file + " cannot be written: " + e.getMessage(), e);
    }
  }

  /** Takes steps of so many rows each, in turns. */
  void steps(Stack stack, List<Integer> rows, int count, Progress progress) {
    for (int i = 0; i < count; i++) {
      progress.at(i);
      int m = rows.get(i % rows.size());
      try (Stack.Sequence text = stack.begin(m, 1, i)) {
        stack.step(List.of(new Stack.Part(text, m)));
      }
      steps++;
    }
  }

  /**
   * What happened, by the names that {@link TernaryRuntime#shadowCounts} has.
   *
   * @param expertLayers of a step, which no dense product computes again
   */
  Map<String, Long> counts(TernaryRuntime runtime, int expertLayers) {
    Map<String, Long> counts = new LinkedHashMap<>();
    Map<String, Long> core = runtime.shadowCounts();
    counts.put("sampled", dense == null ? core.get("sampled") : dense.sampled());
    counts.put("unsampled", dense == null ? core.get("unsampled") : steps * expertLayers);
    counts.put("different", dense == null ? core.get("different") : dense.different());
    counts.put("written", dense == null ? core.get("written") : written);
    counts.put("failed", dense == null ? core.get("failed") : 0L);
    return counts;
  }

  /** Whether a shape belongs to layers of experts. */
  static boolean isOfExperts(String shape) {
    return shape.equals(EXPERTS);
  }

  /** Why the first call could not be computed again; empty if all could. */
  static String error(TernaryRuntime runtime) throws IOException {
    return new ObjectMapper().readTree(runtime.countersJson()).path("shadow_error").asText();
  }
}
