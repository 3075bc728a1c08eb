package org.ternarykernels.tool.parity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Texts of backends whose logits are known. */
class ComparisonTest {
  private static final int VOCABULARY = 5;

  /** Prefers the token that is as many as there are so far, modulo the vocabulary. */
  private static class Counting implements Backend {
    final List<Integer> seen = new ArrayList<>();

    @Override
    public String name() {
      return "counting";
    }

    float[] logits(int length) {
      float[] logits = new float[VOCABULARY];
      logits[length % VOCABULARY] = 1;
      return logits;
    }

    @Override
    public Text begin(int[] prompt) {
      for (int token : prompt) {
        seen.add(token);
      }
      return new Text() {
        @Override
        public float[] logits() {
          return Counting.this.logits(seen.size());
        }

        @Override
        public void append(int token) {
          seen.add(token);
        }
      };
    }
  }

  /** The same with another preference from one place of the text on. */
  private static final class Planted extends Counting {
    final int place;

    Planted(int place) {
      this.place = place;
    }

    @Override
    float[] logits(int length) {
      float[] logits = super.logits(length);
      if (length >= place) {
        logits[4] = 1.25f;
      }
      return logits;
    }
  }

  @Test
  void theSameTextsAreTheSame() {
    Comparison same = Comparison.of(3, new int[] {7, 8}, 4, new Counting(), new Counting());
    assertThat(same.same()).isTrue();
    assertThat(same.idsA()).containsExactly(2, 3, 4, 0);
    assertThat(same.json())
        .containsEntry("prompt", 3)
        .containsEntry("tokens", 4)
        .containsEntry("same", true)
        .containsEntry("first_mismatch", null)
        .containsEntry("logits_apart", 0.0)
        .containsEntry("ids_b", List.of(2, 3, 4, 0));
  }

  @Test
  void aPlantedMismatchIsTheFirstOne() {
    Counting a = new Counting();
    Counting b = new Planted(3);
    Comparison parted = Comparison.of(0, new int[] {0, 0}, 4, a, b);
    assertThat(parted.same()).isFalse();
    assertThat(parted.idsA()).containsExactly(2, 3, 4, 0);
    assertThat(parted.idsB()).containsExactly(2, 4, 4, 4);
    assertThat(a.seen).as("goes on with its own").containsExactly(0, 0, 2, 3, 4);
    assertThat(b.seen).containsExactly(0, 0, 2, 4, 4);
    assertThat(parted.mismatch().position()).isEqualTo(1);
    assertThat(parted.mismatch().idA()).isEqualTo(3);
    assertThat(parted.mismatch().idB()).isEqualTo(4);
    assertThat(parted.mismatch().gapA()).isEqualTo(1);
    assertThat(parted.mismatch().gapB()).isEqualTo(0.25);
    assertThat(parted.logitsApart()).isCloseTo(1.25, within(0.0));
  }
}
