package org.ternarykernels.tool.onednn;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.ternarykernels.tool.measure.Interleaved;
import org.ternarykernels.tool.onednn.Baseline.Rivals;
import org.ternarykernels.tool.onednn.OneDnnMatmul.Types;
import org.ternarykernels.tool.problem.Shape;
import org.ternarykernels.tool.rival.Rival;

class BaselineTest {
  private static final Shape SMALL = new Shape(64, 96, "small");

  @Test
  void oneDnnIsReadyWithTheTypesThatItHasHere() {
    try (Baseline baseline = new Baseline(2, true)) {
      for (int m : new int[] {1, 3}) {
        Rivals rivals = baseline.rivals(SMALL, 7, m, 200_000);
        assertThat(rivals.best().what()).isIn("bf16", "f32");
        assertThat(rivals.f32().what()).isEqualTo("f32");
        assertThat(rivals.int8().what()).matches("[su]8\\*s8 to (s32|f32)");
        for (Rival rival : List.of(rivals.best(), rivals.f32(), rivals.int8())) {
          assertThat(rival.threads()).isIn(1, 2);
          assertThat(rival.contender().slice(100_000)).isPositive();
        }
        assertThat(baseline.rivals(SMALL, 7, m, 200_000)).as("kept").isSameAs(rivals);
      }
      assertThat(baseline.failure()).isNull();
    }
  }

  @Test
  void itsThreadsSleepWhileOthersAreTimed() throws Exception {
    try (OneDnnServer server = new OneDnnServer(2)) {
      server.layer(new Shape(512, 512, "layer"), 1);
      assertThat(server.prepare(Types.F32, 8, 0)).isNull();
      assertThat(Interleaved.estimate(server.contender(Types.F32), 50_000_000))
          .isPositive(); // waits until they sleep
      Duration before = cpu(server);
      Thread.sleep(500);
      // The JVM's own threads and a collection take some; a thread that spun would have used all
      // 500 ms.
      assertThat(cpu(server).minus(before)).isLessThanOrEqualTo(Duration.ofMillis(200));
    }
  }

  private static Duration cpu(OneDnnServer server) {
    return ProcessHandle.of(server.pid()).orElseThrow().info().totalCpuDuration().orElseThrow();
  }

  @Test
  void withoutAProcessThereIsNoRivalButAReason() {
    try (Baseline baseline = new Baseline(List.of(new OneDnnServer(1, "no.such.Class")), true)) {
      Rivals rivals = baseline.rivals(SMALL, 1, 1, 0);
      for (Rival rival : List.of(rivals.best(), rivals.f32(), rivals.int8())) {
        assertThat(rival.present()).isFalse();
        assertThat(rival.reason()).startsWith("oneDNN: ");
      }
    }
  }
}
