package org.ternarykernels.tool.jmh;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.results.format.ResultFormatFactory;
import org.openjdk.jmh.results.format.ResultFormatType;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.ternarykernels.tool.bench.RowBench;
import org.ternarykernels.tool.bench.RowSink;
import org.ternarykernels.tool.output.Anonymous;
import org.ternarykernels.tool.output.TextTable;

/** The JMH benchmarks, in processes of their own that JMH starts. */
public final class JmhBench implements RowBench {
  /** Every field of a row. */
  public static final String FIELDS =
      "benchmark, its parameters, mode, unit, score, ns (of a call), ns_low, ns_high, gbps,"
          + " gops, iterations, forks, jmh (what JMH itself writes, without paths), or error";

  private static final double CONFIDENCE = 0.95;

  private final TextTable table;
  private final JmhPlan plan;

  public JmhBench(TextTable table, JmhPlan plan) {
    this.table = table;
    this.plan = plan;
  }

  @Override
  public List<Map<String, Object>> planned() {
    return plan.tasks().stream().map(JmhPlan.Task::begin).toList();
  }

  @Override
  public boolean run(RowSink sink) {
    int name = plan.tasks().stream().mapToInt(task -> task.name().length()).max().orElse(0);
    table.note(
        "us: mean +- half of its 95 % interval; GB/s and GOPS: mean of iterations, of the bytes"
            + " and operations that a call cannot do without.");
    table
        .left("benchmark", name)
        .right("us", 10)
        .right("+-", 8)
        .right("GB/s", 8)
        .right("GOPS", 8)
        .right("forks", 5)
        .head();
    boolean right = true;
    for (JmhPlan.Task task : plan.tasks()) {
      Map<String, Object> begun = task.begin();
      sink.next(task.name());
      Map<String, Object> row = sink.finished(begun);
      row = row == null ? measure(task, begun) : row;
      right &= !row.containsKey("error");
      line(task, row);
      sink.add(row);
    }
    table.end();
    return right;
  }

  private Map<String, Object> measure(JmhPlan.Task task, Map<String, Object> row) {
    try {
      report(new Runner(plan.options(task)).runSingle(), row);
    } catch (RunnerException e) { // the others are still of interest
      row.put("error", Anonymous.text(reason(e)));
    }
    return row;
  }

  /** JMH hides what happened in its process behind its own sentence. */
  private static String reason(RunnerException error) {
    Throwable cause = error.getCause() == null ? error : error.getCause();
    for (Throwable hidden : cause.getSuppressed()) {
      return hidden.getMessage() == null ? hidden.toString() : hidden.getMessage();
    }
    return String.valueOf(cause.getMessage());
  }

  private static void report(RunResult run, Map<String, Object> row) {
    Result<?> primary = run.getPrimaryResult();
    Mode mode = run.getParams().getMode();
    row.put("mode", mode.shortLabel());
    row.put("unit", primary.getScoreUnit());
    row.put("score", primary.getScore());
    if (mode != Mode.Throughput) {
      double unit = run.getParams().getTimeUnit().toNanos(1);
      double[] interval = primary.getStatistics().getConfidenceIntervalAt(CONFIDENCE);
      row.put("ns", primary.getScore() * unit);
      row.put("ns_low", interval[0] * unit);
      row.put("ns_high", interval[1] * unit);
    }
    for (String rate : List.of("gbps", "gops")) {
      Result<?> result = run.getSecondaryResults().get(rate);
      row.put(rate, result == null ? null : result.getScore());
    }
    row.put("iterations", primary.getSampleCount());
    row.put("forks", run.getParams().getForks());
    row.put("jmh", document(run));
  }

  /** JMH's own JSON of a result: no file of the machine is named in it. */
  private static Map<String, Object> document(RunResult run) {
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    try (PrintStream stream = new PrintStream(text, false, StandardCharsets.UTF_8)) {
      ResultFormatFactory.getInstance(ResultFormatType.JSON, stream).writeOut(List.of(run));
    }
    try {
      List<Map<String, Object>> documents =
          new ObjectMapper()
              .readValue(text.toString(StandardCharsets.UTF_8), new TypeReference<>() {});
      Map<String, Object> document = documents.get(0);
      if (document.get("jvmArgs") instanceof List<?> arguments) {
        document.put(
            "jvmArgs",
            arguments.stream()
                .filter(argument -> Anonymous.json(argument).equals(argument))
                .toList()); // an argument with a path would still name its folder
      }
      return Anonymous.map(document);
    } catch (IOException e) {
      throw new UncheckedIOException("what JMH writes cannot be read: " + e.getMessage(), e);
    }
  }

  private void line(JmhPlan.Task task, Map<String, Object> row) {
    boolean hasInterval = number(row, "ns_low") <= number(row, "ns_high");
    table.row(
        task.name(),
        text("%.3f", number(row, "ns") * 1e-3),
        hasInterval ? text("%.3f", (number(row, "ns_high") - number(row, "ns_low")) / 2e3) : null,
        text("%.2f", number(row, "gbps")),
        text("%.2f", number(row, "gops")),
        row.get("forks"));
    if (!task.parameters().isEmpty()) {
      table.note(
          "    "
              + task.parameters().entrySet().stream()
                  .map(parameter -> parameter.getKey() + "=" + parameter.getValue())
                  .collect(Collectors.joining(" ")));
    }
    if (row.containsKey("error")) {
      table.note("  WRONG: " + row.get("error"));
    }
  }

  private static double number(Map<String, Object> row, String name) {
    return row.get(name) instanceof Number number ? number.doubleValue() : Double.NaN;
  }

  private static String text(String format, double value) {
    return Double.isNaN(value) ? null : String.format(Locale.ROOT, format, value);
  }
}
