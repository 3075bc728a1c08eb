package org.ternarykernels.tool.report;

import java.util.List;
import java.util.Locale;

/** Horizontal bars with their values, as SVG within a page. */
final class Bars {
  /** One bar. */
  record Bar(String name, double value) {}

  private static final int WIDTH = 720;
  private static final int VALUES = 110;
  private static final int LINE = 56;

  private Bars() {}

  /**
   * The SVG, or nothing where there are no bars.
   *
   * @param reference a value with a line of its own, for example 1; 0: none
   */
  static String of(String title, String unit, double reference, List<Bar> bars) {
    if (bars.isEmpty()) {
      return "";
    }
    double most = Math.max(reference, bars.stream().mapToDouble(Bar::value).max().orElse(1));
    double scale = most > 0 ? (WIDTH - VALUES) / most : 0;
    int height = LINE * bars.size() + 8;
    StringBuilder svg = new StringBuilder("<figure class=\"chart\"><figcaption>");
    svg.append(Html.escape(title)).append("</figcaption><svg viewBox=\"0 0 ");
    svg.append(WIDTH).append(' ').append(height).append("\" role=\"img\"><title>");
    svg.append(Html.escape(title)).append("</title>\n");
    for (int i = 0; i < bars.size(); i++) {
      Bar bar = bars.get(i);
      int top = LINE * i + 4;
      svg.append(
          String.format(
              Locale.ROOT,
              "<text class=\"label\" x=\"0\" y=\"%d\">%s</text>"
                  + "<rect class=\"bar kind0\" x=\"0\" y=\"%d\" width=\"%.1f\" height=\"16\"/>"
                  + "<text class=\"label\" x=\"%.1f\" y=\"%d\">%s%s</text>%n",
              top + 20,
              Html.escape(bar.name()),
              top + 28,
              Math.max(1, bar.value() * scale),
              bar.value() * scale + 8,
              top + 43,
              Axis.text(rounded(bar.value())),
              Html.escape(unit)));
    }
    if (reference > 0) {
      svg.append(
          String.format(
              Locale.ROOT,
              "<line class=\"reference\" x1=\"%1$.1f\" x2=\"%1$.1f\" y1=\"0\" y2=\"%2$d\"/>%n",
              reference * scale,
              height));
    }
    return svg.append("</svg></figure>\n").toString();
  }

  private static double rounded(double value) {
    return Math.abs(value) >= 100 ? Math.rint(value) : Math.rint(value * 100) / 100;
  }
}
