package org.ternarykernels.tool.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ternarykernels.Activation;
import org.ternarykernels.Alpha;
import org.ternarykernels.DataType;
import org.ternarykernels.Layout;
import org.ternarykernels.Oracle;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.TernaryWeights;
import org.ternarykernels.io.SafetensorsFile;
import org.ternarykernels.io.SafetensorsWriter;
import org.ternarykernels.io.TensorType;
import org.ternarykernels.tool.measure.DeviceClock;
import org.ternarykernels.tool.problem.RandomProblem;

/** The commands with {@code --device cuda}: the same bits as on the CPU. */
@Tag("gpu")
class CudaToolTest {
  private static final String PROMPT = "import os\nimport sys\n";

  @TempDir Path folder;

  private ToolRun decode(String device, Path json) {
    return ToolRun.of(
        "decode",
        "--model",
        ToolRun.MODEL,
        "--prompt",
        PROMPT,
        "--tokens",
        16,
        "--temperature",
        0.9,
        "--seed",
        5,
        "--device",
        device,
        "--json",
        json);
  }

  private static void assertOnlyGpu(JsonNode pathCounts) {
    assertThat(pathCounts).isNotEmpty();
    pathCounts.fieldNames().forEachRemaining(path -> assertThat(path).contains(".cuda.sm"));
  }

  private static boolean isSoftware(JsonNode gpu) {
    return gpu.asText().startsWith("Software GPU");
  }

  /** Times of the software GPU are those of an interpreter: null in the JSON of a command. */
  private static void assertTimedUnlessSoftware(JsonNode result, String... times) {
    try (TernaryRuntime runtime = TernaryRuntime.builder().device("cuda").build()) {
      for (String time : times) {
        assertThat(result.get(time).isNull())
            .as(time)
            .isEqualTo(!DeviceClock.tellsTime(runtime.device()));
      }
    }
  }

  @Test
  void tinyBitNetDecodesTheSameTextAsOnTheCpu() throws Exception {
    Path json = folder.resolve("decode.json");
    ToolRun cpu = decode("cpu", json);
    ToolRun gpu = decode("cuda", json);
    assertThat(gpu.err()).isEmpty();
    assertThat(gpu).isEqualTo(cpu);
    JsonNode result = ToolRun.json(json);
    assertThat(result.get("tokens").asInt()).isEqualTo(16);
    assertTimedUnlessSoftware(
        result, "seconds_prompt", "seconds_decode", "tokens_per_second", "profile");
    assertOnlyGpu(result.get("path_counts"));
  }

  @Test
  void bitsPerByteAreThoseOfTheCpu() throws Exception {
    Path text =
        Files.write(
            folder.resolve("part.txt"),
            Arrays.copyOf(Files.readAllBytes(ToolRun.MODEL.resolve("text.txt")), 97));
    Path json = folder.resolve("p.json");
    double[] bits = new double[2];
    for (int i = 0; i < 2; i++) {
      ToolRun run =
          ToolRun.of(
              "perplexity",
              "--model",
              ToolRun.MODEL,
              "--text",
              text,
              "--window",
              48,
              "--batch",
              24,
              "--device",
              i == 0 ? "cpu" : "cuda",
              "--json",
              json);
      assertThat(run.exitCode()).as(run.err()).isZero();
      bits[i] = ToolRun.json(json).get("bits_per_byte").asDouble();
    }
    assertThat(bits[1]).isEqualTo(bits[0]);
    assertTimedUnlessSoftware(ToolRun.json(json), "seconds");
    assertOnlyGpu(ToolRun.json(json).get("path_counts"));
  }

  @Test
  void kernelsThatTheCostModelChoosesAreWithinTheirBounds() throws Exception {
    Path shapes = Files.writeString(folder.resolve("shapes.txt"), "19 300 tails\n");
    Path json = folder.resolve("verify.json");
    ToolRun run =
        ToolRun.of(
            "verify", "--shapes", shapes, "--m", "1,3,17", "--device", "cuda", "--json", json);
    assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
    JsonNode result = ToolRun.json(json);
    assertThat(result.get("passed").asBoolean()).isTrue();
    // Of shapes as small as these the cost model prefers fused rows and the first arrangement.
    for (JsonNode kernel : result.get("not_reached")) {
      assertThat(kernel.asText()).containsPattern("^(gemv_a8_|cutlass_a)");
    }
    assertOnlyGpu(result.get("paths"));
  }

