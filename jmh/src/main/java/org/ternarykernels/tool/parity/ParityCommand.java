package org.ternarykernels.tool.parity;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.example.Model;
import org.ternarykernels.tool.measure.Machine;
import org.ternarykernels.tool.options.ModelOptions;
import org.ternarykernels.tool.options.OutDirOptions;
import org.ternarykernels.tool.options.OutputOptions;
import org.ternarykernels.tool.options.RuntimeOptions;
import org.ternarykernels.tool.output.Progress;
import org.ternarykernels.tool.output.ResultDocument;
import org.ternarykernels.tool.output.Screen;
import org.ternarykernels.tool.output.TextTable;
import org.ternarykernels.tool.problem.ByteTokens;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command; a prompt is a {@link Comparison}. */
@Command(
    name = "parity",
    description =
        "Continue prompts greedily with a model on two backends, and compare every token. With A8"
            + " all backends have the same bits, so the texts are the same.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "A backend is parts with commas between them:",
      "  cpu, cuda, cuda:N, auto   where layers are computed",
      "  isa:NAME, threads:N       highest instruction set; threads of a call",
      "  fused:0|1, pdl:0|1, splits:N, skip:M, cutlass:0|1|auto",
      "                            TERNARY_FUSE_RMSNORM_QKV and other settings",
      "  activation:A              in the place of --activation",
      "JSON: date, command, complete, seconds, environment {...} (of the first backend),"
          + " parity_passed, backends [a, b], path_counts [of a, of b], rows [{"
          + Comparison.FIELDS
          + "}].",
      "Exit code 1 if a token differs."
    })
public final class ParityCommand implements Callable<Integer> {
  private static final List<String> COLUMNS =
      List.of(
          "prompt",
          "tokens",
          "same",
          "first_mismatch",
          "id_a",
          "id_b",
          "gap_a",
          "gap_b",
          "logits_apart");

  /** Texts of the built-in list: code, prose, and one token alone. */
  private static final List<String> TEXTS =
      List.of("import os\nimport sys\n\ndef main():\n", "The quick brown fox", "a");

  /** Tokens of the built-in list, which are no text. */
  private static final List<String> TOKENS = List.of("1,2,3,5,8,13,21,34,55,89", "0");

  @Mixin private ModelOptions modelOptions;

  @Option(
      names = "--a",
      paramLabel = "SPEC",
      defaultValue = "cpu",
      converter = BackendSpec.FromText.class,
      description = "The first backend (default ${DEFAULT-VALUE}; see the end of this help).")
  private BackendSpec a;

  @Option(
      names = "--b",
      paramLabel = "SPEC",
      defaultValue = "cpu,isa:portable,threads:1",
      converter = BackendSpec.FromText.class,
      description = "The second backend (default ${DEFAULT-VALUE}).")
  private BackendSpec b;

  @Option(
      names = "--prompt",
      paramLabel = "TEXT",
      description =
          "Text to continue, a token a byte. May be repeated (default: texts and tokens that are"
              + " built in).")
  private List<String> texts = List.of();

  @Option(
      names = "--prompt-tokens",
      paramLabel = "IDS",
      description = "Tokens to continue, for example 12,34,56. May be repeated.")
  private List<String> tokenLists = List.of();

  @Option(
      names = "--tokens",
      paramLabel = "N",
      defaultValue = "32",
      description = "Tokens to write for each prompt (default ${DEFAULT-VALUE}).")
  private int tokens;

  @Option(
      names = "--batch",
      paramLabel = "M",
      defaultValue = "32",
      description = "Positions of a prompt that go together (default ${DEFAULT-VALUE}).")
  private int batch;

  @Mixin private OutDirOptions outDir;

  @Mixin(name = "output")
  private OutputOptions output;

  @Spec private CommandSpec spec;

  private final ResultDocument result = new ResultDocument("parity");
  private final Map<String, Object> json = result.json();
  private final List<Map<String, Object>> rows = result.rows();

  @Override
  public Integer call() throws Exception {
    require(tokens >= 1, "--tokens", tokens, "at least 1");
    require(batch >= 1, "--batch", batch, "at least 1");
    List<int[]> prompts = prompts();
    try (ModelBackend first = open("--a", a);
        ModelBackend second = open("--b", b)) {
      check(prompts, first);
      Map<String, Object> environment = new Machine().environment(first.runtime());
      json.put("environment", environment);
      rows.addAll(outDir.begin(environment));
      compare(prompts, first, second);
    }
    output.write(json);
    return passed() ? 0 : 1;
  }

  private void require(boolean valid, String option, Object value, String rule) {
    RuntimeOptions.require(valid, spec.commandLine(), option, value, rule);
  }

