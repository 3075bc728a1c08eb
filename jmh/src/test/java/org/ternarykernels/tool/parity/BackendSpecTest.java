package org.ternarykernels.tool.parity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.ternarykernels.Activation;
import org.ternarykernels.TernaryRuntime;

class BackendSpecTest {
  @Test
  void partsBecomeSettings() {
    BackendSpec spec =
        BackendSpec.parse("CPU,isa:portable,threads:1,fused:0,pdl:0,splits:3,skip:9");
    try (TernaryRuntime runtime = spec.open()) {
      assertThat(runtime.device().isCuda()).isFalse();
      assertThat(runtime.infoJson().replaceAll("\\s", ""))
          .contains(setting("TERNARY_MAX_ISA", "portable"))
          .contains(setting("TERNARY_NUM_THREADS", "1"))
          .contains(setting("TERNARY_FUSE_RMSNORM_QKV", "0"))
          .contains(setting("TERNARY_ENABLE_PDL", "0"))
          .contains(setting("TERNARY_I2S_SPLITS", "3"))
          .contains(setting("TERNARY_PREFILL_SKIP_M", "9"));
    }
    assertThat(spec.activation(Activation.A8)).isEqualTo(Activation.A8);
    assertThat(BackendSpec.parse("activation:a8:64").activation(Activation.A16))
        .isEqualTo(Activation.a8(64));
  }

  private static String setting(String name, String value) {
    return "\"name\":\"" + name + "\",\"value\":\"" + value + "\"";
  }

  @Test
  void whatIsNoBackendIsNamed() {
    assertThatThrownBy(() -> BackendSpec.parse("tpu"))
        .hasMessageStartingWith("\"tpu\" must be one of: cpu, cuda, cuda:N or auto; isa:NAME;");
    assertThatThrownBy(() -> BackendSpec.parse("cpu,")).hasMessageStartingWith("\"\" must be");
    assertThatThrownBy(() -> BackendSpec.parse("cpu,cuda"))
        .hasMessage("\"cpu,cuda\" says device twice, must say it once");
    assertThatThrownBy(() -> BackendSpec.parse("isa:sse")).hasMessageContaining("sse");
    assertThatThrownBy(() -> BackendSpec.parse("threads:x"))
        .hasMessage("\"x\" must be a whole number");
    assertThatThrownBy(() -> BackendSpec.parse("pdl:yes")).hasMessage("\"yes\" must be 0 or 1");
    assertThatThrownBy(() -> BackendSpec.parse("activation:a4")).hasMessageContaining("a4");
  }
}
