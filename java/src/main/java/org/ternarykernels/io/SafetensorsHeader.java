package org.ternarykernels.io;

import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.ternarykernels.storage.Json;
import org.ternarykernels.storage.Quoted;

/**
 * The JSON header of a safetensors file, fully checked: the data of the tensors fill the rest of
 * the file in some order, without a hole or an overlap, and every size agrees with its shape and
 * type, where the type is one whose size we know.
 *
 * @param tensors by name, in the order of the header
 * @param metadata texts by name
 */
record SafetensorsHeader(Map<String, Entry> tensors, Map<String, String> metadata) {
  /** The format's own limit. */
  static final long MAX_BYTES = Json.MAX_BYTES;

  /**
   * The format has no limit. PyTorch and NumPy have this one, and a header could hold 40 million.
   */
  static final int MAX_DIMENSIONS = 64;

  /** A header could hold ten million, which would take a hundred times their bytes as texts. */
  static final int MAX_METADATA = 1 << 20;

  /** The longest name of a type so far has 11 characters. */
  static final int MAX_DTYPE = 32;

  /** The digits of 2^64 - 1. */
  private static final int MAX_DIGITS = 20;

  /** Sizes that a sentence shows. */
  private static final int SHOWN = 8;

  static final String METADATA = "__metadata__";

