package org.ternarykernels.tool.problem;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;

/**
 * The model and the shapes that travel in the tool's jar, so that it runs from any folder; a folder
 * given with {@code --test-data} replaces them.
 */
public final class BundledData implements AutoCloseable {
  private static final List<String> MODEL =
      List.of("config.json", "model.safetensors", "text.txt", "LICENSE-PSF.txt");
  private static final String RESOURCES = "/test-data/";

  /** The files in {@code shapes/}, which a jar cannot list. */
  public static final List<String> SHAPE_FILES =
      List.of(
          "bitnet-2b-4t",
          "bitnet-3b",
          "bonsai-1.7b",
          "bonsai-8b",
          "falcon3-7b-1.58",
          "llama3-8b-1.58",
          "maple-20b-a1b",
          "odd",
          "qwen3-30b-a3b");

  private final Path folder;
  private TemporaryFolder extracted;

  /**
   * @param folder a {@code test-data} folder, or null for the jar's own
   */
  public BundledData(Path folder) {
    this.folder = folder;
  }

  /**
   * A folder with tiny-bitnet. The reader of weights reads by position, so the jar's files are
   * copied out.
   */
  public Path model() throws IOException {
    if (folder != null) {
      return folder.resolve("tiny-bitnet");
    }
    if (extracted == null) {
      extracted = new TemporaryFolder("tiny-bitnet");
      for (String name : MODEL) {
        extracted.write(name, resource("tiny-bitnet/" + name));
      }
    }
    return extracted.path();
  }

  /** The shapes of {@code shapes/<name>.txt}. */
  public List<Shape> shapes(String name) throws IOException {
    String file = "shapes/" + name + ".txt";
    byte[] text = folder == null ? resource(file) : Files.readAllBytes(folder.resolve(file));
    return Shape.parse(file, new String(text, StandardCharsets.UTF_8));
  }

  /** The text of {@code stacks.yaml}: sizes of the models whose shapes are here. */
  public byte[] stacks() throws IOException {
    String file = "stacks.yaml";
    return folder == null ? resource(file) : Files.readAllBytes(folder.resolve(file));
  }

  private static byte[] resource(String name) throws IOException {
    try (InputStream in = BundledData.class.getResourceAsStream(RESOURCES + name)) {
      if (in == null) {
        throw new NoSuchFileException(RESOURCES + name + " in the tool's jar");
      }
      return in.readAllBytes();
    }
  }

  @Override
  public void close() throws IOException {
    if (extracted != null) {
      extracted.close();
    }
  }
}
