package org.ternarykernels.tool.output;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.csv.CsvMapper;
import com.fasterxml.jackson.dataformat.csv.CsvSchema;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.ternarykernels.storage.AtomicFile;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * The folder of {@code --out-dir}: what a run was told ({@code config.json}), where it ran ({@code
 * environment.json}), what it measured ({@code rows.jsonl}, one row a line and as soon as it is
 * known; {@code result.json}, the document of {@code --json}) and what people read ({@code
 * summary.csv}, {@code summary.txt}). Nothing in it tells whose machine it was.
 *
 * <p>A run that ends early leaves what was finished, and {@code --resume} goes on with it.
 */
public final class RunFolder {
  public static final String CONFIG = "config.json";
  public static final String ENVIRONMENT = "environment.json";
  public static final String ROWS = "rows.jsonl";
  public static final String RESULT = "result.json";
  public static final String SUMMARY_TABLE = "summary.csv";
  public static final String SUMMARY_TEXT = "summary.txt";

  private static final ObjectMapper READER = new ObjectMapper();

  private final Path path;
  private volatile boolean unfinished;

  public RunFolder(Path path) {
    this.path = path;
  }

  /** Makes one of an option's text. */
  public static final class FromText implements ITypeConverter<RunFolder> {
    @Override
    public RunFolder convert(String text) {
      try {
        return new RunFolder(Path.of(text));
      } catch (InvalidPathException e) {
        throw new TypeConversionException("'" + text + "' is no path: " + e.getReason());
      }
    }
  }

  public Path path() {
    return path;
  }

  /**
   * Makes the folder where there is none, and tries whether files can be written to it.
   *
   * @param resume whether it must have the results of a run, or must have none
   * @throws IOException if it cannot serve; the message is the reason alone
   */
  public void open(boolean resume) throws IOException {
    if (Files.exists(path) && !Files.isDirectory(path)) {
      throw new IOException("it is no folder");
    }
    boolean started = Files.exists(path.resolve(CONFIG));
    if (resume && !started) {
      throw new IOException("it has no " + CONFIG + ", so there is nothing to go on with");
    }
    if (!resume && started) {
      throw new IOException("it has the results of a run; --resume goes on with that");
    }
    if (!started && Files.isDirectory(path) && !isEmpty()) {
      throw new IOException("it is not empty, must be empty or new");
    }
    Files.createDirectories(path);
    AtomicFile.tryOut(path.resolve(RESULT));
  }

  private boolean isEmpty() throws IOException {
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(path)) {
      return !entries.iterator().hasNext();
    }
  }

  /**
   * Begins a run, or goes on with one of the same config.
   *
   * @param environment of the machine, as {@code Machine.environment()} has it
   * @return the rows that are there already
   * @throws IllegalArgumentException if the folder has a run of another config
   * @throws IOException if it cannot be written
   */
  public List<Map<String, Object>> begin(RunConfig config, Map<String, Object> environment)
      throws IOException {
    Path file = path.resolve(CONFIG);
    if (Files.exists(file)) {
      String hash = READER.readTree(file.toFile()).path("hash").asText();
      if (!hash.equals(config.hash())) {
        throw new IllegalArgumentException(
            "--resume: the folder has a run of config "
                + hash
                + ", these options make "
                + config.hash());
      }
    } else {
      write(CONFIG, Json.text(config.json()));
      write(ENVIRONMENT, Json.text(Anonymous.map(environment)));
    }
    unfinished = true;
    List<JsonNode> rows = rows(path);
    StringBuilder whole = new StringBuilder(); // without a line that an interruption cut off
    rows.forEach(row -> whole.append(row).append('\n'));
    write(ROWS, whole.toString().getBytes(StandardCharsets.UTF_8));
    return READER.convertValue(rows, new TypeReference<>() {});
  }

  /** The whole rows in a folder; none where there is no file of them. */
  public static List<JsonNode> rows(Path folder) throws IOException {
    List<JsonNode> rows = new ArrayList<>();
    if (!Files.exists(folder.resolve(ROWS))) {
      return rows;
    }
    String text = Files.readString(folder.resolve(ROWS));
    String whole = text.substring(0, text.lastIndexOf('\n') + 1);
    for (String line : whole.lines().toList()) {
      rows.add(READER.readTree(line));
    }
    return rows;
  }

  /** Adds a row that is finished. */
  public void add(Map<String, ?> row) throws IOException {
    append(ROWS, row);
  }

  /** Adds a line to a file of such lines. */
  public void append(String name, Map<String, ?> line) throws IOException {
    String text = Json.line(Anonymous.map(line)) + "\n";
    Files.writeString(
        path.resolve(name), text, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
  }

  /**
   * Writes what people read of all rows so far.
   *
   * @param columns of the table, in order
   * @param rows by the names of columns; others of their values are left out
   * @param text the same to read
   */
  public void summary(List<String> columns, List<? extends Map<String, ?>> rows, String text)
      throws IOException {
    write(SUMMARY_TABLE, csv(columns, rows).getBytes(StandardCharsets.UTF_8));
    write(SUMMARY_TEXT, Anonymous.text(text).getBytes(StandardCharsets.UTF_8));
  }

  /** A table as CSV, its first line the names of the columns. */
  public static String csv(List<String> columns, List<? extends Map<String, ?>> rows)
      throws IOException {
    CsvSchema.Builder schema = CsvSchema.builder();
    columns.forEach(schema::addColumn);
    List<Map<String, Object>> lines = new ArrayList<>();
    for (Map<String, ?> row : rows) {
      Map<String, Object> line = new LinkedHashMap<>();
      columns.forEach(column -> line.put(column, cell(row.get(column))));
      lines.add(line);
    }
    return new CsvMapper()
        .writer(schema.setUseHeader(true).setLineSeparator("\n").build())
        .writeValueAsString(lines);
  }

  private static Object cell(Object value) {
    boolean plain =
        value == null
            || value instanceof Boolean
            || value instanceof Number number && Double.isFinite(number.doubleValue());
    if (plain) {
      return value;
    }
    return value instanceof Number ? null : Anonymous.text(value.toString());
  }

  /**
   * Writes the document of {@code --json}; a run whose member {@code complete} is true has ended.
   */
  public void result(Map<String, ?> result) throws IOException {
    write(RESULT, Json.text(Anonymous.map(result)));
    unfinished = !Boolean.TRUE.equals(result.get("complete"));
  }

  /** Writes a file, whole or not at all. */
  public void write(String name, byte[] content) throws IOException {
    try {
      AtomicFile.write(path.resolve(name), out -> out.write(content));
    } catch (IOException e) {
      throw new IOException(path.resolve(name) + " cannot be written: " + e.getMessage(), e);
    }
  }

  /** How to go on with a run that has not ended; empty of one that has. */
  public String hint() {
    return unfinished
        ? "what was finished is in " + path + "; the same command with --resume goes on"
        : "";
  }

  @Override
  public String toString() {
    return path.toString();
  }
}
