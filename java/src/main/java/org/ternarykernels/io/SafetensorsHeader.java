package org.ternarykernels.io;

import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.ternarykernels.storage.Json;

/**
 * The JSON header of a safetensors file, fully checked: the data of the tensors fill the rest of
 * the file in some order, without a hole or an overlap, and every size agrees with its shape and
 * type.
 *
 * @param tensors by name, in the order of the header
 * @param metadata texts by name
 */
record SafetensorsHeader(Map<String, Entry> tensors, Map<String, String> metadata) {
  /** The format's own limit. */
  static final long MAX_BYTES = 100_000_000;

  static final String METADATA = "__metadata__";

  /** A tensor: bytes `begin` to `end` of the data that follow the header. */
  record Entry(TensorType type, long[] shape, long begin, long end) {}

  /** Checks the length that the first 8 bytes of a file of `fileBytes` say. */
  static int checkLength(long length, long fileBytes) {
    require(
        length >= 2 && length <= MAX_BYTES,
        "the header's length",
        Long.toUnsignedString(length),
        "2 to " + MAX_BYTES);
    require(
        length <= fileBytes - Long.BYTES,
        "the header's length",
        length,
        "at most the " + (fileBytes - Long.BYTES) + " bytes that follow it");
    return (int) length;
  }

  /** Parses a header whose data take `dataBytes`. */
  static SafetensorsHeader parse(byte[] json, long dataBytes) {
    require(json[0] == '{', "the header's first byte", json[0] & 0xff, "'{'");
    Map<String, Entry> tensors = new LinkedHashMap<>();
    Map<String, String> metadata = new LinkedHashMap<>();
    try (JsonParser parser = Json.FACTORY.createParser(json)) {
      expect(parser, parser.nextToken(), JsonToken.START_OBJECT, "the header");
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        String name = parser.currentName();
        expect(parser, parser.nextToken(), JsonToken.START_OBJECT, "the entry \"" + name + "\"");
        if (name.equals(METADATA)) {
          readMetadata(parser, metadata);
        } else {
          tensors.put(name, readEntry(parser, name));
        }
      }
      JsonToken rest = parser.nextToken();
      require(rest == null, "what follows the header's object", rest, "spaces only");
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(
          "the header is no JSON of the format: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "the header is no JSON of the format: " + e.getMessage(), e);
    }
    checkCover(tensors, dataBytes);
    return new SafetensorsHeader(
        Collections.unmodifiableMap(tensors), Collections.unmodifiableMap(metadata));
  }

  private static void readMetadata(JsonParser parser, Map<String, String> metadata)
      throws IOException {
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String name = parser.currentName();
      expect(parser, parser.nextToken(), JsonToken.VALUE_STRING, "the metadata \"" + name + "\"");
      metadata.put(name, parser.getText());
    }
  }

  private static Entry readEntry(JsonParser parser, String name) throws IOException {
    @Nullable TensorType type = null;
    long @Nullable [] shape = null;
    long @Nullable [] offsets = null;
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String field = parser.currentName();
      parser.nextToken();
      switch (field) {
        case "dtype" -> type = readType(parser, name);
        case "shape" -> shape = readSizes(parser, "the shape of \"" + name + "\"");
        case "data_offsets" -> offsets = readSizes(parser, "data_offsets of \"" + name + "\"");
        default ->
            throw new IllegalArgumentException(
                "tensor \""
                    + name
                    + "\" has a field \""
                    + field
                    + "\", must have dtype, shape and data_offsets only");
      }
    }
    if (type == null || shape == null || offsets == null) {
      String missing = type == null ? "dtype" : shape == null ? "shape" : "data_offsets";
      throw new IllegalArgumentException(
          "tensor \"" + name + "\" is without " + missing + ", must be complete");
    }
    require(
        offsets.length == 2 && offsets[0] <= offsets[1],
        "data_offsets of \"" + name + "\"",
        toList(offsets),
        "two ascending numbers");
    long bytes = checkedBytes(name, type, shape);
    require(
        offsets[1] - offsets[0] == bytes,
        "the data of \"" + name + "\"",
        (offsets[1] - offsets[0]) + " bytes",
        bytes + " for its shape and type");
    return new Entry(type, shape, offsets[0], offsets[1]);
  }

  private static TensorType readType(JsonParser parser, String name) throws IOException {
    expect(parser, parser.currentToken(), JsonToken.VALUE_STRING, "dtype of \"" + name + "\"");
    String text = parser.getText();
    for (TensorType type : TensorType.values()) {
      if (type.name().equals(text)) {
        return type;
      }
    }
    throw new IllegalArgumentException(
        "dtype of \""
            + name
            + "\" is \""
            + text
            + "\", must be one of "
            + List.of(TensorType.values()));
  }

  private static long[] readSizes(JsonParser parser, String what) throws IOException {
    expect(parser, parser.currentToken(), JsonToken.START_ARRAY, what);
    List<Long> sizes = new ArrayList<>();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      expect(parser, parser.currentToken(), JsonToken.VALUE_NUMBER_INT, what);
      long size;
      try {
        size = parser.getLongValue();
      } catch (JsonProcessingException e) {
        throw new IllegalArgumentException(
            what + " has " + parser.getText() + ", must be below 2^63", e);
      }
      require(size >= 0, what, size, "at least 0");
      sizes.add(size);
    }
    return sizes.stream().mapToLong(Long::longValue).toArray();
  }

  private static long checkedBytes(String name, TensorType type, long[] shape) {
    long bytes = type.bytes();
    try {
      for (long size : shape) {
        bytes = Math.multiplyExact(bytes, size);
      }
    } catch (ArithmeticException e) {
      throw new IllegalArgumentException(
          "the shape of \"" + name + "\" is " + toList(shape) + ", must need fewer than 2^63 bytes",
          e);
    }
    return bytes;
  }

  private static void checkCover(Map<String, Entry> tensors, long dataBytes) {
    List<Map.Entry<String, Entry>> byOffset = new ArrayList<>(tensors.entrySet());
    byOffset.sort(
        Comparator.comparingLong((Map.Entry<String, Entry> e) -> e.getValue().begin())
            .thenComparingLong(e -> e.getValue().end()));
    long end = 0;
    for (Map.Entry<String, Entry> tensor : byOffset) {
      long begin = tensor.getValue().begin();
      require(
          begin == end,
          "the data of \"" + tensor.getKey() + "\" begin at byte " + begin + ", which",
          begin > end ? "after a hole" : "inside another tensor",
          "where the data before them end, at " + end);
      end = tensor.getValue().end();
    }
    require(
        end == dataBytes,
        "the size of the data",
        dataBytes + " bytes",
        end + " as the header says");
  }

  private static void expect(JsonParser parser, JsonToken token, JsonToken wanted, String what)
      throws IOException {
    if (token == null) {
      throw new JsonParseException(parser, what + " ends early");
    }
    require(token == wanted, what, token, wanted);
  }

  private static List<Long> toList(long[] values) {
    List<Long> list = new ArrayList<>();
    for (long value : values) {
      list.add(value);
    }
    return list;
  }

  private static void require(boolean holds, String what, Object value, Object rule) {
    if (!holds) {
      throw new IllegalArgumentException(what + " is " + value + ", must be " + rule);
    }
  }
}
