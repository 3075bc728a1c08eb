package org.ternarykernels.io;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.ternarykernels.storage.Json;
import org.ternarykernels.storage.Quoted;

/**
 * The tensors of a model's folder: those of {@code model.safetensors}, or of the shards that {@code
 * model.safetensors.index.json} names. It remembers which were asked for. Thread-safe.
 */
final class ModelTensors implements Closeable {
  static final String FILE = "model.safetensors";
  static final String INDEX = FILE + ".index.json";

  /** One file, or the shards, in the order of the index. */
  private final Map<String, SafetensorsFile> files = new LinkedHashMap<>();

  private final NavigableMap<String, Tensor> tensors = new TreeMap<>();
  private final Set<String> asked = ConcurrentHashMap.newKeySet();

  private ModelTensors() {}

  /**
   * Opens the files of a folder.
   *
   * @param ignored which tensors are left out
   */
  static ModelTensors open(Path folder, Predicate<String> ignored) {
    Path index = folder.resolve(INDEX);
    ModelTensors model = new ModelTensors();
    try {
      if (Files.exists(folder.resolve(FILE)) || !Files.exists(index)) {
        model.add(FILE, SafetensorsFile.open(folder.resolve(FILE)));
      } else {
        try {
          model.addShards(folder, readIndex(index));
        } catch (IllegalArgumentException e) {
          throw new IllegalArgumentException(index + ": " + e.getMessage(), e);
        }
      }
    } catch (RuntimeException e) {
      model.close();
      throw e;
    }
    model.tensors.keySet().removeIf(ignored);
    return model;
  }

  private void add(String name, SafetensorsFile file) {
    files.put(name, file);
    for (String tensor : file.names()) {
      if (tensors.put(tensor, file.tensor(tensor)) != null) {
        throw new IllegalArgumentException(
            "the tensor " + Quoted.of(tensor) + " is in two shards, must be in one");
      }
    }
  }

  private void addShards(Path folder, Map<String, String> shardOf) {
    for (Map.Entry<String, String> entry : shardOf.entrySet()) {
      String shard = entry.getValue();
      if (!files.containsKey(shard)) {
        add(shard, openShard(folder, shard, entry.getKey()));
      }
    }
    for (Map.Entry<String, String> entry : shardOf.entrySet()) {
      SafetensorsFile shard = files.get(entry.getValue());
      if (shard == null || !shard.names().contains(entry.getKey())) {
        throw new IllegalArgumentException(
            "the shard "
                + Quoted.of(entry.getValue())
                + " is without the tensor "
                + Quoted.of(entry.getKey())
                + ", which weight_map places there");
      }
    }
  }

  private static SafetensorsFile openShard(Path folder, String shard, String tensor) {
    Path path = within(folder, shard);
    if (!Files.exists(path)) {
      throw new IllegalArgumentException(
          "the shard "
              + Quoted.of(shard)
              + " with the tensor "
              + Quoted.of(tensor)
              + " is missing, must lie beside the index");
    }
    return SafetensorsFile.open(path);
  }

  /** A shard's path, which may be a link but must not climb out of the folder by its name. */
  private static Path within(Path folder, String shard) {
    Path path;
    try {
      path = Path.of(shard);
    } catch (InvalidPathException e) {
      throw new IllegalArgumentException(
          "the shard " + Quoted.of(shard) + " is no file's name, must be one", e);
    }
    boolean climbs = false;
    for (Path part : path) {
      climbs |= part.toString().equals("..");
    }
    if (path.isAbsolute() || climbs || shard.isEmpty()) {
      throw new IllegalArgumentException(
          "the shard " + Quoted.of(shard) + " is outside the folder, must be inside");
    }
    return folder.resolve(path);
  }

  /** Shards by tensors. */
  private static Map<String, String> readIndex(Path index) {
    Map<String, String> shardOf = null;
    try (JsonParser parser = Json.parser(Json.read(index, Json.MAX_BYTES))) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw new IllegalArgumentException("the text is no JSON object, must be one");
      }
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        boolean isMap = parser.currentName().equals("weight_map");
        parser.nextToken();
        if (isMap && parser.currentToken() == JsonToken.START_OBJECT) {
          shardOf = readShards(parser);
        } else {
          parser.skipChildren();
        }
      }
    } catch (IOException e) {
      if (e instanceof JsonProcessingException || e instanceof CharacterCodingException) {
        throw new IllegalArgumentException("the text is no JSON: " + Json.complaint(e), e);
      }
      throw new UncheckedIOException(index + " cannot be read: " + e.getMessage(), e);
    }
    if (shardOf == null || shardOf.isEmpty()) {
      throw new IllegalArgumentException("weight_map is missing or empty, must name the shards");
    }
    return shardOf;
  }

  private static Map<String, String> readShards(JsonParser parser) throws IOException {
    Map<String, String> shardOf = new LinkedHashMap<>();
    Map<String, String> one = new LinkedHashMap<>(); // a shard's name, once for all its tensors
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String tensor = parser.currentName();
      if (parser.nextToken() != JsonToken.VALUE_STRING) {
        throw new IllegalArgumentException(
            "weight_map of " + Quoted.of(tensor) + " is no text, must be a shard's name");
      }
      String shard = parser.getText();
      shardOf.put(tensor, one.computeIfAbsent(shard, name -> name));
    }
    return shardOf;
  }

  /** The names of the tensors, ascending. */
  Set<String> names() {
    return Collections.unmodifiableSet(tensors.keySet());
  }

  /** A tensor, which counts as asked for. */
  Tensor tensor(String name) {
    Tensor tensor = name == null ? null : tensors.get(name);
    if (tensor == null) {
      throw new IllegalArgumentException("the model has no tensor " + Quoted.of("" + name));
    }
    asked.add(name);
    return tensor;
  }

  /** The names that nobody asked for, ascending. */
  List<String> unread() {
    return tensors.keySet().stream().filter(name -> !asked.contains(name)).toList();
  }

  /** The names that begin so, ascending. */
  List<String> startingWith(String prefix) {
    List<String> names = new ArrayList<>();
    for (String name : tensors.tailMap(prefix, true).keySet()) {
      if (!name.startsWith(prefix)) {
        break;
      }
      names.add(name);
    }
    return names;
  }

  /** The file where there is one alone, else null. */
  @Nullable SafetensorsFile single() {
    return files.get(FILE);
  }

  @Override
  public void close() {
    files.values().forEach(SafetensorsFile::close);
  }
}