  @Test
  void infoNamesTheGpuAndItsKernels() throws Exception {
    Path json = folder.resolve("info.json");
    ToolRun run = ToolRun.of("info", "--device", "cuda", "--json", json);
    assertThat(run.exitCode()).as(run.err()).isZero();
    JsonNode gpu = ToolRun.json(json).get("cuda");
    assertThat(run.out())
        .contains(
            "gpu      "
                + gpu.get("name").asText()
                + " (cuda:0, compute capability "
                + gpu.get("capability").asText());
    String library = gpu.get("library").asText();
    int kernels = 0;
    for (JsonNode kernel : ToolRun.json(json).get("kernels")) {
      if (kernel.get("name").asText().endsWith(".cuda." + library)) {
        assertThat(run.out()).contains(kernel.get("name").asText());
        kernels++;
      }
    }
    assertThat(kernels).as("rows of the table").isGreaterThanOrEqualTo(6);
  }

  @Test
  void runGivesTheOraclesBits() {
    RandomProblem random = new RandomProblem(11);
    byte[] w = random.weights(24, 70);
    TernaryBuffer x = random.activations(DataType.BF16, 3, 70);
    Path in = folder.resolve("in.safetensors");
    Path out = folder.resolve("out.safetensors");
    new SafetensorsWriter()
        .put("x", x, 3, 70)
        .put("w", TensorType.I8, w, 24, 70)
        .put("alpha", new float[] {0.1f}, 1)
        .write(in);
    ToolRun run = ToolRun.of("run", "--op", "linear", "--in", in, "--out", out, "--device", "cuda");
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out()).contains(".cuda.sm");
    TernaryBuffer expected = TernaryBuffer.allocate(DataType.F32, 3 * 24);
    try (TernaryWeights weights =
            TernaryWeights.pack(w, 24, 70, Alpha.tensor(0.1f)).repack(Layout.I2S_TILED);
        SafetensorsFile file = SafetensorsFile.open(out)) {
      Oracle.linear(weights, Activation.A8, null, x, 70, null, expected, 24, 3);
      assertThat(file.tensor("y").toFloats()).isEqualTo(expected.toArray());
    }
  }

  /** Of a row of a benchmark. */
  private static void assertTimes(JsonNode row, boolean isSoftware) {
    if (isSoftware) {
      assertThat(row.fieldNames()).toIterable().doesNotContain("ns", "ns_low", "ns_high", "gbps");
    } else {
      assertThat(row.get("ns").asDouble()).as("%s", row).isPositive();
    }
  }

  @Test
  void benchPrintsTheModelBesideTheMeasurement() throws Exception {
    Path shapes = Files.writeString(folder.resolve("shapes.txt"), "48 320 small\n");
    Path json = folder.resolve("bench.json");
    ToolRun run =
        ToolRun.of(
            "bench",
            "--shapes",
            shapes,
            "--m",
            "2",
            "--layout",
            "i2s_tiled",
            "--memory",
            "RESIDENT",
            "--seconds",
            0.01,
            "--device",
            "cuda",
            "--op",
            "linear,linear_a16,rmsnorm_linear,quantise_activations",
            "--json",
            json);
    assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
    JsonNode result = ToolRun.json(json);
    assertThat(result.get("complete").asBoolean()).isTrue();
    assertThat(result.get("rows")).hasSize(4);
    boolean isSoftware = isSoftware(result.get("gpu"));
    assertThat(run.out().contains(DeviceClock.NO_TIMES)).isEqualTo(isSoftware);
    for (JsonNode row : result.get("rows")) {
      assertTimes(row, isSoftware);
      assertThat(row.get("path").asText()).contains(".cuda.sm");
      assertThat(row.get("rows_checked").asInt()).isEqualTo(row.get("M").asInt());
      if (!row.get("op").asText().equals("quantise_activations")) {
        assertThat(row.get("predicted_ns").asDouble()).isPositive();
      }
    }
    assertThat(run.out()).contains("model us");
    assertThat(run.out().lines()).allMatch(line -> line.length() <= 80);
  }

  @Test
  void benchChecksLayersOfExpertsAndRouters() throws Exception {
    Path json = folder.resolve("bench.json");
    ToolRun run =
        ToolRun.of(
            "bench",
            "--op",
            "moe,route",
            "--experts",
            "tiny-mangrove",
            "--m",
            "1,6",
            "--memory",
            "resident",
            "--routing",
            "uniform,one",
            "--activation",
            "a8,a8:64",
            "--seconds",
            0.01,
            "--device",
            "cuda",
            "--json",
            json);
    assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
    JsonNode result = ToolRun.json(json);
    assertThat(result.get("complete").asBoolean()).isTrue();
    boolean isSoftware = isSoftware(result.get("gpu"));
    assertThat(run.out().contains(DeviceClock.NO_TIMES)).isEqualTo(isSoftware);
    assertThat(result.get("rows")).hasSize(2 * 2 * 2 + 2);
    for (JsonNode row : result.get("rows")) {
      int m = row.get("M").asInt();
      boolean isRouter = row.get("op").asText().equals("route");
      assertThat(row.get("rows_checked").asInt()).isEqualTo(isRouter ? m : Math.min(m, 4));
      assertThat(row.get("path").asText())
          .contains(isRouter ? List.of("route.", "router.") : List.of("moe_gate_up.", "moe_down."))
          .contains(".cuda.sm");
      if (!isRouter) {
        assertThat(row.get("path").asText().contains(".block64."))
            .isEqualTo(row.get("activation").asText().equals("a8:64"));
        assertThat(row.get("active").asInt() == 1)
            .isEqualTo(row.get("routing").asText().equals("one"));
      }
      assertTimes(row, isSoftware);
    }
  }

  @Test
  void loadMakesItsStepsThere() throws Exception {
    Path shapes =
        Files.writeString(
            folder.resolve("small.txt"),
            "192 64 qkv\n64 128 o\n64 64 expert_gate_up\n64 32 expert_down\n");
    Path sizes =
        Files.writeString(
            folder.resolve("small.yaml"), "{layers: 2, experts: 4, active: 2, alpha: column}");
    Path json = folder.resolve("load.json");
    ToolRun run =
        ToolRun.of(
            "load",
            "--shapes",
            shapes,
            "--sizes",
            sizes,
            "--users",
            2,
            "--mix",
            "1x3",
            "--tokens",
            2,
            "--batch",
            6,
            "--device",
            "cuda",
            "--json",
            json);
    assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
    JsonNode result = ToolRun.json(json);
    boolean isSoftware = isSoftware(result.at("/environment/gpu/name"));
    assertThat(run.out().contains(DeviceClock.NO_TIMES)).isEqualTo(isSoftware);
    assertThat(result.at("/environment/device_times").asBoolean()).isEqualTo(!isSoftware);
    assertThat(result.at("/m1/p50_ns").isNull()).isEqualTo(isSoftware);
    assertThat(result.at("/rows/0/tokens_per_second").isNull()).isEqualTo(isSoftware);
    assertThat(result.at("/rows/0/requests").asInt()).isEqualTo(4);
    assertThat(result.at("/rows/0/failed").asInt()).isZero();
    assertThat(result.at("/plans/plans")).isNotEmpty();
    for (JsonNode plan : result.at("/plans/plans")) {
      assertThat(plan.get("path").asText()).contains(".cuda.sm");
      assertThat(plan.has("pdl")).isTrue();
    }
    assertThat(result.get("path_counts").toString()).contains("rmsnorm_linear.", "moe_down.");
    assertThat(result.get("expert_rows")).hasSize(4);
  }
}
