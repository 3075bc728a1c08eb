package org.ternarykernels.tool.shadow;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.ternarykernels.tool.output.ResultDocument;
import org.ternarykernels.tool.output.RunFolder;
import org.ternarykernels.tool.output.Screen;

/** What the files of runs say together. */
final class ShadowReport {
  /** Sentences about malformed lines that are printed; all are counted. */
  private static final int MOST_SENTENCES = 10;

  private final List<Divergence> rows = new ArrayList<>();
  private final List<String> malformed = new ArrayList<>();
  private final List<Map<String, Object>> folders = new ArrayList<>();

  /**
   * Reads the files of a folder: of a run's folder its divergences, of another every {@code
   * .jsonl}.
   *
   * @return false if it has none; it is noted then
   */
  boolean add(Path folder) throws IOException {
    List<Path> files = files(folder);
    int before = rows.size();
    int malformedBefore = malformed.size();
    for (Path file : files) {
      DivergenceFile content = DivergenceFile.read(file);
      rows.addAll(content.rows());
      malformed.addAll(content.malformed());
    }
    Map<String, Object> of = new LinkedHashMap<>();
    of.put("folder", folder.toString());
    of.put("files", files.size());
    of.put("divergences", rows.size() - before);
    of.put("malformed", malformed.size() - malformedBefore);
    of.put("missing", files.isEmpty());
    folders.add(of);
    return !files.isEmpty();
  }

  private static List<Path> files(Path folder) throws IOException {
    Path own = folder.resolve(DivergenceFile.NAME);
    if (Files.isRegularFile(own)) {
      return List.of(own);
    }
    if (!Files.isDirectory(folder) || Files.exists(folder.resolve(RunFolder.CONFIG))) {
      return List.of(); // what another command's run left is of something else
    }
    try (Stream<Path> entries = Files.list(folder)) {
      return entries
          .filter(file -> file.toString().endsWith(".jsonl") && Files.isRegularFile(file))
          .sorted()
          .toList();
    }
  }

  /** Whether nothing differs and every line could be read. */
  boolean clean() {
    return rows.isEmpty() && malformed.isEmpty();
  }

  /** Prints it, and puts it into a result. */
  String print(Screen screen, PrintWriter err, int top, ResultDocument result) {
    malformed.stream().limit(MOST_SENTENCES).forEach(err::println);
    if (malformed.size() > MOST_SENTENCES) {
      err.println("and " + (malformed.size() - MOST_SENTENCES) + " more lines");
    }
    err.flush();
    DivergenceTable table = new DivergenceTable(rows);
    String text = table.printGroups(screen);
    if (!rows.isEmpty()) {
      screen.line("");
      screen.line("The worst calls:");
      text += "\n" + table.printWorst(screen, top);
    }
    String end =
        rows.size()
            + " calls differ, "
            + malformed.size()
            + " lines cannot be read, in "
            + folders.stream().mapToInt(of -> (int) of.get("files")).sum()
            + " files";
    screen.line(end);
    Map<String, Object> json = result.json();
    json.put("folders", folders);
    json.put("divergences", rows.size());
    json.put("malformed", malformed.size());
    json.put("groups", table.groups());
    table.worst().stream().limit(top).forEach(row -> result.rows().add(row.json()));
    return text + end + "\n";
  }

  /** By path and shape. */
  List<Map<String, Object>> groups() {
    return new DivergenceTable(rows).groups();
  }
}
