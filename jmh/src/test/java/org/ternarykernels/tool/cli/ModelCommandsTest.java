package org.ternarykernels.tool.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ternarykernels.io.SafetensorsFile;
import org.ternarykernels.io.SafetensorsWriter;
import org.ternarykernels.io.Tensor;

/** {@code decode}, {@code perplexity} and {@code info}. */
public class ModelCommandsTest {
  private static final String PROMPT = "import os\nimport sys\n";

  @TempDir Path folder;

  @Test
  void decodeStreamsTheReferencesText() throws Exception {
    Path json = folder.resolve("decode.json");
    ToolRun run =
        ToolRun.of(
            "decode", "--model", ToolRun.MODEL, "--prompt", PROMPT, "--tokens", 33, "--json", json);
    assertThat(run.err()).isEmpty();
    assertThat(run.exitCode()).isZero();
    assertThat(run.out())
        .isEqualTo(PROMPT + "import sys\nimport sys\nimport sys\n" + System.lineSeparator());
    JsonNode result = ToolRun.json(json);
    assertThat(result.get("prompt").asText()).isEqualTo(PROMPT);
    assertThat(result.get("text").asText()).isEqualTo("import sys\nimport sys\nimport sys\n");
    assertThat(result.get("tokens").asInt()).isEqualTo(33);
    assertThat(result.get("prompt_tokens").asInt()).isEqualTo(PROMPT.length());
    assertThat(result.get("tokens_per_second").asDouble()).isPositive();
    assertThat(result.get("path_counts")).isNotEmpty();
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).as("no temporary file is left").containsExactly(json);
    }
  }

  /** The contract fixes the bits, so a greedy text by block is one text. */
  @Test
  void decodeAndPerplexityTakeActivationsByBlock() throws Exception {
    Path json = folder.resolve("result.json");
    ToolRun run =
        ToolRun.of(
            "decode",
            "--model",
            ToolRun.MODEL,
            "--prompt",
            PROMPT,
            "--tokens",
            22,
            "--activation",
            "a8:128",
            "--json",
            json);
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out()).isEqualTo(PROMPT + "import sys\nimport sys\n" + System.lineSeparator());
    JsonNode decoded = ToolRun.json(json);
    assertThat(decoded.get("activation").asText()).isEqualTo("a8:128");
    assertThat(decoded.get("path_counts").toString()).contains(".block128.");
    double[] bits = new double[3];
    String[] activations = {"a8", "a8:32", "a16"};
    Path text = folder.resolve("part.txt");
    Files.write(text, Arrays.copyOf(Files.readAllBytes(ToolRun.MODEL.resolve("text.txt")), 301));
    for (int i = 0; i < bits.length; i++) {
      assertThat(
              ToolRun.of(
                      "perplexity",
                      "--model",
                      ToolRun.MODEL,
                      "--text",
                      text,
                      "--activation",
                      activations[i],
                      "--json",
                      json)
                  .exitCode())
          .isZero();
      JsonNode result = ToolRun.json(json);
      assertThat(result.get("activation").asText()).isEqualTo(activations[i]);
      bits[i] = result.get("bits_per_byte").asDouble();
    }
    assertThat(Arrays.stream(bits).distinct().count()).as("%s", Arrays.toString(bits)).isEqualTo(3);
    assertThat(bits[1]).as("quantised finely").isCloseTo(bits[2], within(0.02));
    assertFailure(
        ToolRun.of("perplexity", "--model", folder, "--text", text, "--activation", "a8:33"),
        2,
        "--activation",
        "33",
        "multiple of 32");
  }

  @Test
  void decodeSaysWhereItsTimeWent() throws Exception {
    Path json = folder.resolve("decode.json");
    ToolRun run =
        ToolRun.of(
            "decode",
            "--model",
            ToolRun.MODEL,
            "--prompt",
            PROMPT,
            "--tokens",
            40,
            "--profile",
            "--json",
            json);
    assertThat(run.out())
        .containsPattern(
            "profile of decoding: layers \\d+\\.\\d %, attention \\d+\\.\\d %, other \\d+\\.\\d"
                + " %\\R");
    JsonNode result = ToolRun.json(json);
    JsonNode profile = result.get("profile");
    double seconds = 0;
    double shares = 0;
    for (String part : new String[] {"layers", "attention", "other"}) {
      assertThat(profile.get(part).asDouble()).as(part).isBetween(0.0, 1.0).isPositive();
      shares += profile.get(part).asDouble();
      seconds += profile.get("seconds_" + part).asDouble();
    }
    assertThat(shares).isCloseTo(1, within(1e-9));
    assertThat(seconds).isCloseTo(result.get("seconds_decode").asDouble(), within(1e-6));
    assertThat(
            ToolRun.of(
                    "decode",
                    "--model",
                    ToolRun.MODEL,
                    "--prompt",
                    PROMPT,
                    "--tokens",
                    1,
                    "--profile")
                .out())
        .contains("nothing was decoded");
  }

  @Test
  void decodeGivesTheSameTextForTheSameSeedWhateverItRunsOn() {
    ToolRun run = sampled("--seed", 5);
    assertThat(run.exitCode()).isZero();
    assertThat(run.out()).hasSizeGreaterThan(PROMPT.length() + 50);
    assertThat(sampled("--seed", 5, "--isa", "portable", "--threads", 1, "--batch", 1))
        .isEqualTo(run);
    assertThat(sampled("--seed", 6).out()).isNotEqualTo(run.out());
  }

  private static ToolRun sampled(Object... more) {
    Object[] fixed = {
      "decode", "--model", ToolRun.MODEL, "--prompt", PROMPT, "--tokens", 60, "--temperature", 0.9
    };
    Object[] all = Arrays.copyOf(fixed, fixed.length + more.length);
    System.arraycopy(more, 0, all, fixed.length, more.length);
    return ToolRun.of(all);
  }

  @Test
  void decodeSaysInOneSentenceWhatIsWrong() {
    assertFailure(
        ToolRun.of("decode", "--model", folder, "--prompt", "a", "--tokens", 1), 1, "config.json");
    assertFailure(
        ToolRun.of("decode", "--model", ToolRun.MODEL, "--prompt", "", "--tokens", 1),
        1,
        "prompt is empty");
    assertFailure(
        ToolRun.of("decode", "--model", ToolRun.MODEL, "--prompt", "ä", "--tokens", 1),
        1,
        "token 195 at place 0");
    assertFailure(
        ToolRun.of("decode", "--model", ToolRun.MODEL, "--prompt", "a", "--tokens", 600),
        1,
        "context");
    assertFailure(
        ToolRun.of("decode", "--model", ToolRun.MODEL, "--prompt", "a", "--tokens", 0),
        2,
        "--tokens is 0");
    assertFailure(
        ToolRun.of("decode", "--model", ToolRun.MODEL, "--prompt", "a", "--tokens", "x"),
        2,
        "--tokens",
        "'x'");
    assertFailure(
        ToolRun.of(
            "decode", "--model", ToolRun.MODEL, "--prompt", "a", "--tokens", 1, "--batch", 0),
        2,
        "--batch is 0");
    assertFailure(
        ToolRun.of(
            "decode",
            "--model",
            ToolRun.MODEL,
            "--prompt",
            "a",
            "--tokens",
            1,
            "--temperature",
            -1),
        2,
        "--temperature is -1");
    assertFailure(
        ToolRun.of(
            "decode", "--model", ToolRun.MODEL, "--prompt", "a", "--tokens", 1, "--isa", "sse9"),
        2,
        "--isa",
        "sse9",
        "portable, avx2");
    assertFailure(
        ToolRun.of(
            "decode", "--model", ToolRun.MODEL, "--prompt", "a", "--tokens", 1, "--threads", 0),
        2,
        "--threads is 0");
    assertFailure(ToolRun.of("decode", "--prompt", "a", "--tokens", 1), 2, "--model");
    assertFailure(
        ToolRun.of(
            "decode",
            "--model",
            ToolRun.MODEL,
            "--prompt",
            "a",
            "--tokens",
            1,
            "--json",
            folder.resolve("no/such/file.json")),
        2,
        "--json",
        "there is no folder");
  }

  @Test
  void verboseAddsWhereTheErrorCameFrom() {
    ToolRun run =
        ToolRun.of("decode", "--model", folder, "--prompt", "a", "--tokens", 1, "--verbose");
    assertThat(run.exitCode()).isEqualTo(1);
    assertThat(run.err()).contains("\tat org.ternarykernels.");
  }

  @Test
  void perplexityIsTheModelsWhateverItRunsOn() throws Exception {
    Path text = folder.resolve("part.txt");
    Files.write(text, Arrays.copyOf(Files.readAllBytes(ToolRun.MODEL.resolve("text.txt")), 801));
    Path json = folder.resolve("p.json");
    ToolRun run =
        ToolRun.of(
            "perplexity",
            "--model",
            ToolRun.MODEL,
            "--text",
            text,
            "--window",
            256,
            "--json",
            json);
    assertThat(run.exitCode()).isZero();
    assertThat(run.out()).matches("\\d\\.\\d{4} bits per byte \\(800 bytes, windows of 256\\)\\R");
    JsonNode result = ToolRun.json(json);
    assertThat(result.get("bytes").asInt()).isEqualTo(800);
    double bits = result.get("bits_per_byte").asDouble();
    // Between what the model reaches on its training text and the entropy of bytes drawn evenly
    // from 128.
    assertThat(bits).isBetween(1.1, 7.0);
    ToolRun other =
        ToolRun.of(
            "perplexity",
            "--model",
            ToolRun.MODEL,
            "--text",
            text,
            "--window",
            256,
            "--isa",
            "portable",
            "--threads",
            1,
            "--batch",
            33,
            "--json",
            json);
    assertThat(other.out()).isEqualTo(run.out());
    assertThat(ToolRun.json(json).get("bits_per_byte").asDouble()).isEqualTo(bits);
  }

  @Test
  void perplexitySaysInOneSentenceWhatIsWrong() throws Exception {
    Path one = Files.write(folder.resolve("one.txt"), new byte[] {65});
    Path high = Files.write(folder.resolve("high.txt"), new byte[] {65, 66, (byte) 200, 67});
    assertFailure(
        ToolRun.of("perplexity", "--model", ToolRun.MODEL, "--text", folder.resolve("none.txt")),
        1,
        "no such file: ",
        "none.txt");
    assertFailure(
        ToolRun.of("perplexity", "--model", ToolRun.MODEL, "--text", one),
        1,
        "1 bytes",
        "at least 2");
    assertFailure(
        ToolRun.of("perplexity", "--model", ToolRun.MODEL, "--text", high),
        1,
        "token 200 at place 2");
    assertFailure(
        ToolRun.of("perplexity", "--model", ToolRun.MODEL, "--text", high, "--window", 513),
        1,
        "window is 513",
        "512");
    assertFailure(
        ToolRun.of("perplexity", "--model", ToolRun.MODEL, "--text", high, "--window", 0),
        2,
        "--window is 0");
  }

  /** A folder with the model of the repository and more members in its config.json. */
  private Path model(String members) throws Exception {
    Path model = Files.createDirectories(folder.resolve("model"));
    String config = Files.readString(ToolRun.MODEL.resolve("config.json"));
    Files.writeString(model.resolve("config.json"), config.replaceFirst("\\{", "{" + members));
    Files.copy(
        ToolRun.MODEL.resolve("model.safetensors"),
        model.resolve("model.safetensors"),
        StandardCopyOption.REPLACE_EXISTING);
    return model;
  }

  /** Puts a tensor beside those of a model, or in the place of its own of this name. */
  private static void putTensor(Path model, String name, float... values) {
    SafetensorsWriter writer = new SafetensorsWriter().put(name, values, values.length);
    try (SafetensorsFile file = SafetensorsFile.open(ToolRun.MODEL.resolve("model.safetensors"))) {
      for (String other : file.names()) {
        Tensor tensor = file.tensor(other);
        if (!other.equals(name)) {
          writer.put(other, tensor.type(), tensor.toBytes(), tensor.shape());
        }
      }
      writer.write(model.resolve("model.safetensors"));
    }
  }

  /** The first token's logits are not finite: nothing is written that looks like a result. */
  @Test
  void logitsThatAreNotFiniteAreAnError() throws Exception {
    float[] broken = new float[384];
    Arrays.fill(broken, Float.NaN);
    Path model = model("");
    putTensor(model, "model.norm.weight", broken);
    Path json = folder.resolve("result.json");
    ToolRun decoded =
        ToolRun.of("decode", "--model", model, "--prompt", "def f", "--tokens", 5, "--json", json);
    assertFailure(decoded, 1, "position 4 ", "not finite", "NaN");
    assertThat(decoded.out()).isEqualTo("def f");
    assertFailure(
        ToolRun.of(
            "perplexity",
            "--model",
            model,
            "--text",
            ToolRun.MODEL.resolve("text.txt"),
            "--json",
            json),
        1,
        "position 0 ",
        "not finite");
    assertThat(json).doesNotExist();
  }

  @Test
  void whatAModelDoesNotKnowIsNamedAndCanBeIgnored() throws Exception {
    Path model = model("");
    Object[] decode = {"decode", "--model", model, "--prompt", PROMPT, "--tokens", 5};
    String text = ToolRun.of(decode).out();
    String colour = "\"colour\": \"green\",";
    model(colour);
    ToolRun warned = ToolRun.of(decode);
    assertThat(warned.exitCode()).isZero();
    assertThat(warned.out()).isEqualTo(text);
    assertThat(warned.sentences()).hasSize(1);
    assertThat(warned.err()).contains("warning", "colour");
    model(colour + "\"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": 4.0},");
    putTensor(model, "model.extra", 0);
    assertFailure(ToolRun.of(decode), 1, "rope_scaling.rope_type");
    Object[] ignoring = Arrays.copyOf(decode, decode.length + 6);
    ignoring[decode.length] = "--ignore-config";
    ignoring[decode.length + 1] = "rope_scaling";
    ignoring[decode.length + 2] = "--ignore-config";
    ignoring[decode.length + 3] = "colour";
    ignoring[decode.length + 4] = "--ignore-tensor";
    ignoring[decode.length + 5] = "no*thing";
    assertFailure(ToolRun.of(ignoring), 1, "model.extra");
    ignoring[decode.length + 5] = "model.ex*";
    assertThat(ToolRun.of(ignoring)).isEqualTo(new ToolRun(0, text, ""));
  }

  @Test
  void infoShowsMachineSettingsAndEveryKernel() throws Exception {
    Path json = folder.resolve("info.json");
    ToolRun run = ToolRun.of("info", "--threads", 1, "--isa", "portable", "--json", json);
    assertThat(run.exitCode()).isZero();
    JsonNode info = ToolRun.json(json);
    for (JsonNode kernel : info.get("kernels")) {
      assertThat(run.out()).contains(kernel.get("name").asText());
      assertThat(kernel.get("available").asBoolean())
          .isEqualTo(kernel.get("isa").asText().equals("portable"));
    }
    assertThat(info.get("kernels")).isNotEmpty();
    assertThat(run.out())
        .containsPattern("TERNARY_NUM_THREADS +1 +(builder|caller)")
        .containsPattern("gemm.*no: ");
  }

  @Test
  void wrongCommandsAreUsageErrorsAndHelpIsHelp() {
    assertFailure(ToolRun.of(), 2, "Missing command");
    assertFailure(ToolRun.of("frobnicate"), 2, "frobnicate");
    assertFailure(ToolRun.of("info", "--frobnicate"), 2, "--frobnicate");
    for (String command :
        new String[] {"quickstart", "info", "decode", "perplexity", "run", "verify"}) {
      ToolRun help = ToolRun.of(command, "--help");
      assertThat(help.exitCode()).isZero();
      assertThat(help.out()).contains("--json").contains("JSON: ").contains("--isa");
      assertThat(ToolRun.of("--help").out()).contains(command);
    }
  }

  /** One sentence on stderr, nothing else, and the exit code. */
  public static void assertFailure(ToolRun run, int exitCode, String... words) {
    assertThat(run.exitCode()).as(run.err()).isEqualTo(exitCode);
    assertThat(run.sentences()).hasSize(1);
    assertThat(run.err()).startsWith("ternary").contains(words);
  }
}
