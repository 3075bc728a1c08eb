package org.ternarykernels.example;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.example.SessionBatch.Part;

/** Texts that go through the layers together have the bits that each has alone. */
class SessionBatchTest {
  private static float[] alone(Model model, int[] text) {
    Session session = model.session(text.length);
    session.append(text, 0, text.length);
    float[] logits = new float[model.config().vocabulary()];
    session.logits(text.length - 1, logits);
    return logits;
  }

  @ParameterizedTest
  @ValueSource(strings = {"tiny-bitnet", "tiny-mangrove"})
  void textsInOneStepHaveTheBitsOfEachAlone(String name) {
    int[] first = TinyBitNet.tokens("def f(x):");
    int[] second = TinyBitNet.tokens("import os\nfrom");
    try (TernaryRuntime runtime = TernaryRuntime.create();
        Model model = Model.load(runtime, Path.of(System.getProperty("test.data"), name))) {
      SessionBatch batch = model.batch(16);
      Session a = model.session(1);
      Session b = model.session(1);
      batch.append(List.of(new Part(a, first, 0, 4), new Part(b, second, 0, 12)));
      batch.append(List.of(new Part(b, second, 12, 2), new Part(a, first, 4, 5)));
      float[] logits = new float[model.config().vocabulary()];
      batch.logits(1, logits);
      assertThat(logits).containsExactly(alone(model, second));
      batch.logits(6, logits);
      assertThat(logits).containsExactly(alone(model, first));
      long choices = name.equals("tiny-mangrove") ? 23L * 4 * model.config().layers() : 0;
      assertThat(Arrays.stream(batch.expertRows()).sum()).isEqualTo(choices);
      assertThat(a.position()).isEqualTo(9);
      assertThat(b.position()).isEqualTo(14);
    }
  }

  @Test
  void aStepThatCannotBeMadeChangesNoText() {
    try (TernaryRuntime runtime = TernaryRuntime.create();
        Model model = Model.load(runtime, TinyBitNet.FOLDER);
        Model other = Model.load(runtime, TinyBitNet.FOLDER)) {
      SessionBatch batch = model.batch(4);
      Session a = model.session(1);
      Session b = model.session(1);
      int[] text = {65, 66, 67, 128};
      assertThatThrownBy(
              () -> batch.append(List.of(new Part(a, text, 0, 3), new Part(b, text, 2, 2))))
          .hasMessage("count is 5, must be 1 to 4");
      assertThatThrownBy(
              () -> batch.append(List.of(new Part(a, text, 0, 1), new Part(b, text, 2, 2))))
          .hasMessage("token 128 at place 3 is outside the vocabulary of 128");
      assertThatThrownBy(
              () -> batch.append(List.of(new Part(a, text, 0, 1), new Part(a, text, 1, 1))))
          .hasMessage("a session is in a step twice");
      assertThatThrownBy(() -> batch.append(List.of(new Part(other.session(1), text, 0, 1))))
          .hasMessage("a session is of another model than its batch");
      assertThat(a.position()).isZero();
      assertThat(b.position()).isZero();
    }
  }
}
