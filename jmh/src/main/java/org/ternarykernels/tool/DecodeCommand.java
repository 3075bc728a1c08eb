package org.ternarykernels.tool;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.example.BitNetModel;
import org.ternarykernels.example.Sampler;
import org.ternarykernels.example.TextGenerator;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
    name = "decode",
    description = "Continue a text with a byte-level BitNet model. Greedy unless --temperature is given; greedy text of "
        + "a small model loops.",
    mixinStandardHelpOptions = true,
    footer = {"", "JSON: prompt, text (the continuation), tokens, prompt_tokens, seconds_prompt, seconds_decode, "
        + "tokens_per_second, path_counts."})
final class DecodeCommand implements Callable<Integer> {
  @Option(names = "--model", required = true, paramLabel = "DIR",
      description = "Folder with config.json and model.safetensors.")
  private Path model;

  @Option(names = "--prompt", required = true, paramLabel = "TEXT", description = "Text to continue; ASCII.")
  private String prompt;

  @Option(names = "--tokens", required = true, paramLabel = "N", description = "Tokens to write; one is a byte here.")
  private int tokens;

  @Option(names = "--temperature", paramLabel = "T", defaultValue = "0",
      description = "Draw from softmax(logits / T); 0, the default, takes the likeliest.")
  private float temperature;

  @Option(names = "--seed", paramLabel = "S", defaultValue = "1",
      description = "Seed of the draws (default 1): the same seed gives the same text.")
  private long seed;

  @Option(names = "--batch", paramLabel = "M", defaultValue = "32",
      description = "Prompt positions a call (default 32). Changes nothing but time.")
  private int batch;

  @Mixin private RuntimeOptions runtimeOptions;
  @Mixin(name = "output") private OutputOptions output;
  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    CommandLine command = spec.commandLine();
    RuntimeOptions.require(tokens >= 1, command, "--tokens", tokens, "at least 1");
    RuntimeOptions.require(batch >= 1, command, "--batch", batch, "at least 1");
    RuntimeOptions.require(
        temperature >= 0 && temperature < Float.POSITIVE_INFINITY, command, "--temperature", temperature,
        "finite and at least 0");
    int[] promptTokens = ByteTokens.of(prompt);
    try (TernaryRuntime runtime = runtimeOptions.open(); BitNetModel network = BitNetModel.load(runtime, model)) {
      Decoding decoding = decode(network, promptTokens, command.getOut());
      output.write(decoding.json(prompt, promptTokens.length, runtime));
    }
    return 0;
  }

  private Decoding decode(BitNetModel network, int[] promptTokens, PrintWriter out) {
    out.print(prompt);
    out.flush();
    Decoding decoding = new Decoding();
    new TextGenerator(network, batch).generate(promptTokens, tokens, new Sampler(temperature, seed), token -> {
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
    private long first;
    private long last;

    void add(int token) {
      text.append((char) token);
      last = System.nanoTime();
      if (text.length() == 1) {
        first = last;
      }
    }

    Map<String, Object> json(String prompt, int promptTokens, TernaryRuntime runtime) {
      double decoding = (last - first) / 1e9;
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("prompt", prompt);
      json.put("text", text.toString());
      json.put("tokens", text.length());
      json.put("prompt_tokens", promptTokens);
      json.put("seconds_prompt", (first - start) / 1e9);
      json.put("seconds_decode", decoding);
      json.put("tokens_per_second", text.length() > 1 ? (text.length() - 1) / decoding : null);
      json.put("path_counts", runtime.pathCounts());
      return json;
    }
  }
}
