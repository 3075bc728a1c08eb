package org.ternarykernels.tool.cli;

import java.util.List;
import org.ternarykernels.tool.jmh.JmhPlan;
import org.ternarykernels.tool.options.RuntimeOptions;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What {@code bench --jmh} runs. */
final class JmhOptions {
  @Option(
      names = "--jmh",
      description =
          "Run the JMH benchmarks instead, in processes that JMH starts. All of them take hours.")
  private boolean jmh;

  @Option(
      names = "--jmh-include",
      paramLabel = "REGEX",
      description =
          "Benchmarks in whose name this is found: LinearBenchmark, RmsNormBenchmark,"
              + " QuantiseBenchmark, CallOverheadBenchmark (default: all).")
  private String include;

  @Option(
      names = "--jmh-options",
      paramLabel = "TEXT",
      description =
          "Options as of JMH's own command line, for example \"-p shape=bitnet-2b-4t/o -p m=1,8 -f"
              + " 1\".")
  private String options;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  boolean isGiven() {
    return jmh;
  }

  /** Refuses what belongs to {@code --jmh} without it. */
  void check() {
    RuntimeOptions.require(
        jmh || include == null,
        command.commandLine(),
        "--jmh-include",
        "\"" + include + "\"",
        "given with --jmh");
    RuntimeOptions.require(
        jmh || options == null,
        command.commandLine(),
        "--jmh-options",
        "\"" + options + "\"",
        "given with --jmh");
  }

  JmhPlan plan() {
    try {
      String words = options == null ? "" : options.strip();
      return new JmhPlan(
          include == null ? "" : include,
          words.isEmpty() ? List.of() : List.of(words.split("\\s+")));
    } catch (IllegalArgumentException e) {
      throw new ParameterException(command.commandLine(), e.getMessage(), e);
    }
  }
}
