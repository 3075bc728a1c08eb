package org.ternarykernels.tool.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import org.ternarykernels.Isa;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.tool.options.OutputOptions;
import org.ternarykernels.tool.options.RuntimeOptions;
import org.ternarykernels.tool.options.ShapeFiles;
import org.ternarykernels.tool.output.Progress;
import org.ternarykernels.tool.output.Screen;
import org.ternarykernels.tool.output.TextTable;
import org.ternarykernels.tool.problem.Shape;
import org.ternarykernels.tool.verify.ErrorBound;
import org.ternarykernels.tool.verify.ErrorStatistics;
import org.ternarykernels.tool.verify.VerifyLimits;
import org.ternarykernels.tool.verify.VerifyResult;
import org.ternarykernels.tool.verify.VerifySuite;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
    name = "verify",
    description =
        "Check every kernel that this machine, or the GPU of --device, can run against dense fp16"
            + " and fp32 products: each instruction set forced in turn, A8 per token and by block,"
            + " A16, every type of X, every kind of alpha, with and without RMSNorm and rotation."
            + " Relative errors are relative to max(|ref|, RMS of its row). Exit code 1 if an error"
            + " is above its bound.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "JSON: passed, bound, cases, failed, not_reached (kernels), paths {path: {cases, failed,"
          + " fp32, fp16}}, results [{op, shape, m, n, k, x, y, alpha, activation, rotation, path,"
          + " fp32, fp16, residual_out_right, passed}]; fp32 and fp16 are {max_abs, max_rel, rmse,"
          + " cosine, non_finite, max_of_bound}."
    })
final class VerifyCommand implements Callable<Integer> {
  /**
   * The quick set has K of every shape in odd.txt but not its large N, which only repeats the same
   * arithmetic.
   */
  private static final int QUICK_ROWS = 129;

  private static final int FAILURES_SHOWN = 20;

  @Option(
      names = "--shapes",
      paramLabel = "NAME|FILE",
      description =
          "A bundled shape file by its name, or a file of lines \"N K [name]\" (default: a quick"
              + " set of awkward K, under a minute).")
  private Path shapeFile;

  @Option(
      names = "--m",
      paramLabel = "LIST",
      split = ",",
      defaultValue = "1,5,33,128",
      description = "Rows of X, comma-separated (default ${DEFAULT-VALUE}).")
  private List<Integer> ms;

  @Option(
      names = "--max-abs",
      paramLabel = "E",
      description = "Allow this absolute error instead of the derived bound.")
  private Double maxAbs;

  @Option(
      names = "--max-rel",
      paramLabel = "E",
      description = "Allow this relative error instead of the derived bound.")
  private Double maxRel;

  @Mixin private RuntimeOptions runtimeOptions;