  private List<int[]> prompts() {
    boolean builtIn = texts.isEmpty() && tokenLists.isEmpty();
    Stream<int[]> ofTexts = (builtIn ? TEXTS : texts).stream().map(ByteTokens::of);
    Stream<int[]> ofTokens = (builtIn ? TOKENS : tokenLists).stream().map(this::ids);
    return Stream.concat(ofTexts, ofTokens).toList();
  }

  private int[] ids(String list) {
    require(
        list.matches("\\d{1,9}(,\\d{1,9})*"),
        "--prompt-tokens",
        "\"" + list + "\"",
        "whole numbers with commas between them");
    return Stream.of(list.split(",")).mapToInt(Integer::parseInt).toArray();
  }

  /** Prompts that a model cannot take are a wrong call, before one is begun. */
  private void check(List<int[]> prompts, ModelBackend model) {
    for (int i = 0; i < prompts.size(); i++) {
      int[] prompt = prompts.get(i);
      String which =
          i < (texts.isEmpty() && tokenLists.isEmpty() ? TEXTS : texts).size()
              ? "--prompt"
              : "--prompt-tokens";
      require(prompt.length > 0, which, "empty", "at least one token");
      for (int token : prompt) {
        require(
            token < model.vocabulary(),
            which,
            "with token " + token,
            "of tokens below " + model.vocabulary() + ", the model's vocabulary");
      }
      require(
          (long) prompt.length + tokens <= model.context(),
          "--tokens",
          tokens,
          "at most "
              + (model.context() - prompt.length)
              + " behind a prompt of "
              + prompt.length
              + " in a context of "
              + model.context());
    }
  }

  private ModelBackend open(String option, BackendSpec of) {
    TernaryRuntime runtime;
    try {
      runtime = of.open();
    } catch (IllegalArgumentException e) {
      throw new ParameterException(
          spec.commandLine(), option + " is " + of + ": " + e.getMessage(), e);
    }
    try {
      Model model = modelOptions.load(runtime, of.activation(modelOptions.activation()));
      return new ModelBackend(of.text(), runtime, model, batch);
    } catch (RuntimeException | Error e) {
      runtime.close();
      throw e;
    }
  }

  private void compare(List<int[]> prompts, ModelBackend first, ModelBackend second)
      throws IOException {
    Screen screen = Screen.of(spec);
    TextTable table =
        screen
            .table()
            .right("prompt", 6)
            .right("tokens", 6)
            .left("same", 4)
            .right("at", 5)
            .right("a", 6)
            .right("b", 6)
            .right("gap a", 9)
            .right("gap b", 9)
            .right("apart", 9);
    table.head();
    rows.forEach(row -> line(table, row));
    try (Progress progress = screen.progress("parity, prompts", prompts.size())) {
      for (int i = rows.size(); i < prompts.size(); i++) {
        progress.at(i);
        Map<String, Object> row = Comparison.of(i, prompts.get(i), tokens, first, second).json();
        rows.add(row);
        outDir.add(row);
        line(table, row);
        put(first, second, false);
        outDir.write(COLUMNS, rows, table.text(), json);
        output.writeSoFar(json);
      }
    }
    table.end();
    String end =
        passed()
            ? "parity: " + a + " and " + b + " wrote the same tokens"
            : "no parity: "
                + rows.stream().filter(row -> !Boolean.TRUE.equals(row.get("same"))).count()
                + " of "
                + rows.size()
                + " prompts differ between "
                + a
                + " and "
                + b;
    screen.line(end);
    put(first, second, true);
    outDir.write(COLUMNS, rows, table.text() + end + "\n", json);
  }

  private boolean passed() {
    return rows.stream().allMatch(row -> Boolean.TRUE.equals(row.get("same")));
  }

  private void put(ModelBackend first, ModelBackend second, boolean complete) {
    result.update(complete);
    json.put("parity_passed", complete ? passed() : null);
    json.put("backends", List.of(first.name(), second.name()));
    json.put("path_counts", List.of(first.pathCounts(), second.pathCounts()));
  }

  private static void line(TextTable table, Map<String, Object> row) {
    table.row(
        row.get("prompt"),
        row.get("tokens"),
        Boolean.TRUE.equals(row.get("same")) ? "yes" : "no",
        row.get("first_mismatch"),
        row.get("id_a"),
        row.get("id_b"),
        TextTable.number("%.3g", row.get("gap_a"), 1),
        TextTable.number("%.3g", row.get("gap_b"), 1),
        TextTable.number("%.3g", row.get("logits_apart"), 1));
  }
}
