package org.ternarykernels.io;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
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
   * @throws IllegalArgumentException if one is null or no Unicode text
   */
  public SafetensorsWriter metadata(String name, String text) {
    require(name != null && text != null, "a metadata's name or text is null, must be given");
    requireText("a metadata's name", name);
    requireText("a metadata's text", text);
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
    requireText("a tensor's name", name);
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
   * Writes the file. It is there whole or not at all: after an exception what was there is as it
   * was. A file keeps its mode, a symbolic link stays and the file it leads to is replaced. An
   * interrupt does not disturb it and stays set.
   *
   * @param path of the file; replaced if it exists, which must be a regular file then
   * @throws UncheckedIOException if it cannot be written, or is there and no regular file
   * @throws IllegalArgumentException as {@link #writeTo(OutputStream)}
   */
  public void write(Path path) {
    require(path != null, "path is null, must be given");
    try {
      AtomicFile.write(path, this::writeTo);
    } catch (IOException e) {
      throw new UncheckedIOException(path + " cannot be written: " + e.getMessage(), e);
    }
  }

  /**
   * Writes the content of a file.
   *
   * @param out to write to; not closed
   * @throws IOException if that fails
   * @throws IllegalArgumentException if {@link SafetensorsFile} would not read it, e.g. because the
   *     header is too long; nothing is written then
   * @since 0.2.0
   */
  public void writeTo(OutputStream out) throws IOException {
    require(out != null, "out is null, must be given");
    // Wide elements first, as the format's own writer does: data are aligned to their elements
    // then.
    List<Part> ordered = new ArrayList<>(parts.values());
    ordered.sort(Comparator.comparingInt((Part part) -> -part.type().bytes()));
    byte[] header = header(ordered);
    ByteBuffer length =
        ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(0, header.length);
    AtomicFile.writeFully(out, length);
    AtomicFile.writeFully(out, ByteBuffer.wrap(header));
    for (Part part : ordered) {
      for (long from = 0; from < part.elements(); from += CHUNK) {
        int count = (int) Math.min(CHUNK, part.elements() - from);
        AtomicFile.writeFully(out, part.source().read(from, count));
      }
    }
  }

  /** The header, which the reader has read for a trial: what it refuses is not written. */
  private byte[] header(List<Part> ordered) throws IOException {
    long dataBytes = 0;
    for (Part part : ordered) {
      dataBytes += part.elements() * part.type().bytes();
    }
    requireShort();
    byte[] header = json(ordered);
    SafetensorsHeader.checkLength(header.length, Long.BYTES + header.length + dataBytes);
    SafetensorsHeader.parse(header, dataBytes);
    return header;
  }

  /** A header that its names and texts alone make too long is not even made. */
  private void requireShort() {
    long characters = 0;
    for (String name : parts.keySet()) {
      characters += name.length();
    }
    for (Map.Entry<String, String> text : metadata.entrySet()) {
      characters += (long) text.getKey().length() + text.getValue().length();
    }
    require(
        characters <= SafetensorsHeader.MAX_BYTES,
        "names and metadata have "
            + characters
            + " characters, must fit in a header of at most "
            + SafetensorsHeader.MAX_BYTES
            + " bytes");
  }

  private byte[] json(List<Part> ordered) throws IOException {
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

  /** The header is of UTF-8, which has no half of a surrogate pair. */
  private static void requireText(String what, String text) {
    require(
        text.codePoints().noneMatch(point -> Character.getType(point) == Character.SURROGATE),
        what + " has half a surrogate pair, must be Unicode text");
  }

  private static void require(boolean holds, String sentence) {
    if (!holds) {
      throw new IllegalArgumentException(sentence);
    }
  }
}
