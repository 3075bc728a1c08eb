package org.ternarykernels.tool.output;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collection;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * What a run was told: every option with its value, and the knobs that are set. The same config has
 * the same hash, wherever its files lie and its results go.
 *
 * @param command the command's name
 * @param options by name, without dashes; a file by its name and the hash of its content
 * @param knobs that are not at their defaults
 */
public record RunConfig(String command, Map<String, Object> options, Map<String, String> knobs) {
  /**
   * What changes how much of the results is made now and how they are judged, and nothing in them.
   * Neither do the files and folders where they go.
   */
  private static final Set<String> NOT_OF_THE_RESULT =
      Set.of("--resume", "--verbose", "--dry-run", "--failed-only", "--gate", "--baseline");

  /** Of a command whose options have been read. */
  public static RunConfig of(CommandSpec spec, Map<String, String> knobs) {
    Map<String, Object> options = new TreeMap<>();
    for (OptionSpec option : spec.options()) {
      String name = option.longestName();
      Object value = option.getValue();
      if (!option.usageHelp()
          && !option.versionHelp()
          && !NOT_OF_THE_RESULT.contains(name)
          && value != null
          && !(value instanceof OutputFile)
          && !(value instanceof RunFolder)) {
        options.put(name.replaceFirst("^-+", ""), plain(value));
      }
    }
    Map<String, String> sorted = new TreeMap<>();
    knobs.forEach((name, value) -> sorted.put(name, Anonymous.text(value)));
    return new RunConfig(spec.name(), options, sorted);
  }

  private static Object plain(Object value) {
    if (value instanceof Path path) {
      return file(path);
    }
    if (value instanceof Collection<?> values) {
      return values.stream().map(RunConfig::plain).toList();
    }
    if (value instanceof Object[] values) {
      return List.of(values).stream().map(RunConfig::plain).toList();
    }
    if (value instanceof Number || value instanceof Boolean) {
      return value;
    }
    return Anonymous.text(value.toString());
  }

  private static Object file(Path path) {
    Path name = path.getFileName();
    String text = name == null ? "" : name.toString();
    if (!Files.isRegularFile(path)) {
      return text;
    }
    try {
      return Map.of("file", text, "sha256", sha256(Files.readAllBytes(path)));
    } catch (IOException e) {
      throw new UncheckedIOException(path + " cannot be read: " + e.getMessage(), e);
    }
  }

  /** Sixteen hexadecimal digits. */
  public String hash() {
    return sha256(Json.sorted(content()).getBytes(StandardCharsets.UTF_8)).substring(0, 16);
  }

  private static String sha256(byte[] content) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  private Map<String, Object> content() {
    Map<String, Object> content = new LinkedHashMap<>();
    content.put("command", command);
    content.put("options", options);
    content.put("knobs", knobs);
    return content;
  }

  /** The document {@code config.json}. */
  Map<String, Object> json() {
    Map<String, Object> json = content();
    json.put("hash", hash());
    return json;
  }
}
