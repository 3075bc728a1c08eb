package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.ternarykernels.internal.RuntimeSettings;
import org.ternarykernels.internal.Status;

class TernaryRuntimeTest {
  private final Random random = new Random(5);

  private static void assertRejected(ThrowingCallable call, String... parts) {
    assertThatThrownBy(call)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(parts);
  }

  private static void withProperty(String name, String value, Runnable code) {
    System.setProperty(name, value);
    try {
      code.run();
    } finally {
      System.clearProperty(name);
    }
  }

  private static void applyOnce(TernaryRuntime runtime, Layout layout) {
    try (TernaryWeights packed = TernaryWeights.pack(new byte[16 * 64], 16, 64, Alpha.tensor(1));
        TernaryWeights weights = packed.repack(layout);
        TernaryLinear linear = TernaryLinear.builder(runtime, weights).build()) {
      linear.apply(new float[64], 1);
    }
  }

  @Test
  void saysItsVersionAndWhatItIs() throws IOException {
    String version = TernaryRuntime.version();
    try (InputStream stream = getClass().getResourceAsStream("binding/version.txt")) {
      // CMake's is a number alone, so a snapshot's natives have the version that it leads to.
      String maven = new String(stream.readAllBytes(), StandardCharsets.UTF_8).strip();
      assertThat(version).isEqualTo(maven.replace("-SNAPSHOT", ""));
    }
    try (TernaryRuntime runtime = TernaryRuntime.create()) {
      assertThat(runtime.infoJson())
          .startsWith("{")
          .endsWith("}")
          .contains("\"version\":\"" + version + "\"", "portable", "kernels");
    }
  }

  @Test
  void countsPathsAndResets() {
    try (TernaryRuntime runtime = TestDevice.onCpu().maxIsa(Isa.PORTABLE).build()) {
      assertThat(runtime.pathCounts()).isEmpty();
      applyOnce(runtime, Layout.I2S_TILED);
      applyOnce(runtime, Layout.I2S_TILED);
      Map<String, Long> counts = runtime.pathCounts();
      assertThat(counts).hasSize(1).containsValue(2L);
      String path = counts.keySet().iterator().next();
      assertThat(path).startsWith("linear.").endsWith(".cpu.portable");
      assertThat(runtime.countersJson())
          .contains("\"pid\":" + ProcessHandle.current().pid(), "\"" + path + "\":2");
      assertThat(runtime.fallbackCounts()).isEmpty();
      runtime.resetCounters();
      assertThat(runtime.pathCounts()).isEmpty();
    }
  }

  @Test
  void collectsNothingWhenTold() {
    try (TernaryRuntime runtime = TernaryRuntime.builder().collectPathStats(false).build()) {
      applyOnce(runtime, Layout.I2S_TILED);
      assertThat(runtime.pathCounts()).isEmpty();
    }
  }

  @Test
  void aPropertyIsHonouredAndTheBuilderWins() {
    withProperty(
        "ternary.max.isa",
        "portable",
        () -> {
          try (TernaryRuntime runtime = TestDevice.onCpu().build()) {
            applyOnce(runtime, Layout.I2S_TILED);
            assertThat(runtime.pathCounts().keySet()).allMatch(path -> path.endsWith(".portable"));
          }
        });
    withProperty(
        "ternary.num.threads",
        "7",
        () -> {
          try (TernaryRuntime byProperty = TernaryRuntime.create();
              TernaryRuntime byBuilder = TernaryRuntime.builder().threads(3).build()) {
            assertThat(byProperty.infoJson()).contains("\"threads\":7");
            assertThat(byBuilder.infoJson()).contains("\"threads\":3");
          }
        });
    withProperty(
        "ternary.num.threads",
        "many",
        () -> assertRejected(TernaryRuntime::create, "TERNARY_NUM_THREADS", "many"));
    withProperty(
        "ternary.max.isa",
        "portable\nTERNARY_NUM_THREADS=1",
        () -> assertRejected(TernaryRuntime::create, "TERNARY_MAX_ISA", "control characters"));
    assertThat(RuntimeSettings.NAMES)
        .extracting(RuntimeSettings::property)
        .contains(
            "ternary.collect.path.stats",
            "ternary.path.report",
            "ternary.path.report.every",
            "ternary.i2s.only",
            "ternary.fuse.rmsnorm.qkv",
            "ternary.enable.pdl",
            "ternary.i2s.splits",
            "ternary.prefill.skip.m",
            "ternary.cutlass",
            "ternary.tuning",
            "ternary.device",
            "ternary.max.scratch",
            "ternary.cost.residuals",
            "ternary.settings",
            "ternary.validate",
            "ternary.shadow",
            "ternary.shadow.every",
            "ternary.shadow.file",
            "ternary.shadow.max.diffs");
  }

