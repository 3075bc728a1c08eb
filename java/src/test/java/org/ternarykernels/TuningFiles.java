package org.ternarykernels;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** Tuning files of this machine, for tests. */
final class TuningFiles {
  /** What of the tuning's report a file must say again. */
  private static final Set<String> MACHINE = Set.of("device_id", "isa", "cores", "cache_bytes");

  private TuningFiles() {}

  /** A file for runtimes of this ISA: the built-in values, but those of {@code changed}. */
  static Path write(Path folder, Isa isa, Map<String, Long> changed) throws IOException {
    Map<String, String> lines = new LinkedHashMap<>();
    try (TernaryRuntime runtime = TernaryRuntime.builder().maxIsa(isa).threads(1).build();
        JsonParser parser = new JsonFactory().createParser(runtime.infoJson())) {
      read(parser, lines);
    }
    changed.forEach((name, value) -> lines.put(name, value.toString()));
    StringBuilder text = new StringBuilder();
    lines.forEach((name, value) -> text.append(name).append('=').append(value).append('\n'));
    return Files.writeString(
        folder.resolve("tuning.txt"), text.append("end=").append(lines.size()).append('\n'));
  }

  private static void read(JsonParser parser, Map<String, String> lines) throws IOException {
    String name = null;
    int depth = 0;
    boolean tuning = false;
    for (JsonToken token; (token = parser.nextToken()) != null; ) {
      if (token.isStructStart() || token.isStructEnd()) {
        depth += token.isStructStart() ? 1 : -1;
        tuning = depth > 1 && (tuning || "tuning".equals(parser.currentName()));
      } else if (token.isScalarValue()) {
        String key = parser.currentName();
        if (depth == 1 && (key.equals("version") || key.equals("device"))
            || depth == 2 && tuning && MACHINE.contains(key)) {
          lines.put(key, parser.getText());
        } else if (tuning && key.equals("name")) {
          name = parser.getText();
        } else if (tuning && key.equals("built_in")) {
          lines.put(name, parser.getText());
        }
      }
    }
  }
}
