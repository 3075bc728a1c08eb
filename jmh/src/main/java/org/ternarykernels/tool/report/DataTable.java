package org.ternarykernels.tool.report;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** A table of rows of JSON, which scrolls in a box of its own where it is wider than the page. */
final class DataTable {
  private record Column(String head, String field, double unit, int digits) {}

  private final List<Column> columns = new ArrayList<>();

  /** Adds a column of texts, or of numbers as they are. */
  DataTable plain(String head, String field) {
    columns.add(new Column(head, field, 1, -1));
    return this;
  }

  /** Adds a column of numbers divided by a unit. */
  DataTable number(String head, String field, double unit, int digits) {
    columns.add(new Column(head, field, unit, digits));
    return this;
  }

  /** The table, with the columns that some row has. */
  String of(List<JsonNode> rows) {
    List<Column> present =
        columns.stream().filter(column -> rows.stream().anyMatch(row -> has(row, column))).toList();
    if (rows.isEmpty() || present.isEmpty()) {
      return "<p class=\"none\">No rows.</p>\n";
    }
    Html html = new Html().raw("<div class=\"scroll\"><table>\n<thead><tr>");
    present.forEach(column -> html.element("th", column.head()));
    html.raw("</tr></thead>\n<tbody>\n");
    for (JsonNode row : rows) {
      html.raw("<tr>");
      present.forEach(column -> cell(html, row, column));
      html.raw("</tr>\n");
    }
    return html.raw("</tbody></table></div>\n").toString();
  }

  private static boolean has(JsonNode row, Column column) {
    return !row.path(column.field()).isMissingNode() && !row.path(column.field()).isNull();
  }

  private static void cell(Html html, JsonNode row, Column column) {
    JsonNode value = row.path(column.field());
    if (!has(row, column)) {
      html.element("td", "–");
    } else if (value.isNumber()) {
      String text =
          column.digits() < 0
              ? value.asText()
              : String.format(
                  Locale.ROOT, "%." + column.digits() + "f", value.asDouble() / column.unit());
      html.element("td", "number", text);
    } else {
      html.element("td", value.isTextual() ? value.asText() : value.toString());
    }
  }
}
