package org.ternarykernels.example;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.ternarykernels.io.SafetensorsFile;
import org.ternarykernels.io.SafetensorsWriter;
import org.ternarykernels.io.Tensor;

/** The trained model with changes, in a folder of its own. */
public final class ModelVariant {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path folder;
  private final Path original;

  /** The tiny BitNet in a folder. */
  public ModelVariant(Path folder) throws IOException {
    this(folder, TinyBitNet.FOLDER);
  }

  /** Puts a model as it is into a folder; its tensors are a link to those of the repository. */
  public ModelVariant(Path folder, Path original) throws IOException {
    this.folder = folder;
    this.original = original;
    Files.copy(original.resolve("config.json"), folder.resolve("config.json"));
    Files.createSymbolicLink(weights(), original.resolve("model.safetensors"));
  }

  public Path folder() {
    return folder;
  }

  private Path weights() {
    return folder.resolve("model.safetensors");
  }

  /** The model's config.json with one more member, or another value of one. */
  public ModelVariant config(String member, String json) throws IOException {
    ObjectNode config = read();
    config.set(member, JSON.readTree(json));
    return configText(JSON.writeValueAsString(config));
  }

  /** The model's config.json without a member. */
  public ModelVariant without(String member) throws IOException {
    ObjectNode config = read();
    config.remove(member);
    return configText(JSON.writeValueAsString(config));
  }

  private ObjectNode read() throws IOException {
    return (ObjectNode) JSON.readTree(folder.resolve("config.json").toFile());
  }

  /** A config.json that need not be JSON. */
  public ModelVariant configText(String text) throws IOException {
    Files.writeString(folder.resolve("config.json"), text);
    return this;
  }

  /** Writes the tensors anew, with more of them; one of the same name replaces the model's. */
  public ModelVariant tensors(Consumer<Map<String, float[]>> added) throws IOException {
    Map<String, float[]> more = new LinkedHashMap<>();
    added.accept(more);
    try (SafetensorsFile file = SafetensorsFile.open(original.resolve("model.safetensors"))) {
      SafetensorsWriter writer = new SafetensorsWriter();
      for (String name : file.names()) {
        if (!more.containsKey(name)) {
          put(writer, file.tensor(name));
        }
      }
      more.forEach((name, values) -> writer.put(name, values, values.length));
      Files.delete(weights());
      writer.write(weights());
    }
    return this;
  }

  /** The tensors in two shards. */
  public ModelVariant shards() throws IOException {
    ObjectNode map = JSON.createObjectNode();
    try (SafetensorsFile file = SafetensorsFile.open(original.resolve("model.safetensors"))) {
      SafetensorsWriter[] writers = {new SafetensorsWriter(), new SafetensorsWriter()};
      int i = 0;
      for (String name : file.names()) {
        put(writers[i % 2], file.tensor(name));
        map.put(name, "shard-" + i++ % 2);
      }
      for (int shard = 0; shard < writers.length; shard++) {
        writers[shard].write(folder.resolve("shard-" + shard));
      }
    }
    Files.delete(weights());
    ObjectNode index = JSON.createObjectNode();
    index.set("weight_map", map);
    JSON.writeValue(folder.resolve("model.safetensors.index.json").toFile(), index);
    return this;
  }

  private static void put(SafetensorsWriter writer, Tensor tensor) {
    writer.put(tensor.name(), tensor.type(), tensor.toBytes(), tensor.shape());
  }
}
