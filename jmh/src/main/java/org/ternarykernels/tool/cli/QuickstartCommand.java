package org.ternarykernels.tool.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.example.Model;
import org.ternarykernels.example.Perplexity;
import org.ternarykernels.example.Sampler;
import org.ternarykernels.example.TextGenerator;
import org.ternarykernels.tool.bench.LayerTrial;
import org.ternarykernels.tool.measure.DeviceClock;
import org.ternarykernels.tool.onednn.Baseline;
import org.ternarykernels.tool.options.OutputOptions;
import org.ternarykernels.tool.options.RuntimeOptions;
import org.ternarykernels.tool.output.Progress;
import org.ternarykernels.tool.output.Screen;
import org.ternarykernels.tool.output.TextTable;
import org.ternarykernels.tool.problem.BundledData;
import org.ternarykernels.tool.problem.ByteTokens;
import org.ternarykernels.tool.problem.Shape;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
    name = "quickstart",
    description =
        "The main job in under two minutes: a trained BitNet writes text and is measured in bits"
            + " per byte; then the layers of a BitNet-2B-4T and a Qwen3-30B-A3B block are timed,"
            + " checked and compared with oneDNN.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "JSON: text, tokens_per_second, bits_per_byte, layers [{block, shape, m, n, k, path, micros,"
          + " gb_per_s, gops, baseline, baseline_micros, ratio, max_rel_fp32, within_bound}],"
          + " counters {path_counts, fallback_counts}."
    })
final class QuickstartCommand implements Callable<Integer> {
  private static final String PROMPT = "def read_file(path):\n    ";
  private static final int TOKENS = 240;
  private static final float TEMPERATURE = 0.5f;
  private static final List<String> BLOCKS = List.of("bitnet-2b-4t", "qwen3-30b-a3b");
  private static final int LAYERS = 8;
  private static final int[] ROWS = {1, 32};

  @Option(
      names = "--test-data",
      paramLabel = "DIR",
      description = "Folder with tiny-bitnet/ and shapes/ (default: those in the jar).")
  private Path testData;

  @Mixin private RuntimeOptions runtimeOptions;

  @Mixin(name = "output")
  private OutputOptions output;

  @Spec private CommandSpec spec;

  private PrintWriter out;
  private int threads;
  private final Map<String, Object> json = new LinkedHashMap<>();

  @Override
  public Integer call() throws Exception {
    out = spec.commandLine().getOut();
    boolean right;
    try (BundledData data = new BundledData(testData);
        TernaryRuntime runtime = runtimeOptions.open()) {
      machine(runtime);
      text(runtime, data.model());
      right = layers(runtime, data);
      counters(runtime);
    }
    output.write(json);
    if (!right) {
      throw new IllegalStateException(
          "an output was beyond its error bound; \"ternary verify\" shows which kernel");
    }
    return 0;
  }

  private void machine(TernaryRuntime runtime) throws IOException {
    JsonNode info = new ObjectMapper().readTree(runtime.infoJson());
    List<String> isas = new ArrayList<>();
    info.get("isas")
        .forEach(
            isa -> {
              if (isa.get("available").asBoolean()) {
                isas.add(isa.get("name").asText());
              }
            });
    threads = info.get("threads").asInt();
    out.println(
        info.get("device").asText() + ", " + threads + " threads, " + String.join(" ", isas));
    out.flush();
  }

  private void text(TernaryRuntime runtime, Path folder) throws IOException {
    out.println();
    out.println(
        "1. tiny-bitnet, trained on Python source, continues \"def read_file(path):\" (temperature "
            + TEMPERATURE
            + ")");
    out.println();
    try (Model model = Model.load(runtime, folder)) {
      out.print(PROMPT);
      StringBuilder text = new StringBuilder();
      long start = System.nanoTime();
      new TextGenerator(model, 32)
          .generate(
              ByteTokens.of(PROMPT),
              TOKENS,
              new Sampler(TEMPERATURE, 1),
              token -> {
                text.append((char) token);
                out.print((char) token);
                out.flush();
              });
      boolean timed = DeviceClock.tellsTime(runtime.device());
      double tokensPerSecond = TOKENS / ((System.nanoTime() - start) / 1e9);
      out.println();
      int[] held = ByteTokens.of(Files.readAllBytes(folder.resolve("text.txt")));
      Progress progress = Screen.of(spec).progress("bits per byte", held.length - 1);
      double bits =
          Perplexity.bitsPerByte(model, held, model.config().context(), 128, progress::at);
      out.println();
      out.printf(
          Locale.ROOT,
          "%.4f bits per byte on text it never saw; %s%n",
          bits,
          timed
              ? String.format(Locale.ROOT, "%.0f tokens/s", tokensPerSecond)
              : DeviceClock.NO_TIMES);
      out.flush();
      json.put("text", text.toString());
      json.put("tokens_per_second", timed ? tokensPerSecond : null);
      json.put("bits_per_byte", bits);
    }
  }

