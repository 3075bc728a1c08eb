package org.ternarykernels.tool.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * A chart as SVG within a page: series of points by two axes, with a legend. Series differ by
 * colour and by the form of their points.
 */
final class Chart {
  /**
   * Points in the order of x.
   *
   * @param joined whether a line goes through them
   */
  record Series(String name, List<double[]> points, boolean joined) {}

  /** Colours and forms that the style sheet has. */
  static final int KINDS = 6;

  private static final int WIDTH = 720;
  private static final int HEIGHT = 400;
  private static final int LEFT = 92;
  private static final int RIGHT = 20;
  private static final int TOP = 16;
  private static final int BOTTOM = 72;
  private static final int LEGEND_LINE = 30;

  private final String title;
  private final Axis x;
  private final Axis y;
  private final List<Series> series;
  private final StringBuilder svg = new StringBuilder();

  private Chart(String title, Axis x, Axis y, List<Series> series) {
    this.title = title;
    this.x = x;
    this.y = y;
    this.series = series;
  }

  /** The SVG, or nothing where there are no points. */
  static String of(String title, Axis x, Axis y, List<Series> series) {
    List<Series> drawn = series.stream().filter(one -> !one.points().isEmpty()).toList();
    return drawn.isEmpty() ? "" : new Chart(title, x, y, drawn).draw();
  }

  /** All values of a coordinate: 0 is x. */
  static List<Double> values(List<Series> series, int coordinate) {
    List<Double> values = new ArrayList<>();
    series.forEach(one -> one.points().forEach(point -> values.add(point[coordinate])));
    return values;
  }

  private String draw() {
    int height = HEIGHT + LEGEND_LINE * series.size();
    svg.append("<figure class=\"chart\"><figcaption>")
        .append(Html.escape(title))
        .append("</figcaption><svg viewBox=\"0 0 ")
        .append(WIDTH)
        .append(' ')
        .append(height)
        .append("\" role=\"img\"><title>")
        .append(Html.escape(title))
        .append("</title>\n");
    axes();
    for (int i = 0; i < series.size(); i++) {
      series(series.get(i), i);
      legend(series.get(i), i);
    }
    return svg.append("</svg></figure>\n").toString();
  }

  private double left(double value) {
    return LEFT + x.place(value) * (WIDTH - LEFT - RIGHT);
  }

  private double top(double value) {
    return HEIGHT - BOTTOM - y.place(value) * (HEIGHT - TOP - BOTTOM);
  }

  private void axes() {
    for (double tick : x.ticks()) {
      line("grid", left(tick), TOP, left(tick), HEIGHT - BOTTOM);
      label("middle", left(tick), HEIGHT - BOTTOM + 20, Axis.text(tick));
    }
    for (double tick : y.ticks()) {
      line("grid", LEFT, top(tick), WIDTH - RIGHT, top(tick));
      label("end", LEFT - 8, top(tick) + 5, Axis.text(tick));
    }
    label("middle", (LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 12, x.label());
    svg.append(
        String.format(
            Locale.ROOT,
            "<text class=\"label\" text-anchor=\"middle\" transform=\"translate(16 %d)"
                + " rotate(-90)\">%s</text>\n",
            (TOP + HEIGHT - BOTTOM) / 2,
            Html.escape(y.label())));
  }

  private void series(Series one, int kind) {
    if (one.joined()) {
      StringBuilder points = new StringBuilder();
      for (double[] point : one.points()) {
        points.append(String.format(Locale.ROOT, "%.1f,%.1f ", left(point[0]), top(point[1])));
      }
      svg.append("<polyline class=\"line ").append(cssClass(kind)).append("\" points=\"");
      svg.append(points.toString().strip()).append("\"/>\n");
    }
    for (double[] point : one.points()) {
      mark(kind, left(point[0]), top(point[1]));
    }
  }

  /** Colours come again, dashed and hollow. */
  private static String cssClass(int kind) {
    return "kind" + kind % KINDS + (kind < KINDS ? "" : " again");
  }

  /** A point; its form goes with its colour, for whoever sees no colours. */
  private void mark(int kind, double atX, double atY) {
    String form =
        switch (kind % KINDS) {
          case 1 -> "M-5 -5H5V5H-5Z";
          case 2 -> "M0 -6L6 5H-6Z";
          case 3 -> "M0 -6L6 0L0 6L-6 0Z";
          case 4 -> "M0 6L6 -5H-6Z";
          case 5 -> "M-6 -2H-2V-6H2V-2H6V2H2V6H-2V2H-6Z";
          default -> "M-5 0A5 5 0 1 1 5 0A5 5 0 1 1 -5 0Z";
        };
    svg.append(
        String.format(
            Locale.ROOT,
            "<path class=\"mark %s\" transform=\"translate(%.1f %.1f)\" d=\"%s\"/>%n",
            cssClass(kind),
            atX,
            atY,
            form));
  }

  private void legend(Series one, int place) {
    double atY = HEIGHT + LEGEND_LINE * place + 8;
    mark(place, LEFT + 8, atY);
    label("start", LEFT + 24, atY + 5, one.name());
  }

  private void line(String cssClass, double x1, double y1, double x2, double y2) {
    svg.append(
        String.format(
            Locale.ROOT,
            "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>%n",
            cssClass,
            x1,
            y1,
            x2,
            y2));
  }

  private void label(String anchor, double atX, double atY, String said) {
    svg.append(
        String.format(
            Locale.ROOT,
            "<text class=\"label\" text-anchor=\"%s\" x=\"%.1f\" y=\"%.1f\">%s</text>%n",
            anchor,
            atX,
            atY,
            Html.escape(said)));
  }
}