  @Test
  void aFileOfSettingsHoldsWhereNothingElseSaysOne(@TempDir Path folder) throws Exception {
    Path file =
        Files.writeString(
            folder.resolve("settings.txt"),
            "# here\nTERNARY_NUM_THREADS=3\nTERNARY_MAX_ISA=portable\n");
    try (TernaryRuntime runtime = TestDevice.onCpu().settings(file).build();
        TernaryRuntime other = TestDevice.onCpu().settings(file).threads(2).build()) {
      assertThat(runtime.infoJson())
          .contains("\"threads\":3")
          .contains("{\"name\":\"TERNARY_MAX_ISA\",\"value\":\"portable\",\"origin\":\"file\"}");
      assertThat(other.infoJson()).contains("\"threads\":2");
    }
    withProperty(
        "ternary.settings",
        file.toString(),
        () -> {
          try (TernaryRuntime found = TestDevice.onCpu().build();
              TernaryRuntime without =
                  TestDevice.onCpu().settings(Path.of("")).threads(1).build()) {
            assertThat(found.infoJson()).contains("\"threads\":3");
            assertThat(without.infoJson()).doesNotContain("\"origin\":\"file\"");
          }
        });
    Files.writeString(file, "TERNARY_DEVICE=cuda\n");
    assertRejected(
        () -> TernaryRuntime.builder().settings(file).build(),
        "TERNARY_SETTINGS: " + file + ", line 1: TERNARY_DEVICE may not be in a file");
  }

  @Test
  void plansAreTheSameForTheSameCallsAndNoOthers() {
    assertThat(plans(TestDevice.onCpu().threads(1)))
        .isEqualTo(plans(TestDevice.onCpu().threads(1)));
    assertThat(plans(TestDevice.onCpu().threads(1).i2sSplits(4)))
        .isEqualTo(plans(TestDevice.onCpu().threads(1)))
        .startsWith("{\"made\":1,\"kept\":1,")
        .contains("\"plans\":[{\"path\":\"gem", "\"threads\":1,\"chunks\":1,");
    assertThat(plans(TestDevice.onCpu().threads(1).maxIsa(Isa.PORTABLE)))
        .contains(".cpu.portable\"");
  }

  private static String plans(TernaryRuntime.Builder builder) {
    try (TernaryRuntime runtime = builder.build()) {
      assertThat(runtime.plansJson())
          .startsWith("{\"made\":0,\"kept\":0,")
          .contains("\"plans\":[]");
      applyOnce(runtime, Layout.I2S_TILED);
      return runtime.plansJson();
    }
  }