  /** Times and checks the layers of the blocks; false if an output was beyond its bound. */
  private boolean layers(TernaryRuntime runtime, BundledData data) throws IOException {
    out.println();
    out.println(
        "2. Layers with int8 activations, bf16 in and out; weights warm. Median of slices in turns"
            + " with oneDNN on the same weights; ratio: oneDNN's time / this.");
    out.println();
    TextTable table =
        Screen.of(spec)
            .table()
            .left("shape (N x K)", 25)
            .right("M", 3)
            .right("us", 9)
            .right("speed", 11)
            .right("ratio", 10)
            .right("max_rel", 8)
            .left("path", 36);
    table.head();
    List<LayerTrial.Result> results = new ArrayList<>();
    List<Map<String, Object>> rows = new ArrayList<>();
    Progress progress = Screen.of(spec).progress("layers done", LAYERS);
    try (Baseline baseline = new Baseline(threads, false)) {
      for (String block : BLOCKS) {
        out.println(block);
        for (Shape shape : data.shapes(block)) {
          if (shape.name().equals("lm_head")) {
            continue; // not part of a block
          }
          progress.at(results.size() / ROWS.length, "now " + shape.name());
          for (LayerTrial.Result result : layer(runtime, shape, baseline, results.size(), table)) {
            results.add(result);
            Map<String, Object> row = new LinkedHashMap<>(Map.of("block", block));
            row.putAll(result.json());
            rows.add(row);
          }
        }
      }
    }
    table.end();
    explainBaseline(results);
    json.put("layers", rows);
    return results.stream().allMatch(LayerTrial.Result::withinBound);
  }

  private List<LayerTrial.Result> layer(
      TernaryRuntime runtime, Shape shape, Baseline baseline, long seed, TextTable table) {
    List<LayerTrial.Result> results = new ArrayList<>();
    try (LayerTrial trial = new LayerTrial(runtime, threads, shape, seed, baseline, ROWS)) {
      for (int i = 0; i < ROWS.length; i++) {
        results.add(trial.run(i));
        print(table, results.get(i));
      }
    }
    return results;
  }

  /** Says why there is no ratio, or not the one to bf16. */
  private void explainBaseline(List<LayerTrial.Result> results) {
    results.stream()
        .filter(result -> result.baselineMicros() == null)
        .map(LayerTrial.Result::baseline)
        .distinct()
        .forEach(why -> out.println("No ratio: " + why));
    if (results.stream().anyMatch(result -> result.baseline().equals("oneDNN f32"))) {
      out.println("The ratio is to oneDNN's f32: its bf16 needs AVX-512 or newer.");
    }
  }

  private void print(TextTable table, LayerTrial.Result result) {
    String speed =
        result.m() == 1
            ? String.format(Locale.ROOT, "%.1f GB/s", result.gigabytesPerSecond())
            : String.format(Locale.ROOT, "%.0f GOPS", result.gigaOperations());
    String ratio =
        result.ratio() == null
            ? null
            : String.format(
                Locale.ROOT, "%.1fx %s", result.ratio(), result.baseline().replace("oneDNN ", ""));
    Shape shape = result.shape();
    table.row(
        "  " + shape.name() + " (" + shape.n() + " x " + shape.k() + ")",
        result.m(),
        String.format(Locale.ROOT, "%.1f", result.micros()),
        speed,
        ratio,
        String.format(Locale.ROOT, "%.1e", result.worstError()),
        result.path());
    if (!result.withinBound()) {
      out.println("  BEYOND ITS BOUND: " + shape.name() + " of M " + result.m());
    }
    out.flush();
  }

  private void counters(TernaryRuntime runtime) {
    out.println();
    out.println("Calls by path:");
    runtime.pathCounts().forEach((path, count) -> out.printf("  %-48s %10d%n", path, count));
    out.println(runtime.fallbackCounts().isEmpty() ? "No fallbacks." : "Fallbacks:");
    runtime.fallbackCounts().forEach((path, count) -> out.printf("  %-48s %10d%n", path, count));
    out.flush();
    json.put(
        "counters",
        Map.of("path_counts", runtime.pathCounts(), "fallback_counts", runtime.fallbackCounts()));
  }
}
