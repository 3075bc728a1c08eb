package org.ternarykernels.tool.capacity;

import java.io.IOException;

/**
 * The largest number of users of which something holds, where it holds of every smaller number too:
 * doubling as long as it does, then halving what is between.
 */
final class CapacitySearch {
  /** Whether a number of users is served in time. */
  interface Trial {
    boolean holds(int users) throws IOException;
  }

  private CapacitySearch() {}

  /**
   * @param most users that are tried
   * @param trial is asked once of each number
   * @return 0 if it does not even hold of one
   */
  static int largest(int most, Trial trial) throws IOException {
    int good = 0;
    int bad = most + 1;
    for (int users = 1; users <= most; users = Math.min(2 * users, Math.max(users + 1, most))) {
      if (!trial.holds(users)) {
        bad = users;
        break;
      }
      good = users;
    }
    while (bad - good > 1) {
      int middle = good + (bad - good) / 2;
      if (trial.holds(middle)) {
        good = middle;
      } else {
        bad = middle;
      }
    }
    return good;
  }
}
