package org.ternarykernels.tool.parity;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.ternarykernels.example.Sampler;

/**
 * One prompt, continued greedily on two backends.
 *
 * @param prompt its place in the list
 * @param idsA tokens that the first backend wrote
 * @param idsB those of the second
 * @param mismatch where they part; null where they do not
 * @param logitsApart the largest difference of two logits as long as the texts are the same
 */
record Comparison(int prompt, int[] idsA, int[] idsB, Mismatch mismatch, double logitsApart) {
  /** The members of a row. */
  static final String FIELDS =
      "prompt, tokens, same, first_mismatch (a place of the continuation, or null), id_a, id_b"
          + " (tokens there), gap_a, gap_b (by how much a backend prefers its own token to the"
          + " other's), logits_apart (the largest difference of two logits up to there), ids_a"
          + " [...], ids_b [...]";

  /**
   * The first token that is another.
   *
   * @param position of the continuation, from 0
   * @param gapA by how much the first backend's logit of its own token is above that of the other's
   * @param gapB the same of the second
   */
  record Mismatch(int position, int idA, int idB, double gapA, double gapB) {}

  /** Writes so many tokens on both, each going on with its own. */
  static Comparison of(int index, int[] prompt, int tokens, Backend a, Backend b) {
    Sampler likeliest = new Sampler(0, 1);
    Backend.Text textA = a.begin(prompt);
    Backend.Text textB = b.begin(prompt);
    int[] idsA = new int[tokens];
    int[] idsB = new int[tokens];
    Mismatch mismatch = null;
    double apart = 0;
    for (int i = 0; i < tokens; i++) {
      float[] logitsA = textA.logits();
      float[] logitsB = textB.logits();
      idsA[i] = likeliest.next(logitsA);
      idsB[i] = likeliest.next(logitsB);
      if (mismatch == null) {
        apart = Math.max(apart, largestDifference(logitsA, logitsB));
        if (idsA[i] != idsB[i]) {
          double gapA = (double) logitsA[idsA[i]] - logitsA[idsB[i]];
          double gapB = (double) logitsB[idsB[i]] - logitsB[idsA[i]];
          mismatch = new Mismatch(i, idsA[i], idsB[i], gapA, gapB);
        }
      }
      if (i + 1 < tokens) {
        textA.append(idsA[i]);
        textB.append(idsB[i]);
      }
    }
    return new Comparison(index, idsA, idsB, mismatch, apart);
  }

  private static double largestDifference(float[] a, float[] b) {
    double largest = 0;
    for (int i = 0; i < a.length; i++) {
      largest = Math.max(largest, Math.abs((double) a[i] - b[i]));
    }
    return largest;
  }

  boolean same() {
    return Arrays.equals(idsA, idsB);
  }

  Map<String, Object> json() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("prompt", prompt);
    json.put("tokens", idsA.length);
    json.put("same", same());
    json.put("first_mismatch", mismatch == null ? null : mismatch.position());
    json.put("id_a", mismatch == null ? null : mismatch.idA());
    json.put("id_b", mismatch == null ? null : mismatch.idB());
    json.put("gap_a", mismatch == null ? null : mismatch.gapA());
    json.put("gap_b", mismatch == null ? null : mismatch.gapB());
    json.put("logits_apart", logitsApart);
    json.put("ids_a", Arrays.stream(idsA).boxed().toList());
    json.put("ids_b", Arrays.stream(idsB).boxed().toList());
    return json;
  }
}
