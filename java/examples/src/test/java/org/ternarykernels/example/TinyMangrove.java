package org.ternarykernels.example;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import org.ternarykernels.io.SafetensorsFile;

/** The trained mixture of experts of the repository and what another implementation says of it. */
final class TinyMangrove {
  static final Path FOLDER = Path.of(System.getProperty("test.data"), "tiny-mangrove");
  static final int PROMPTS = 3;

  private TinyMangrove() {}

  static JsonNode reference() throws IOException {
    return new ObjectMapper().readTree(FOLDER.resolve("reference.json").toFile());
  }

  static SafetensorsFile open(String name) {
    return SafetensorsFile.open(FOLDER.resolve(name));
  }
}
