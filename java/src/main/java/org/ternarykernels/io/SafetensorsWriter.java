package org.ternarykernels.io;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.storage.AtomicFile;
import org.ternarykernels.storage.Json;

/** Collects tensors and writes them as a safetensors file, atomically. Not thread-safe. */
public final class SafetensorsWriter {
  private static final long CHUNK = 1L << 20;

  private final Map<String, Part> parts = new LinkedHashMap<>();
  private final Map<String, String> metadata = new LinkedHashMap<>();

  /** Where a part's data come from: `read` gives the bytes of elements `from` to `from + count`. */
  private interface Source {
    ByteBuffer read(long from, int count);
  }

  private record Part(String name, TensorType type, long[] shape, long elements, Source source) {}

  /** Creates an empty writer. */
  public SafetensorsWriter() {}

  /**
   * Adds a text to {@code __metadata__}.
   *
   * @param name of the text
   * @param text the text
   * @return this
   */
  public SafetensorsWriter metadata(String name, String text) {
    require(name != null && text != null, "a metadata's name or text is null, must be given");
    metadata.put(name, text);
    return this;
  }

  /**
   * Adds a tensor of native memory, which is read when the file is written.
   *
   * @param name of the tensor
   * @param data at least the elements of the shape, row-major
   * @param shape sizes, outermost first; none for a scalar
   * @return this
   * @throws IllegalArgumentException if the name is taken or the data are too short
   */
  public SafetensorsWriter put(String name, TernaryBuffer data, long... shape) {
    require(data != null, "the data of \"" + name + "\" are null, must be given");
    TensorType type = TensorType.of(data.dataType());
    return add(
        name,
        type,
        shape,
        data.elements(),
        (from, count) -> data.slice(from, count).asByteBuffer());
  }

  /**
   * Adds a tensor of bytes, which are read when the file is written.
   *
   * @param name of the tensor
   * @param type of the elements
   * @param data the little-endian elements of the shape, row-major
   * @param shape sizes, outermost first; none for a scalar
   * @return this
   * @throws IllegalArgumentException if the name is taken or the data are too short
   */
  public SafetensorsWriter put(String name, TensorType type, byte[] data, long... shape) {
    require(
        type != null && data != null,
        "the type or the data of \"" + name + "\" are null, must be given");
    return add(
        name,
        type,
        shape,
        data.length / type.bytes(),
        (from, count) -> ByteBuffer.wrap(data, (int) from * type.bytes(), count * type.bytes()));
  }

  /**
   * Adds a tensor of type F32.
   *
   * @param name of the tensor
   * @param data the elements of the shape, row-major; copied
   * @param shape sizes, outermost first; none for a scalar
   * @return this
   * @throws IllegalArgumentException if the name is taken or the data are too short
   */
  public SafetensorsWriter put(String name, float[] data, long... shape) {
    require(data != null, "the data of \"" + name + "\" are null, must be given");
    ByteBuffer bytes =
        ByteBuffer.allocate(Math.multiplyExact(data.length, Float.BYTES))
            .order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(data);
    return put(name, TensorType.F32, bytes.array(), shape);
  }

  private SafetensorsWriter add(
      String name, TensorType type, long[] shape, long available, Source source) {
    require(
        name != null && !name.equals(SafetensorsHeader.METADATA),
        "a tensor's name is " + name + ", must be another");
    require(shape != null, "the shape of \"" + name + "\" is null, must be given");
    long elements = 1;
    for (long size : shape) {
      require(size >= 0, "a size of \"" + name + "\" is " + size + ", must be at least 0");
      try {
        elements = Math.multiplyExact(elements, size);
      } catch (ArithmeticException e) {
        throw new IllegalArgumentException(
            "the shape of \"" + name + "\" has 2^63 or more elements, must have fewer", e);
      }
    }
    require(
        elements <= available,
        "tensor \""
            + name
            + "\" has "
            + available
            + " elements, must have at least the "
            + elements
            + " of its shape");
    require(!parts.containsKey(name), "tensor \"" + name + "\" is given twice, must be once");
    parts.put(name, new Part(name, type, shape.clone(), elements, source));
    return this;
  }

  /**
   * Writes the file. It is there whole or not at all.
   *
   * @param path of the file; replaced if it exists
   * @throws UncheckedIOException if it cannot be written
   */
  public void write(Path path) {
    require(path != null, "path is null, must be given");
    // Wide elements first, as the format's own writer does: data are aligned to their elements
    // then.
    List<Part> ordered = new ArrayList<>(parts.values());
    ordered.sort(Comparator.comparingInt((Part part) -> -part.type().bytes()));
    try {
      byte[] header = header(ordered);
      AtomicFile.write(
          path,
          channel -> {
            ByteBuffer length =
                ByteBuffer.allocate(Long.BYTES)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putLong(0, header.length);
            AtomicFile.writeFully(channel, length);
            AtomicFile.writeFully(channel, ByteBuffer.wrap(header));
            for (Part part : ordered) {
              for (long from = 0; from < part.elements(); from += CHUNK) {
                AtomicFile.writeFully(
                    channel,
                    part.source().read(from, (int) Math.min(CHUNK, part.elements() - from)));
              }
            }
          });
    } catch (IOException e) {
      throw new UncheckedIOException(path + " cannot be written: " + e.getMessage(), e);
    }
  }

  private byte[] header(List<Part> ordered) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JsonGenerator json = Json.FACTORY.createGenerator(bytes)) {
      json.writeStartObject();
      if (!metadata.isEmpty()) {
        json.writeObjectFieldStart(SafetensorsHeader.METADATA);
        for (Map.Entry<String, String> text : metadata.entrySet()) {
          json.writeStringField(text.getKey(), text.getValue());
        }
        json.writeEndObject();
      }
      long offset = 0;
      for (Part part : ordered) {
        long end = offset + part.elements() * part.type().bytes();
        json.writeObjectFieldStart(part.name());
        json.writeStringField("dtype", part.type().name());
        json.writeFieldName("shape");
        json.writeArray(part.shape(), 0, part.shape().length);
        json.writeFieldName("data_offsets");
        json.writeArray(new long[] {offset, end}, 0, 2);
        json.writeEndObject();
        offset = end;
      }
      json.writeEndObject();
    }
    while (bytes.size() % Long.BYTES != 0) {
      bytes.writeBytes(" ".getBytes(StandardCharsets.US_ASCII));
    }
    return bytes.toByteArray();
  }

  private static void require(boolean holds, String sentence) {
    if (!holds) {
      throw new IllegalArgumentException(sentence);
    }
  }
}
