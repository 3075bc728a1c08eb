package org.ternarykernels.example;

import java.util.List;

/**
 * Grouped-query attention with rotary positions.
 *
 * @param kvHeads heads of keys and values, each for as many of queries
 * @param headDim features of a head
 * @param bias whether Q, K, V and the output projection have a bias
 * @param ropeTheta the rotation's base
 */
public record AttentionConfig(int heads, int kvHeads, int headDim, boolean bias, float ropeTheta) {
  /** Where rope_theta stands: beside the rest, or where transformers 5 puts it. */
  private static final List<String> ROPE = List.of("", "rope_parameters.", "rope_scaling.");

  /** Features of all query heads together. */
  public int queries() {
    return heads * headDim;
  }

  /** Features of all key heads together; the values have as many. */
  public int keys() {
    return kvHeads * headDim;
  }

  /** Features of Q, K and V together. */
  int projected() {
    return queries() + 2 * keys();
  }

  /** The rotation's base; of the ways to stretch it only the one that changes nothing is known. */
  static float ropeTheta(ConfigValues values) {
    float theta = 0;
    for (String section : ROPE) {
      values.requireIfSet(section + "rope_type", "default");
      if (!section.isEmpty()) {
        values.requireIfSet(section + "type", "default"); // its older name
      }
      String factor = section + "partial_rotary_factor";
      if (values.has(factor) && values.positiveFloat(factor) != 1) {
        values.require(factor, "1.0");
      }
      String name = section + "rope_theta";
      if (values.has(name)) {
        float value = values.positiveFloat(name);
        if (theta != 0 && theta != value) {
          throw new IllegalArgumentException(
              "config.json: " + name + " is " + value + ", must be " + theta + " as said before");
        }
        theta = value;
      }
    }
    return theta != 0 ? theta : values.positiveFloat("rope_theta"); // says that it is missing
  }
}
