package org.ternarykernels;

import org.ternarykernels.binding.Ternary;

/**
 * What the score of a group of experts is.
 *
 * @since 0.2.0
 */
public enum GroupScore {
  /** The sum of its two largest scores; of one expert its score. */
  TOP2(Ternary.TERNARY_GROUP_TOP2),
  /** Its largest score. */
  MAX(Ternary.TERNARY_GROUP_MAX);

  final int code;

  GroupScore(int code) {
    this.code = code;
  }
}
