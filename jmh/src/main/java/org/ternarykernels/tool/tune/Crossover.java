package org.ternarykernels.tool.tune;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.ternarykernels.tool.measure.MedianInterval;

/**
 * Where the second of two ways overtakes the first. Timings disagree near that point, so it is not
 * the first or last place where the second was faster, but the threshold that loses the least over
 * all places.
 */
final class Crossover {
  private record Place(long at, MedianInterval interval) {
    double ratio() {
      return interval.median();
    }

    /** Whether the second way may as well be clearly faster as clearly slower. */
    boolean isUndecided() {
      return interval.low() < 1 / (1 + Noise.MOST) && interval.high() > 1 + Noise.MOST;
    }
  }

  private final List<Place> places = new ArrayList<>();

  /**
   * Adds a place; places ascend.
   *
   * @param rounds of the first and of the second way
   */
  void add(long at, double[][] rounds) {
    places.add(new Place(at, MedianInterval.ofRatios(rounds[1], rounds[0])));
  }

  /**
   * The widest interval that leaves open which way is faster, as half of it over the median; 0
   * where there is none. Near the crossover both are as fast, which a narrow interval shows.
   */
  double noise() {
    return places.stream()
        .filter(Place::isUndecided)
        .mapToDouble(place -> Noise.of(place.interval))
        .max()
        .orElse(0);
  }

  /** The place from which the second way is to be used; past the last one if nowhere. */
  long from() {
    double loss = 0; // of using the second way everywhere: the logarithms of what it is slower by
    for (Place place : places) {
      loss += Math.log(place.ratio());
    }
    double least = loss;
    long from = places.get(0).at;
    for (int i = 0; i < places.size(); i++) {
      loss -= Math.log(places.get(i).ratio());
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
      text.append(String.format(Locale.ROOT, " %d:%.2f", place.at, place.ratio()));
    }
    return text.toString();
  }
}
