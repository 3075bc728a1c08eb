package org.ternarykernels.tool.tune;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Where the second of two ways overtakes the first. Timings disagree near that point, so it is not
 * the first or last place where the second was faster, but the threshold that loses the least over
 * all places.
 */
public final class Crossover {
  private record Place(long at, double ratio) {}

  private final List<Place> places = new ArrayList<>();

  /**
   * Adds a place; places ascend.
   *
   * @param times of the first and of the second way
   */
  void add(long at, double[] times) {
    places.add(new Place(at, times[1] / times[0]));
  }

  /** The place from which the second way is to be used; past the last one if nowhere. */
  long from() {
    double loss = 0; // of using the second way everywhere: the logarithms of what it is slower by
    for (Place place : places) {
      loss += Math.log(place.ratio);
    }
    double least = loss;
    long from = places.get(0).at;
    for (int i = 0; i < places.size(); i++) {
      loss -= Math.log(places.get(i).ratio);
      if (loss < least) {
        least = loss;
        from = i + 1 < places.size() ? places.get(i + 1).at : places.get(i).at + 1;
      }
    }
    return from;
  }

  /** The time of the second way over that of the first, by place. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    for (Place place : places) {
      text.append(String.format(Locale.ROOT, " %d:%.2f", place.at, place.ratio));
    }
    return text.toString();
  }
}
