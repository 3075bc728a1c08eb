package org.ternarykernels.tool.tune;

import org.ternarykernels.tool.measure.MedianInterval;

/** When a series says too little to take a value from it. */
final class Noise {
  /** Half of a 95 % interval over its median. What a value chooses between differs by more. */
  static final double MOST = 0.1;

  private Noise() {}

  /** Half of the interval over the median. */
  static double of(MedianInterval interval) {
    return interval.error() / interval.median();
  }
}
