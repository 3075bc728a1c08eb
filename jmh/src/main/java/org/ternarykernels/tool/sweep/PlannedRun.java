package org.ternarykernels.tool.sweep;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/** One process of a sweep: a profile in a round, counted from 1. */
record PlannedRun(Profile profile, int round) {
  /** Names it in results, and its log. */
  String id() {
    return profile.name() + "." + round;
  }

  /**
   * All runs in their order: each round has every profile once, shuffled, so that none always meets
   * the machine as the same other one leaves it.
   */
  static List<PlannedRun> shuffled(List<Profile> profiles, int rounds, long seed) {
    Random random = new Random(seed);
    List<PlannedRun> runs = new ArrayList<>();
    for (int round = 1; round <= rounds; round++) {
      List<Profile> order = new ArrayList<>(profiles);
      Collections.shuffle(order, random);
      for (Profile profile : order) {
        runs.add(new PlannedRun(profile, round));
      }
    }
    return runs;
  }
}
