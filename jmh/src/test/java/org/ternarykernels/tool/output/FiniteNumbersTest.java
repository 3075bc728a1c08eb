package org.ternarykernels.tool.output;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.ternarykernels.tool.options.OutputOptions;

class FiniteNumbersTest {
  @Test
  void aNumberThatJsonCannotHoldIsNull() throws Exception {
    byte[] text =
        OutputOptions.text(
            Map.of(
                "finite",
                List.of(0.1, 0.1f, -0.0),
                "other",
                List.of(Double.NaN, Float.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY)));
    JsonNode result = new ObjectMapper().readTree(text);
    assertThat(result.get("finite").toString()).isEqualTo("[0.1,0.1,-0.0]");
    assertThat(result.get("other").toString()).isEqualTo("[null,null,null]");
  }
}
