package org.ternarykernels.tool.problem;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class ShapeTest {
  @Test
  void commentsBlanksAndMissingNamesAreFine() {
    assertThat(Shape.parse("f", "# head\n\n3 4 a name # why\n 5\t6\n"))
        .isEqualTo(List.of(new Shape(3, 4, "a name"), new Shape(5, 6, "5x6")));
  }

  @Test
  void aWrongLineIsNamed() {
    for (String line : List.of("3", "3 x", "0 4", "3 -1", "99999999999 1")) {
      assertThatThrownBy(() -> Shape.parse("f.txt", "1 1\n" + line))
          .hasMessageContaining("f.txt, line 2")
          .hasMessageContaining(line);
    }
    assertThatThrownBy(() -> Shape.parse("f.txt", "# nothing"))
        .hasMessageContaining("f.txt has no shape");
  }

  @Test
  void theBundledShapesAreThoseOfTheRepository() throws Exception {
    try (BundledData data = new BundledData(null)) {
      assertThat(data.shapes("bitnet-2b-4t")).contains(new Shape(13824, 2560, "gate_up"));
      assertThat(data.shapes("qwen3-30b-a3b")).contains(new Shape(1536, 2048, "expert_gate_up"));
    }
  }
}
