package org.ternarykernels.tool.cli;

import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.example.Model;
import org.ternarykernels.example.Sampler;
import org.ternarykernels.example.Session;
import org.ternarykernels.example.TextGenerator;
import org.ternarykernels.tool.measure.DeviceClock;
import org.ternarykernels.tool.options.ModelOptions;
import org.ternarykernels.tool.options.OutputOptions;
import org.ternarykernels.tool.options.RuntimeOptions;
import org.ternarykernels.tool.problem.ByteTokens;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
    name = "decode",
    description =
        "Continue a text with a byte-level model, BitNet or Qwen3-MoE. Greedy unless --temperature"
            + " is given; greedy text of a small model loops.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "JSON: prompt, text (the continuation), tokens, prompt_tokens, seconds_prompt,"
          + " seconds_decode, tokens_per_second, profile (of decoding: share of time in layers,"
          + " attention, other; seconds of each), path_counts, activation."
    })
final class DecodeCommand implements Callable<Integer> {
  @Mixin private ModelOptions model;

  @Option(
      names = "--prompt",
      required = true,
      paramLabel = "TEXT",
      description = "Text to continue; ASCII.")
  private String prompt;

  @Option(
      names = "--tokens",
      required = true,
      paramLabel = "N",
      description = "Tokens to write; one is a byte here.")
  private int tokens;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      defaultValue = "0",
      description = "Draw from softmax(logits / T); 0, the default, takes the likeliest.")
  private float temperature;

  @Option(
      names = "--seed",
      paramLabel = "S",
      defaultValue = "1",
      description = "Seed of the draws (default 1): the same seed gives the same text.")
  private long seed;

  @Option(
      names = "--batch",
      paramLabel = "M",
      defaultValue = "32",
      description = "Prompt positions a call (default 32). Changes nothing but time.")
  private int batch;

  @Option(
      names = "--profile",
      description =
          "Also say where the time of decoding went: ternary layers (kernels and their calls),"
              + " attention, other.")
  private boolean profile;

  @Mixin private RuntimeOptions runtimeOptions;

  @Mixin(name = "output")
  private OutputOptions output;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    CommandLine command = spec.commandLine();
    RuntimeOptions.require(tokens >= 1, command, "--tokens", tokens, "at least 1");
    RuntimeOptions.require(batch >= 1, command, "--batch", batch, "at least 1");
    RuntimeOptions.require(
        temperature >= 0 && temperature < Float.POSITIVE_INFINITY,
        command,
        "--temperature",
        temperature,
        "finite and at least 0");
    int[] promptTokens = ByteTokens.of(prompt);
    try (TernaryRuntime runtime = runtimeOptions.open();
        Model network = model.load(runtime)) {
      Decoding decoding = decode(network, promptTokens, command.getOut());
      if (profile) {
        command
            .getOut()
            .println(
                DeviceClock.tellsTime(runtime.device())
                    ? decoding.profileLine()
                    : DeviceClock.NO_TIMES);
        command.getOut().flush();
      }
      Map<String, Object> json = decoding.json(prompt, promptTokens.length, runtime);
      json.put("activation", model.activation().toString());
      output.write(json);
    }
    return 0;
  }

  private Decoding decode(Model network, int[] promptTokens, PrintWriter out) {
    out.print(prompt);
    out.flush();
    TextGenerator generator = new TextGenerator(network, batch);
    Decoding decoding = new Decoding(generator);
    generator.generate(
        promptTokens,
        tokens,
        new Sampler(temperature, seed),
        token -> {
          decoding.add(token);
          out.print((char) token);
          out.flush();
        });
    out.println();
    out.flush();
    return decoding;
  }

  /** The text so far and when its tokens came. */
  private static final class Decoding {
    private final StringBuilder text = new StringBuilder();
    private final long start = System.nanoTime();
    private final TextGenerator generator;
    private long first;
    private long last;
    private Session.Times beforeDecoding;
    private Session.Times decoding;

    Decoding(TextGenerator generator) {
      this.generator = generator;
    }

    void add(int token) {
      text.append((char) token);
      last = System.nanoTime();
      if (text.length() == 1) {
        first = last;
        beforeDecoding = generator.times();
      }
      decoding = generator.times().since(beforeDecoding);
    }

    /**
     * Shares of the time from the first token to the last; what the session does not see (drawing,
     * printing) is other.
     */
    Map<String, Object> profile() {
      long total = last - first;
      long other = total - decoding.layers() - decoding.attention();
      Map<String, Object> shares = new LinkedHashMap<>();
      shares.put("layers", share(decoding.layers(), total));
      shares.put("attention", share(decoding.attention(), total));
      shares.put("other", share(other, total));
      shares.put("seconds_layers", decoding.layers() / 1e9);
      shares.put("seconds_attention", decoding.attention() / 1e9);
      shares.put("seconds_other", other / 1e9);
      return shares;
    }

    private static Double share(long part, long total) {
      return total == 0 ? null : (double) part / total;
    }

    String profileLine() {
      Map<String, Object> shares = profile();
      if (shares.get("layers") == null) {
        return "profile: nothing was decoded after the first token";
      }
      return String.format(
          Locale.ROOT,
          "profile of decoding: layers %.1f %%, attention %.1f %%, other %.1f %%",
          100 * (Double) shares.get("layers"),
          100 * (Double) shares.get("attention"),
          100 * (Double) shares.get("other"));
    }

    Map<String, Object> json(String prompt, int promptTokens, TernaryRuntime runtime) {
      double decoding = (last - first) / 1e9;
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("prompt", prompt);
      json.put("text", text.toString());
      json.put("tokens", text.length());
      json.put("prompt_tokens", promptTokens);
      boolean timed = DeviceClock.tellsTime(runtime.device());
      json.put("seconds_prompt", timed ? (first - start) / 1e9 : null);
      json.put("seconds_decode", timed ? decoding : null);
      json.put(
          "tokens_per_second", timed && text.length() > 1 ? (text.length() - 1) / decoding : null);
      json.put("profile", timed ? profile() : null);
      json.put("path_counts", runtime.pathCounts());
      return json;
    }
  }
}
