package org.ternarykernels.tool.output;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;

/**
 * A table of text, printed row by row. Columns that do not fit into the width are left out from the
 * right, and the last line names them: what matters most comes first.
 */
public final class TextTable {
  private record Column(String name, int width, boolean left) {}

  private final Consumer<String> screen;
  private final int width;
  private final List<Column> columns = new ArrayList<>();
  private final List<String> lines = new ArrayList<>();
  private int fitting = -1;

  /**
   * @param screen receives each line
   * @param width columns of a line
   */
  public TextTable(Consumer<String> screen, int width) {
    this.screen = screen;
    this.width = width;
  }

  /** Adds a column of text. What is longer than {@code width} is cut. */
  public TextTable left(String name, int width) {
    columns.add(new Column(name, Math.max(width, name.length()), true));
    return this;
  }

  /** Adds a column of numbers. */
  public TextTable right(String name, int width) {
    columns.add(new Column(name, Math.max(width, name.length()), false));
    return this;
  }

  /**
   * The text of a number in a cell.
   *
   * @param format of a double
   * @param unit that the column is in: nanoseconds are shown in milliseconds by 1e6
   * @return null, which a table shows as a dash, of what is no finite number
   */
  public static String number(String format, Object value, double unit) {
    return value instanceof Number number && Double.isFinite(number.doubleValue())
        ? String.format(Locale.ROOT, format, number.doubleValue() / unit)
        : null;
  }

  /** Prints a row; the first call prints the names of the columns before it. */
  public void row(Object... cells) {
    if (cells.length != columns.size()) {
      throw new IllegalArgumentException(
          cells.length + " cells of a table of " + columns.size() + " columns");
    }
    if (fitting < 0) {
      head();
    }
    line(cells);
  }

  /** Prints the names of the columns. */
  public void head() {
    int used = 0;
    fitting = 0;
    for (Column column : columns) {
      used += column.width() + (fitting > 0 ? 2 : 0);
      if (used > width && fitting > 0) {
        break;
      }
      fitting++;
    }
    line(columns.stream().map(Column::name).toArray());
  }

  private void line(Object... cells) {
    StringBuilder line = new StringBuilder();
    for (int i = 0; i < fitting; i++) {
      Column column = columns.get(i);
      String cell = cells[i] == null ? "-" : cells[i].toString();
      if (cell.length() > column.width() && column.left()) {
        cell = cell.substring(0, column.width() - 1) + "~";
      }
      String space = " ".repeat(Math.max(0, column.width() - cell.length()));
      line.append(i == 0 ? "" : "  ").append(column.left() ? cell + space : space + cell);
    }
    print(line.toString().stripTrailing());
  }

  /** Names the columns that were left out, if there are any. */
  public void end() {
    if (fitting >= 0 && fitting < columns.size()) {
      String names =
          String.join(
              ", ", columns.subList(fitting, columns.size()).stream().map(Column::name).toList());
      note("Left out at this width, and in JSON and CSV: " + names + ".");
    }
  }

  /**
   * Prints a sentence between rows, broken at spaces where it is wider than the table may be. Its
   * later lines begin two columns further in.
   */
  public void note(String sentence) {
    String indent = " ".repeat(sentence.length() - sentence.stripLeading().length());
    StringBuilder line = new StringBuilder(indent);
    boolean begun = false;
    for (String word : sentence.strip().split(" +")) {
      if (begun && line.length() + 1 + word.length() > width) {
        print(line.toString());
        line = new StringBuilder(indent).append("  ");
        begun = false;
      }
      line.append(begun ? " " : "").append(word);
      begun = true;
    }
    print(line.toString());
  }

  private void print(String line) {
    lines.add(line);
    screen.accept(line);
  }

  /** Everything that was printed, for a file. */
  public String text() {
    return String.join("\n", lines) + "\n";
  }
}
