package org.ternarykernels.tool;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FiniteNumbersTest {
  @TempDir Path folder;

  @Test
  void aNumberThatJsonCannotHoldIsNull() throws Exception {
    OutputOptions options = new OutputOptions();
    options.json = folder.resolve("result.json");
    options.write(
        Map.of(
            "finite",
            List.of(0.1, 0.1f, -0.0),
            "other",
            List.of(Double.NaN, Float.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY)));
    JsonNode result = ToolRun.json(options.json);
    assertThat(result.get("finite").toString()).isEqualTo("[0.1,0.1,-0.0]");
    assertThat(result.get("other").toString()).isEqualTo("[null,null,null]");
  }
}