  @Test
  void everySettingCanBeBuilt(@TempDir Path folder) throws Exception {
    Path report = folder.resolve("report-{pid}.json");
    try (TernaryRuntime runtime =
        TernaryRuntime.builder()
            .threads(2)
            .collectPathStats(true)
            .pathReport(report)
            .pathReportEvery(1)
            .i2sOnly(false)
            .fuseRmsNormQkv(false)
            .enablePdl(true)
            .i2sSplits(64)
            .prefillSkipM(Integer.MAX_VALUE)
            .cutlass("1")
            .tuning(Path.of(""))
            .settings(Path.of(""))
            .maxScratch(1L << 30)
            .costResiduals(Path.of(""))
            .validate(true)
            .shadow("oracle")
            .shadowEvery(1)
            .shadowFile(folder.resolve("shadow.jsonl"))
            .shadowMaxDiffs(1)
            .build()) {
      applyOnce(runtime, Layout.I2S_TILED);
      Path written = folder.resolve("report-" + ProcessHandle.current().pid() + ".json");
      assertThat(written).exists();
      assertThat(Files.readString(written)).contains("path_counts", "linear.");
      Path onDemand = folder.resolve("now.json");
      TernaryRuntime.writeReport(onDemand);
      assertThat(Files.readString(onDemand))
          .contains("\"pid\":" + ProcessHandle.current().pid(), "fallback_counts");
    }
    assertThatThrownBy(() -> TernaryRuntime.writeReport(folder.resolve("no/such/folder/r.json")))
        .isInstanceOfAny(TernaryException.class, IllegalArgumentException.class)
        .hasMessageContaining("no/such/folder");
    assertRejected(() -> TernaryRuntime.writeReport(null), "file is null");
  }

  @Test
  void rejectsSettingsThatCannotBeHonoured() {
    assertRejected(
        () -> TernaryRuntime.builder().threads(0).build(),
        "TERNARY_NUM_THREADS",
        "\"0\"",
        "1 to 1024");
    assertRejected(() -> TernaryRuntime.builder().threads(1025).build(), "1025");
    assertRejected(
        () -> TernaryRuntime.builder().i2sSplits(65).build(), "TERNARY_I2S_SPLITS", "65");
    assertRejected(
        () -> TernaryRuntime.builder().prefillSkipM(-1).build(), "TERNARY_PREFILL_SKIP_M", "-1");
    assertRejected(
        () -> TernaryRuntime.builder().pathReportEvery(-1).build(),
        "TERNARY_PATH_REPORT_EVERY",
        "-1");
    assertRejected(
        () -> TernaryRuntime.builder().cutlass("2").build(),
        "TERNARY_CUTLASS is \"2\"; it must be 0, 1 or auto");
    assertRejected(() -> TernaryRuntime.builder().cutlass(null), "TERNARY_CUTLASS is null");
    assertRejected(() -> TernaryRuntime.builder().maxIsa(null), "isa is null");
    assertRejected(() -> TernaryRuntime.builder().pathReport(null), "TERNARY_PATH_REPORT is null");
    assertRejected(() -> TernaryRuntime.builder().tuning(null), "TERNARY_TUNING is null");
  }

  @Test
  void aProductThatNeedsMoreThanItsScratchIsRefusedAndLaterOnesWork() {
    // The CPU's: a GPU has workspaces.
    try (TernaryRuntime runtime =
            TernaryRuntime.builder().device("cpu").threads(1).maxScratch(100_000).build();
        TernaryWeights weights = TernaryWeights.pack(new byte[16 * 256], 16, 256, Alpha.tensor(1));
        TernaryLinear layer = TernaryLinear.builder(runtime, weights).build()) {
      assertThatThrownBy(() -> layer.apply(new float[400 * 256], 400))
          .isInstanceOf(TernaryException.class)
          .hasMessageContaining("bytes of scratch; TERNARY_MAX_SCRATCH is 100000");
      assertThat(layer.apply(new float[256], 1)).containsOnly(0f);
    }
    withProperty(
        "ternary.max.scratch",
        "none",
        () -> assertRejected(TernaryRuntime::create, "TERNARY_MAX_SCRATCH", "none"));
  }

