package org.ternarykernels.tool.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.example.Model;
import org.ternarykernels.example.Perplexity;
import org.ternarykernels.tool.measure.DeviceClock;
import org.ternarykernels.tool.options.ModelOptions;
import org.ternarykernels.tool.options.OutputOptions;
import org.ternarykernels.tool.options.RuntimeOptions;
import org.ternarykernels.tool.output.Progress;
import org.ternarykernels.tool.output.Screen;
import org.ternarykernels.tool.problem.ByteTokens;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
    name = "perplexity",
    description =
        "Print how well a byte-level model, BitNet or Qwen3-MoE, predicts a text, in bits per byte."
            + " The text is cut into windows, each read from an empty context; the first byte of"
            + " the text is not predicted.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "JSON: bits_per_byte, bytes (predicted), window, batch, seconds, path_counts, activation."
    })
final class PerplexityCommand implements Callable<Integer> {
  @Mixin private ModelOptions model;

  @Option(
      names = "--text",
      required = true,
      paramLabel = "FILE",
      description = "Text of bytes below the vocabulary.")
  private Path text;

  @Option(
      names = "--window",
      paramLabel = "N",
      defaultValue = "512",
      description = "Bytes predicted from one context (default 512); at most the model's context.")
  private int window;

  @Option(
      names = "--batch",
      paramLabel = "M",
      defaultValue = "128",
      description = "Positions a call (default 128). Changes nothing but time.")
  private int batch;

  @Mixin private RuntimeOptions runtimeOptions;

  @Mixin(name = "output")
  private OutputOptions output;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    CommandLine command = spec.commandLine();
    RuntimeOptions.require(window >= 1, command, "--window", window, "at least 1");
    RuntimeOptions.require(batch >= 1, command, "--batch", batch, "at least 1");
    int[] tokens = ByteTokens.of(Files.readAllBytes(text));
    Progress progress = Screen.of(spec).progress("perplexity", tokens.length - 1);
    try (TernaryRuntime runtime = runtimeOptions.open();
        Model network = model.load(runtime)) {
      long start = System.nanoTime();
      double bits = Perplexity.bitsPerByte(network, tokens, window, batch, progress::at);
      double seconds = (System.nanoTime() - start) / 1e9;
      command
          .getOut()
          .printf(
              Locale.ROOT,
              "%.4f bits per byte (%d bytes, windows of %d)%n",
              bits,
              tokens.length - 1,
              window);
      command.getOut().flush();
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("bits_per_byte", bits);
      json.put("bytes", tokens.length - 1);
      json.put("window", window);
      json.put("batch", batch);
      json.put("seconds", DeviceClock.tellsTime(runtime.device()) ? seconds : null);
      json.put("path_counts", runtime.pathCounts());
      json.put("activation", model.activation().toString());
      output.write(json);
    }
    return 0;
  }
}
