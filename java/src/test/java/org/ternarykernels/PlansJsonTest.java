package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** {@link TernaryRuntime#plansJson()} on the CPU; the native tests have GPUs. */
class PlansJsonTest {
  private static final int N = 2048;
  private static final int K = 1024;

  /** Every value by where it is: {@code plans/chunks/count}. One plan alone is read so. */
  private static Map<String, String> parse(String json) throws IOException {
    Map<String, String> values = new LinkedHashMap<>();
    try (JsonParser parser = new JsonFactory().createParser(json)) {
      for (JsonToken token; (token = parser.nextToken()) != null; ) {
        if (token.isScalarValue()) {
          String at = parser.getParsingContext().pathAsPointer(false).toString().substring(1);
          values.put(at.replace("/0/", "/"), parser.getText());
        }
      }
    }
    return values;
  }

  private static String plansAfter(TernaryRuntime.Builder builder, int m) {
    try (TernaryRuntime runtime = builder.build();
        TernaryWeights packed = TernaryWeights.pack(new byte[N * K], N, K, Alpha.tensor(1));
        TernaryWeights weights = packed.repack(Layout.I2S_TILED);
        TernaryLinear linear = TernaryLinear.builder(runtime, weights).build()) {
      linear.apply(new float[m * K], m);
      return runtime.plansJson();
    }
  }

  private static TernaryRuntime.Builder portable(int threads) {
    return TestDevice.onCpu().maxIsa(Isa.PORTABLE).threads(threads);
  }

  @Test
  void saysHowAProductIsServed() throws IOException {
    Map<String, String> one = parse(plansAfter(portable(1), 64));
    assertThat(one)
        .containsEntry("made", "1")
        .containsEntry("kept", "1")
        .containsEntry("launches", "0")
        .containsEntry("pdl_launches", "0")
        .containsEntry("plans/M", "64")
        .containsEntry("plans/N", "2048")
        .containsEntry("plans/K", "1024")
        .containsEntry("plans/layout", "i2s_tiled")
        .containsEntry("plans/activation", "a8")
        .containsEntry("plans/path", "gemm_a8_i2s.cpu.portable")
        .containsEntry("plans/kernel", "gemm_a8_i2s_64x16__portable")
        .containsEntry("plans/threads", "1")
        .containsEntry("plans/chunks", "1")
        .containsEntry("plans/n_size", "2048");
    Map<String, String> two = parse(plansAfter(portable(2), 64));
    assertThat(two).containsEntry("plans/threads", "2").doesNotContainEntry("plans/chunks", "1");
  }

  @Test
  void changesWithWhatHasAnEffectAlone() {
    String plans = plansAfter(portable(2), 64);
    assertThat(plansAfter(portable(2), 64)).isEqualTo(plans);
    assertThat(plansAfter(portable(2).i2sSplits(8).enablePdl(false), 64)).isEqualTo(plans);
    assertThat(plansAfter(portable(1), 64)).isNotEqualTo(plans);
    assertThat(plansAfter(portable(2), 63)).isNotEqualTo(plans);
    for (Isa isa : Isa.values()) {
      if (isa == Isa.PORTABLE || !available(isa)) {
        continue;
      }
      assertThat(plansAfter(portable(2).maxIsa(isa), 64))
          .isNotEqualTo(plans)
          .contains("__" + isa.id() + "\"");
    }
  }

  private static boolean available(Isa isa) {
    try (TernaryRuntime runtime = TestDevice.onCpu().maxIsa(isa).build()) {
      return runtime.infoJson().contains("cpu." + isa.id());
    } catch (IllegalArgumentException e) {
      return false; // the machine lacks it
    }
  }

  @Test
  void ofAClosedRuntimeIsAnError() {
    TernaryRuntime runtime = TestDevice.onCpu().build();
    runtime.close();
    assertThatThrownBy(runtime::plansJson).isInstanceOf(IllegalStateException.class);
  }
}