  @Test
  void aReportThatCannotBePutThereIsRefusedAtTheStart(@TempDir Path folder) {
    assertRejected(
        () -> TernaryRuntime.builder().pathReport(folder).build(),
        "TERNARY_PATH_REPORT",
        folder.toString(),
        "it is a folder");
    assertRejected(
        () -> TernaryRuntime.builder().pathReport(folder.resolve("no/r.json")).build(),
        "TERNARY_PATH_REPORT",
        "no file can be made in its folder");
  }

  @Test
  void i2sOnlyMakesAFallbackAnError() {
    try (TernaryRuntime best = TestDevice.onCpu().build()) {
      applyOnce(best, Layout.I2S);
      assumeFalse(best.fallbackCounts().isEmpty(), "this machine has no faster kernel");
    }
    try (TernaryRuntime runtime = TestDevice.onCpu().i2sOnly(true).build()) {
      assertThatThrownBy(() -> applyOnce(runtime, Layout.I2S))
          .isInstanceOf(TernaryException.class)
          .hasMessageContaining("layout");
      applyOnce(runtime, Layout.I2S_TILED);
    }
  }

  @ParameterizedTest
  @EnumSource(
      names = {"I8", "I32"},
      mode = EnumSource.Mode.EXCLUDE)
  void quantisesToTheOraclesBits(DataType type) {
    int m = 3;
    int k = 77;
    TernaryBuffer x = Problems.activations(random, type, m * k);
    TernaryBuffer scale =
        type == DataType.F8_E4M3 ? TernaryBuffer.copyOf(DataType.F32, 1, 2, 3) : null;
    for (TernaryBuffer alpha :
        new TernaryBuffer[] {null, Problems.activations(random, DataType.F32, k)}) {
      TernaryBuffer q = TernaryBuffer.allocate(DataType.I8, m * k);
      TernaryBuffer s = TernaryBuffer.allocate(DataType.F32, m);
      TernaryBuffer expectedQ = TernaryBuffer.allocate(DataType.I8, m * k);
      TernaryBuffer expectedS = TernaryBuffer.allocate(DataType.F32, m);
      try (TernaryRuntime runtime = TernaryRuntime.create()) {
        runtime.quantise(x, scale, alpha, q, s, m, k);
        assertThat(runtime.pathCounts().keySet())
            .hasSize(1)
            .allMatch(path -> path.startsWith("quantise_activations."));
      }
      Oracle.quantise(x, scale, alpha, expectedQ, expectedS, m, k);
      Problems.assertSameBits(q, expectedQ);
      Problems.assertSameBits(s, expectedS);
      assertThat(q.toArray()).contains(127f).doesNotContain(-128f);
    }
  }

  @Test
  void quantisesByHand() {
    TernaryBuffer x = TernaryBuffer.copyOf(DataType.F32, 1, -2, 0.5f, 0, Float.NaN, 1);
    TernaryBuffer q = TernaryBuffer.allocate(DataType.I8, 6);
    TernaryBuffer s = TernaryBuffer.allocate(DataType.F32, 2);
    try (TernaryRuntime runtime = TernaryRuntime.create()) {
      runtime.quantise(x, null, null, q, s, 2, 3);
    }
    assertThat(q.toArray())
        .containsExactly(64, -127, 32, 0, 0, 0); // 63.5 and 31.75 round to 64 and 32
    assertThat(s.get(0)).isEqualTo(2f / 127);
    assertThat(s.get(1)).isNaN();
  }