  /**
   * A tensor: bytes `begin` to `end` of the data that follow the header.
   *
   * @param type null for a `dtype` that this library does not convert
   */
  record Entry(String dtype, @Nullable TensorType type, long[] shape, long begin, long end) {}

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
    try (JsonParser parser = Json.parser(json)) {
      require(parser.nextToken() == JsonToken.START_OBJECT, "the header", "no object", "one");
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        String name = parser.currentName();
        parser.nextToken();
        expect(parser, JsonToken.START_OBJECT, "the entry ", name);
        if (name.equals(METADATA)) {
          readMetadata(parser, metadata);
        } else {
          tensors.put(name, readEntry(parser, name));
        }
      }
      JsonToken rest = parser.nextToken();
      require(rest == null, "what follows the header's object", rest, "spaces only");
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "the header is no JSON of the format: " + Json.complaint(e), e);
    }
    checkCover(tensors, dataBytes);
    return new SafetensorsHeader(
        Collections.unmodifiableMap(tensors), Collections.unmodifiableMap(metadata));
  }

  private static void readMetadata(JsonParser parser, Map<String, String> metadata)
      throws IOException {
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String name = parser.currentName();
      parser.nextToken();
      expect(parser, JsonToken.VALUE_STRING, "the metadata ", name);
      metadata.put(name, parser.getText());
      require(
          metadata.size() <= MAX_METADATA,
          "the number of texts in " + METADATA,
          "above " + MAX_METADATA,
          "at most that");
    }
  }

  private static Entry readEntry(JsonParser parser, String name) throws IOException {
    @Nullable String dtype = null;
    long @Nullable [] shape = null;
    long @Nullable [] offsets = null;
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String field = parser.currentName();
      parser.nextToken();
      switch (field) {
        case "dtype" -> dtype = readType(parser, name);
        case "shape" -> shape = readSizes(parser, "the shape of ", name);
        case "data_offsets" -> offsets = readSizes(parser, "data_offsets of ", name);
        default ->
            throw new IllegalArgumentException(
                "tensor "
                    + Quoted.of(name)
                    + " has a field "
                    + Quoted.of(field)
                    + ", must have dtype, shape and data_offsets only");
      }
    }
    if (dtype == null || shape == null || offsets == null) {
      String missing = dtype == null ? "dtype" : shape == null ? "shape" : "data_offsets";
      throw new IllegalArgumentException(
          "tensor " + Quoted.of(name) + " is without " + missing + ", must be complete");
    }
    if (offsets.length != 2 || offsets[0] > offsets[1]) {
      throw refusal("data_offsets of ", name, sizes(offsets), "two ascending numbers");
    }
    checkSize(name, dtype, shape, offsets[1] - offsets[0]);
    return new Entry(dtype, TensorType.named(dtype), shape, offsets[0], offsets[1]);
  }

  /** The name of a type, which need not be one that we know: a file may hold what nobody reads. */
  private static String readType(JsonParser parser, String name) throws IOException {
    expect(parser, JsonToken.VALUE_STRING, "dtype of ", name);
    String text = parser.getText();
    TensorType known = TensorType.named(text);
    if (known != null) {
      return known.name(); // one text for all tensors
    }
    if (text.length() > MAX_DTYPE || !text.matches("\\w+")) {
      throw refusal(
          "dtype of ",
          name,
          Quoted.of(text),
          "1 to " + MAX_DTYPE + " letters, digits and underscores");
    }
    return text;
  }

  private static long[] readSizes(JsonParser parser, String what, String name) throws IOException {
    expect(parser, JsonToken.START_ARRAY, what, name);
    long[] sizes = new long[4];
    int count = 0;
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      if (count == MAX_DIMENSIONS) {
        throw refusal(
            what, name, "more than " + MAX_DIMENSIONS + " numbers", "at most " + MAX_DIMENSIONS);
      }
      if (count == sizes.length) {
        sizes = Arrays.copyOf(sizes, 2 * count);
      }
      sizes[count++] = readSize(parser, what, name);
    }
    return Arrays.copyOf(sizes, count);
  }

  private static long readSize(JsonParser parser, String what, String name) throws IOException {
    expect(parser, JsonToken.VALUE_NUMBER_INT, what, name);
    if (parser.getTextLength() > MAX_DIGITS) {
      throw refusal(
          what, name, "a number of " + parser.getTextLength() + " digits", "numbers below 2^63");
    }
    long size;
    try {
      size = parser.getLongValue();
    } catch (JsonProcessingException e) {
      throw refusal(what, name, parser.getText(), "numbers below 2^63");
    }
    if (size < 0) {
      throw refusal(what, name, size, "numbers of at least 0");
    }
    return size;
  }

  /** Checks that `bytes` are those of the shape, as far as the size of the type is known. */
  private static void checkSize(String name, String dtype, long[] shape, long bytes) {
    int bits = TensorType.bits(dtype);
    long elements = 1;
    long all;
    try {
      for (long size : shape) {
        elements = Math.multiplyExact(elements, size);
      }
      all = Math.multiplyExact(elements, bits < Byte.SIZE ? bits : bits / Byte.SIZE);
    } catch (ArithmeticException e) {
      throw refusal("the shape of ", name, sizes(shape), "of fewer than 2^63 bytes");
    }
    if (bits == 0) {
      return;
    }
    if (bits < Byte.SIZE) {
      if (all % Byte.SIZE != 0) {
        throw refusal("the data of ", name, all + " bits", "whole bytes");
      }
      all /= Byte.SIZE;
    }
    if (bytes != all) {
      throw refusal(
          "the data of ",
          name,
          bytes + " bytes",
          all + " for its shape " + sizes(shape) + " of " + dtype);
    }
  }

  private static void checkCover(Map<String, Entry> tensors, long dataBytes) {
    List<Map.Entry<String, Entry>> byOffset = new ArrayList<>(tensors.entrySet());
    byOffset.sort(
        Comparator.comparingLong((Map.Entry<String, Entry> e) -> e.getValue().begin())
            .thenComparingLong(e -> e.getValue().end()));
    long end = 0;
    for (Map.Entry<String, Entry> tensor : byOffset) {
      long begin = tensor.getValue().begin();
      if (begin != end) {
        throw new IllegalArgumentException(
            "the data of "
                + Quoted.of(tensor.getKey())
                + " begin at byte "
                + begin
                + ", which is "
                + (begin > end ? "after a hole" : "inside another tensor")
                + ", must be where the data before them end, at "
                + end);
      }
      end = tensor.getValue().end();
    }
    require(
        end == dataBytes,
        "the size of the data",
        dataBytes + " bytes",
        end + " as the header says");
  }

  private static void expect(JsonParser parser, JsonToken wanted, String what, String name)
      throws IOException {
    JsonToken token = parser.currentToken();
    if (token == null) {
      throw new JsonParseException(parser, what + name + " ends early");
    }
    if (token != wanted) {
      throw refusal(what, name, token, wanted);
    }
  }

  /** Sizes as a sentence shows them: all of a usual shape, the first of a long one. */
  static String sizes(long[] values) {
    return values.length <= SHOWN
        ? Arrays.toString(values)
        : Arrays.toString(Arrays.copyOf(values, SHOWN)).replace("]", ", ...")
            + "] ("
            + values.length
            + " numbers)";
  }

  private static IllegalArgumentException refusal(
      String what, String name, Object value, Object rule) {
    return new IllegalArgumentException(
        what + Quoted.of(name) + " is " + value + ", must be " + rule);
  }

  private static void require(boolean holds, String what, Object value, Object rule) {
    if (!holds) {
      throw new IllegalArgumentException(what + " is " + value + ", must be " + rule);
    }
  }
}
