package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What a runtime on a GPU says of its device, and its cost model of any. */
@Tag("gpu")
class CudaRuntimeTest {
  private static final TernaryRuntime RUNTIME = TernaryRuntime.create();

  @AfterAll
  static void close() {
    RUNTIME.close();
  }

  @Test
  void theDeviceIsTheOneThatWasAskedFor() {
    Device device = RUNTIME.device();
    assertThat(device.isCuda()).isTrue();
    assertThat(device.ordinal()).isZero();
    assertThat(device.name()).isNotEmpty();
    assertThat(device.reason()).isEmpty();
    assertThat(device.capability()).matches("\\d+\\.\\d");
    String arch = TestDevice.softwareArch();
    if (!arch.isEmpty()) {
      assertThat(device.library()).isEqualTo("sm" + arch);
      assertThat(device.capability().replace(".", "")).isEqualTo(arch.replaceAll("[a-z]", ""));
    }
  }

  @Test
  void theCostModelPredictsForEveryDevice() {
    for (String model : new String[] {"A100", "H100", "H200", "B200", "B300", "RTX 5090"}) {
      Prediction small = RUNTIME.predict(model, Layout.I2S_TILED, Activation.A8, 1, 2560, 2560);
      Prediction large = RUNTIME.predict(model, Layout.I2S_TILED, Activation.A8, 1, 13824, 2560);
      assertThat(small.device()).isEqualTo(model);
      assertThat(small.kernel()).startsWith("gemv_").contains("_i2s_");
      assertThat(large.byteMicros()).isGreaterThan(small.byteMicros());
      assertThat(small.micros()).isGreaterThanOrEqualTo(small.launchMicros());
      assertThat(small.instructionMicros()).isPositive();
      assertThat(small.splits()).isGreaterThanOrEqualTo(1);
    }
    assertThatThrownBy(() -> RUNTIME.predict("GTX 1", Layout.I2S_TILED, Activation.A8, 1, 64, 64))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("GTX 1");
    assertThatThrownBy(() -> RUNTIME.predict("H100", null, Activation.A8, 1, 64, 64))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("layout is null");
  }
}