  @Test
  void rejectsBadOperandsOfQuantise() {
    TernaryBuffer x = TernaryBuffer.allocate(DataType.F32, 8);
    TernaryBuffer q = TernaryBuffer.allocate(DataType.I8, 8);
    TernaryBuffer s = TernaryBuffer.allocate(DataType.F32, 2);
    try (TernaryRuntime runtime = TernaryRuntime.create()) {
      assertRejected(() -> runtime.quantise(null, null, null, q, s, 2, 4), "x is null");
      assertRejected(() -> runtime.quantise(x, null, null, null, s, 2, 4), "q is null");
      assertRejected(() -> runtime.quantise(x, null, null, q, null, 2, 4), "s is null");
      assertRejected(() -> runtime.quantise(q, null, null, q, s, 2, 4), "x is of type I8");
      assertRejected(() -> runtime.quantise(x, null, null, x, s, 2, 4), "q is of type F32", "I8");
      assertRejected(() -> runtime.quantise(x, null, null, q, q, 2, 2), "s is of type I8", "F32");
      assertRejected(() -> runtime.quantise(x, null, null, q, x.slice(7, 1), 1, 8), "s overlaps x");
      assertRejected(
          () -> runtime.quantise(x, null, s, q, s, 2, 4), "alphaColumn has 8 bytes", "16");
      assertRejected(() -> runtime.quantise(x, s, null, q, s, 2, 4), "xScale is given");
      assertRejected(() -> runtime.quantise(x, null, null, q, s, 3, 4), "x has 32 bytes", "48");
      assertRejected(() -> runtime.quantise(x, null, null, q, s, 1, 1 << 24), "K is 16777216");
      assertRejected(() -> runtime.quantise(x, null, null, q, s, 0, 4), "M is 0");
    }
  }

  @Test
  void outcomesBecomeTheirExceptions() {
    assertThat(Status.exception(1, "a"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("a");
    assertThat(Status.exception(4, "b")).isInstanceOf(IllegalStateException.class).hasMessage("b");
    for (int status : new int[] {2, 3, 5}) {
      assertThat(Status.exception(status, "c"))
          .isInstanceOf(TernaryException.class)
          .hasMessage("c");
    }
  }

  @Test
  void measuresTheLimitsOfTheMachine() {
    try (TernaryRuntime runtime = TernaryRuntime.builder().threads(2).build()) {
      for (int threads = 1; threads <= 2; threads++) {
        LimitMeasurement read = runtime.measureLimit(Limit.READ, threads, 1 << 20, 1_000_000);
        assertThat(read.kernel()).startsWith("read_");
        assertThat(read.nanos()).isGreaterThanOrEqualTo(1_000_000);
        assertThat(read.amount()).isGreaterThanOrEqualTo(threads * (256L << 10));
        assertThat(read.gigaPerSecond()).isEqualTo((double) read.amount() / read.nanos());
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Limit.class)
  void portableCodeHasNoPeakButReads(Limit limit) {
    try (TernaryRuntime runtime = TestDevice.onCpu().maxIsa(Isa.PORTABLE).threads(1).build()) {
      if (limit == Limit.READ) {
        assertThat(runtime.measureLimit(limit, 1, 4096, 1).kernel())
            .isEqualTo("read_8x16__portable");
      } else {
        assertThatThrownBy(() -> runtime.measureLimit(limit, 1, 0, 1))
            .isInstanceOf(TernaryException.class)
            .hasMessageContaining(limit.name());
      }
    }
  }

  @Test
  void wrongQuestionsAboutLimitsAreNamed() {
    TernaryRuntime runtime = TernaryRuntime.builder().threads(2).build();
    assertRejected(() -> runtime.measureLimit(null, 1, 4096, 1), "limit is null");
    assertRejected(() -> runtime.measureLimit(Limit.READ, 3, 4096, 1), "threads is 3", "2");
    assertRejected(() -> runtime.measureLimit(Limit.READ, 2, 4096, 1), "bytes is 4096", "a thread");
    assertRejected(() -> runtime.measureLimit(Limit.INT8_PEAK, 1, 1, 1), "bytes is 1");
    assertRejected(() -> runtime.measureLimit(Limit.READ, 1, 4096, 0), "nanoseconds is 0");
    runtime.close();
    assertThatThrownBy(() -> runtime.measureLimit(Limit.READ, 1, 4096, 1))
        .isInstanceOf(IllegalStateException.class);
  }
}