  @Mixin(name = "output")
  private OutputOptions output;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    for (int m : ms) {
      RuntimeOptions.require(m >= 1, spec.commandLine(), "--m", m, "at least 1");
    }
    // The suite provokes fallbacks to reach every kernel; the library's warnings about them would
    // only distract.
    System.setProperty("org.slf4j.simpleLogger.log.org.ternarykernels", "error");
    List<Shape> shapes = shapes();
    VerifyLimits limits = new VerifyLimits(maxAbs, maxRel);
    List<VerifySuite.Under> runtimes = new ArrayList<>();
    try {
      open(runtimes);
      Progress progress =
          Screen.of(spec).progress("verify, problems", VerifySuite.problems(shapes, ms));
      List<VerifyResult> results = new VerifySuite(runtimes, limits, progress::at).run(shapes, ms);
      return report(results, notReached(runtimes, results), limits);
    } finally {
      runtimes.forEach(under -> under.runtime().close());
    }
  }

  /**
   * A runtime for each instruction set; on a GPU one that chooses freely and one that prefers the
   * dense kernel.
   */
  private void open(List<VerifySuite.Under> runtimes) throws IOException {
    TernaryRuntime first = runtimeOptions.open();
    runtimes.add(new VerifySuite.Under(first, false));
    if (first.device().isCuda()) {
      runtimes.add(
          new VerifySuite.Under(
              runtimeOptions.builder(runtimeOptions.isa).prefillSkipM(1).build(), false));
      return;
    }
    runtimes.remove(0).runtime().close();
    for (Isa isa : isas()) {
      // Only the portable kernels read I2S; above them it would be the same call again.
      runtimes.add(new VerifySuite.Under(runtimeOptions.openCapped(isa), isa == Isa.PORTABLE));
    }
  }

  private List<Shape> shapes() throws IOException {
    if (shapeFile != null) {
      return ShapeFiles.read(spec.commandLine(), shapeFile);
    }
    List<Shape> quick = new ArrayList<>();
    for (Shape shape : ShapeFiles.bundled("odd")) {
      quick.add(new Shape(Math.min(shape.n(), QUICK_ROWS), shape.k(), shape.name()));
    }
    return quick;
  }

  /** The instruction sets to force: all that the machine has, or the one asked for. */
  private List<Isa> isas() throws IOException {
    if (runtimeOptions.isa != null) {
      return List.of(runtimeOptions.isa);
    }
    List<Isa> available = new ArrayList<>();
    try (TernaryRuntime runtime = runtimeOptions.open()) {
      for (JsonNode isa : new ObjectMapper().readTree(runtime.infoJson()).get("isas")) {
        if (isa.get("available").asBoolean()) {
          available.add(Isa.of(isa.get("name").asText()));
        }
      }
    }
    return available;
  }

  /** Kernels for products that could serve here and served nothing. */
  private static Set<String> notReached(
      List<VerifySuite.Under> runtimes, List<VerifyResult> results) throws IOException {
    Set<String> kernels = new TreeSet<>();
    for (VerifySuite.Under under : runtimes) {
      for (JsonNode kernel :
          new ObjectMapper().readTree(under.runtime().infoJson()).get("kernels")) {
        String name = kernel.get("name").asText();
        if (kernel.get("available").asBoolean()
            && kernel.get("stage").asText().startsWith("gemm")
            && name.contains(".cuda.") == under.runtime().device().isCuda()) {
          kernels.add(name);
        }
      }
    }
    for (VerifyResult result : results) {
      kernels.removeIf(kernel -> result.path().endsWith("." + kernel));
    }
    return kernels;
  }

  private int report(List<VerifyResult> results, Set<String> notReached, VerifyLimits limits)
      throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    out.println(
        limits.derived()
            ? ErrorBound.FORMULA
            : "limits: max_abs " + maxAbs + ", max_rel " + maxRel + " (null: none)");
    out.println();
    Map<String, Object> paths = new LinkedHashMap<>();
    TextTable table =
        Screen.of(spec)
            .table()
            .left("path", 46)
            .left("ref", 4)
            .right("of bound", 8)
            .right("max_rel", 9)
            .right("max_abs", 9)
            .right("rmse", 9)
            .right("cosine", 12)
            .right("nonfin", 6)
            .right("cases", 6);
    VerifySuite.byPath(results)
        .forEach((path, served) -> paths.put(path, summary(table, path, served)));
    table.end();
    List<VerifyResult> failed = results.stream().filter(result -> !result.passed()).toList();
    failed.stream().limit(FAILURES_SHOWN).forEach(result -> out.println("FAILED " + result.json()));
    if (failed.size() > FAILURES_SHOWN) {
      out.println("... and " + (failed.size() - FAILURES_SHOWN) + " more; --json has all");
    }
    notReached.forEach(kernel -> out.println("NOT REACHED " + kernel));
    // Fewer shapes or rows may leave a kernel idle; the default set must not.
    // On a GPU the cost model chooses, and may choose none of these for small shapes; native tests
    // run every row.
    boolean chosen = notReached.stream().allMatch(kernel -> kernel.contains(".cuda."));
    boolean complete = chosen || shapeFile != null || !ms.equals(List.of(1, 5, 33, 128));
    boolean passed = failed.isEmpty() && complete;
    out.printf(
        "%s: %d cases, %d failed%n", passed ? "passed" : "FAILED", results.size(), failed.size());
    out.flush();
    writeJson(results, failed.size(), notReached, paths, passed, limits);
    return passed ? 0 : 1;
  }

  private static Map<String, Object> summary(
      TextTable table, String path, List<VerifyResult> served) {
    ErrorStatistics fp32 = new ErrorStatistics();
    ErrorStatistics fp16 = new ErrorStatistics();
    served.forEach(result -> fp32.add(result.fp32()));
    served.forEach(result -> fp16.add(result.fp16()));
    line(table, path, served.size(), "fp32", fp32);
    line(table, "", served.size(), "fp16", fp16);
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("cases", served.size());
    json.put("failed", served.stream().filter(result -> !result.passed()).count());
    json.put("fp32", fp32.json());
    json.put("fp16", fp16.json());
    return json;
  }

  private static void line(
      TextTable table, String path, int cases, String reference, ErrorStatistics errors) {
    table.row(
        path,
        reference,
        String.format(Locale.ROOT, "%.3f", errors.maxOfBound),
        String.format(Locale.ROOT, "%.3g", errors.maxRel),
        String.format(Locale.ROOT, "%.3g", errors.maxAbs),
        String.format(Locale.ROOT, "%.3g", errors.rmse()),
        String.format(Locale.ROOT, "%.9f", errors.cosine()),
        errors.nonFinite,
        cases);
  }

  private void writeJson(
      List<VerifyResult> results,
      int failed,
      Set<String> notReached,
      Map<String, Object> paths,
      boolean passed,
      VerifyLimits limits)
      throws IOException {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("passed", passed);
    json.put(
        "bound",
        limits.derived() ? ErrorBound.FORMULA : "max_abs " + maxAbs + ", max_rel " + maxRel);
    json.put("cases", results.size());
    json.put("failed", failed);
    json.put("not_reached", notReached);
    json.put("paths", paths);
    json.put("results", results.stream().map(VerifyResult::json).toList());
    output.write(json);
  }
}
