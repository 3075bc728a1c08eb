package org.ternarykernels.tool.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * One direction of a chart: values from a least to a most, on a logarithmic or a plain scale.
 *
 * @param label with its unit
 * @param factor from a tick to the next; 0: the scale is plain
 */
record Axis(String label, int factor, double least, double most) {
  private static final int TICKS = 5;

  /** Around the values, with the next ticks at its ends. */
  static Axis around(String label, boolean logarithmic, List<Double> values) {
    double least = values.stream().mapToDouble(Double::doubleValue).min().orElse(0);
    double most = values.stream().mapToDouble(Double::doubleValue).max().orElse(1);
    if (logarithmic) {
      double low = Math.pow(10, Math.floor(Math.log10(least) + 1e-9));
      double high = Math.pow(10, Math.ceil(Math.log10(most) - 1e-9));
      return new Axis(label, 10, low, high > low ? high : 10 * low);
    }
    double step = step(most);
    return new Axis(label, 0, 0, Math.max(step, Math.ceil(most / step - 1e-9) * step));
  }

  /** Powers of two, each with a tick. */
  static Axis ofRows(String label, List<Double> values) {
    double least = values.stream().mapToDouble(Double::doubleValue).min().orElse(1);
    double most = values.stream().mapToDouble(Double::doubleValue).max().orElse(1);
    return new Axis(label, 2, least, Math.max(2 * least, most));
  }

  /** 1, 2 or 5 times a power of ten, of which a few make the range. */
  private static double step(double most) {
    if (!(most > 0)) {
      return 1;
    }
    double raw = most / TICKS;
    double power = Math.pow(10, Math.floor(Math.log10(raw)));
    for (int factor : new int[] {1, 2, 5}) {
      if (factor * power >= raw) {
        return factor * power;
      }
    }
    return 10 * power;
  }

  /** Where a value lies, 0 to 1. */
  double place(double value) {
    double at =
        factor > 0
            ? Math.log(value / least) / Math.log(most / least)
            : (value - least) / (most - least);
    return Math.max(0, Math.min(1, at));
  }

  List<Double> ticks() {
    List<Double> ticks = new ArrayList<>();
    if (factor > 0) {
      for (double tick = least; tick <= most * 1.0001; tick *= factor) {
        ticks.add(tick);
      }
    } else {
      double step = step(most);
      for (int i = 0; i * step <= most * 1.0001; i++) {
        ticks.add(i * step);
      }
    }
    return ticks;
  }

  /** A tick as it is read. */
  static String text(double value) {
    if (value != 0 && (Math.abs(value) >= 1e5 || Math.abs(value) < 1e-3)) {
      return String.format(Locale.ROOT, "%.0e", value);
    }
    return String.format(Locale.ROOT, "%.4f", value).replaceFirst("\\.?0+$", "");
  }
}
