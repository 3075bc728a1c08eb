package org.ternarykernels.tool.shadow;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What a file of divergences holds.
 *
 * @param rows one a line
 * @param malformed a sentence about each line that is none, with file and line
 */
record DivergenceFile(List<Divergence> rows, List<String> malformed) {
  /** Its name in the folder of a run. */
  static final String NAME = "divergences.jsonl";

  private static final ObjectMapper READER =
      new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  /** Reads every line; empty ones are skipped. */
  static DivergenceFile read(Path file) throws IOException {
    List<Divergence> rows = new ArrayList<>();
    List<String> malformed = new ArrayList<>();
    try (BufferedReader reader =
        new BufferedReader(
            new InputStreamReader(Files.newInputStream(file), StandardCharsets.UTF_8))) {
      int number = 0;
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        number++;
        try {
          if (!line.isBlank()) {
            rows.add(Divergence.of(READER.readTree(line)));
          }
        } catch (JsonProcessingException e) {
          malformed.add(file + ", line " + number + ": it is no JSON: " + e.getOriginalMessage());
        } catch (IllegalArgumentException e) {
          malformed.add(file + ", line " + number + ": " + e.getMessage());
        }
      }
    }
    return new DivergenceFile(rows, malformed);
  }
}
