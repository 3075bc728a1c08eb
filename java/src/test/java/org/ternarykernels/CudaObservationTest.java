package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is told of calls on a stream of a GPU: it decides nothing either. */
@Tag("gpu")
class CudaObservationTest {
  private static final int N = 3;
  private static final int K = 64;
  private static final Random RANDOM = new Random(3);

  @TempDir Path folder;

  /** Gives each operation to the stream, with what runs it. */
  private static void onEach(
      TernaryRuntime runtime, CudaStream stream, Consumer<Runnable> operations) {
    try (TernaryWeights weights = TernaryWeights.pack(new byte[N * K], N, K, Alpha.tensor(1));
        TernaryLinear linear = TernaryLinear.builder(runtime, weights).build();
        RmsNormLinear norm =
            RmsNormLinear.builder(runtime, weights).norm(new float[K], 1e-5f).build();
        DeviceBuffer x = DeviceBuffer.allocate(runtime, DataType.F32, K);
        DeviceBuffer q = DeviceBuffer.allocate(runtime, DataType.I8, K);
        DeviceBuffer s = DeviceBuffer.allocate(runtime, DataType.F32, 1);
        DeviceBuffer y = DeviceBuffer.allocate(runtime, DataType.F32, N);
        DeviceBuffer ids = DeviceBuffer.allocate(runtime, DataType.I32, 1);
        DeviceBuffer slots = DeviceBuffer.allocate(runtime, DataType.I32, 1);
        DeviceBuffer offsets = DeviceBuffer.allocate(runtime, DataType.I32, K + 1);
        ExpertWeights gateUp =
            ExpertWeights.pack(
                new byte[K * 4 * N], K, 4, N, ExpertAlpha.expert(Problems.floats(RANDOM, K)));
        ExpertWeights down =
            ExpertWeights.pack(
                new byte[K * N * 2], K, N, 2, ExpertAlpha.expert(Problems.floats(RANDOM, K)));
        MoeLayer layer = MoeLayer.builder(runtime, gateUp, down).build()) {
      Experts experts = runtime.experts();
      Router router = Router.builder(K, 1).build();
      Routing routing = Routing.of(ids, s, 1);
      x.copyFrom(Problems.filled(DataType.F32, K, 1), stream);
      operations.accept(() -> linear.apply(x, y, 1, stream));
      operations.accept(() -> norm.apply(x, null, null, y, 1, stream));
      operations.accept(() -> runtime.quantise(x, null, null, q, s, 1, K, stream));
      operations.accept(() -> runtime.rotate(x, null, 32, null, false, x, 1, 32, stream));
      operations.accept(() -> runtime.qkNorm(Heads.of(x, K, 1, y, 1), null, N, 1, stream));
      operations.accept(() -> experts.route(router, x, routing, 1, stream));
      operations.accept(() -> experts.align(routing, K, slots, offsets, 1, stream));
      operations.accept(
          () -> experts.combine(x, K, routing, K, N, 1, null, null, 0, y, N, 1, stream));
      operations.accept(() -> layer.apply(x, routing, y, 1, stream));
      stream.synchronize();
    }
  }

  @Test
  void aLostReportAndAFailingLogFailNoCallAndKeepNoHandle() throws IOException {
    Path lost = Files.createDirectory(folder.resolve("lost"));
    TernaryRuntime runtime =
        TernaryRuntime.builder().pathReport(lost.resolve("r.json")).pathReportEvery(1).build();
    Files.delete(lost);
    try (CudaStream stream = CudaStream.create(runtime);
        ErrorStream log = new ErrorStream(() -> new StackOverflowError("the appender"))) {
      onEach(
          runtime, stream, operation -> assertThatCode(operation::run).doesNotThrowAnyException());
      assertThat(runtime.countersJson()).contains("report_error");
      assertThat(runtime.totalPathCounts().values()).allMatch(count -> count == 1);
      assertThat(runtime.totalPathCounts().keySet())
          .filteredOn(path -> !path.startsWith("moe_"))
          .hasSize(8);
      assertThat(runtime.totalPathCounts().keySet())
          .filteredOn(path -> path.startsWith("moe_"))
          .hasSizeGreaterThanOrEqualTo(3);
      assertThat(stream.handle().users()).isZero();
    }
    runtime.close();
  }

  /** Whom rows chose is not known, so as many experts are told of as they can have chosen. */
  @Test
  void aLayersEventHasTheBytesOfAsManyExpertsAsThereAreSlots() throws IOException {
    Path file = folder.resolve("moe.jfr");
    try (TernaryRuntime runtime = TernaryRuntime.create();
        CudaStream stream = CudaStream.create(runtime);
        MoeProblem few = new MoeProblem(2, runtime, 1);
        MoeProblem many = new MoeProblem(2, runtime, 90);
        Recording recording = new Recording();
        DeviceBuffers memory = new DeviceBuffers(runtime, stream)) {
      assertThat(few.slots).isLessThan(few.experts);
      MoeOnGpu one = new MoeOnGpu(few, memory, 0, false);
      MoeOnGpu other = new MoeOnGpu(many, memory, 0, false);
      recording.enable("org.ternarykernels.Call").withThreshold(Duration.ZERO);
      recording.start();
      one.start(stream, null);
      other.start(stream, null);
      recording.dump(file);
      long weights = few.layer.byteSize();
      long row = few.h * (long) few.x.dataType().bytes();
      assertThat(RecordingFile.readAllEvents(file))
          .filteredOn(event -> event.getEventType().getName().equals("org.ternarykernels.Call"))
          .extracting(event -> event.getLong("bytesRead"))
          .containsExactly(
              weights / few.experts * few.slots + row + few.residualBytes(),
              weights / few.experts * few.experts + 90 * row + many.residualBytes());
    }
  }

  @Test
  void aCallOnAStreamIsAnEventOfTheHost() throws IOException {
    Path file = folder.resolve("recording.jfr");
    try (TernaryRuntime runtime = TernaryRuntime.create();
        CudaStream stream = CudaStream.create(runtime);
        Recording recording = new Recording()) {
      recording.enable("org.ternarykernels.Call").withThreshold(Duration.ZERO);
      recording.start();
      onEach(runtime, stream, Runnable::run);
      recording.dump(file);
      List<String> called = new ArrayList<>();
      for (RecordedEvent event : RecordingFile.readAllEvents(file)) {
        if (event.getEventType().getName().equals("org.ternarykernels.Call")) {
          called.add(event.getString("operation"));
          assertThat(event.getString("device")).isEqualTo(runtime.device().id());
          assertThat(runtime.pathCounts()).containsKey(event.getString("path"));
        }
      }
      assertThat(called)
          .containsExactly(
              "linear",
              "rmsnorm_linear",
              "quantise_activations",
              "rotate",
              "qk_norm",
              "route",
              "align",
              "combine",
              "moe");
      assertThat(runtime.device().id()).isEqualTo("cuda:0");
    }
  }
}
