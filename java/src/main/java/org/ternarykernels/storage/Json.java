package org.ternarykernels.storage;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.core.util.JsonRecyclerPools;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** The one factory of JSON readers and writers, and how foreign JSON is read. */
public final class Json {
  /** The longest header of a safetensors file; no JSON that we read is longer. */
  public static final int MAX_BYTES = 100_000_000;

  /**
   * A name that comes twice in an object is an error. Buffers are not recycled: Jackson would keep
   * them in thread-locals, which keep the class loader alive as long as the thread. Names are not
   * interned: a foreign file has millions, and the JVM's table of them would grow. Jackson's own
   * limits on texts and names give way to the one on the whole. A character beyond 16 bits is
   * written as it is, since Jackson does not read a name with the two escapes that it writes for
   * it.
   */
  public static final JsonFactory FACTORY =
      JsonFactory.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
          .enable(JsonWriteFeature.COMBINE_UNICODE_SURROGATES_IN_UTF8)
          .recyclerPool(JsonRecyclerPools.nonRecyclingPool())
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxStringLength(MAX_BYTES)
                  .maxNameLength(MAX_BYTES)
                  .build())
          .build();

  private static final byte[] BYTE_ORDER_MARK = {(byte) 0xef, (byte) 0xbb, (byte) 0xbf};

  private Json() {}

  /**
   * Reads a whole file.
   *
   * @param file a regular file
   * @param maxBytes the longest that is read
   * @return its bytes
   * @throws IOException if it cannot be read or is no regular file
   * @throws IllegalArgumentException if it is longer
   */
  public static byte[] read(Path file, int maxBytes) throws IOException {
    try (InputStream in = RegularFile.stream(file)) {
      byte[] content = in.readNBytes(maxBytes + 1);
      if (content.length > maxBytes) {
        throw new IllegalArgumentException(
            file + " is longer than " + maxBytes + " bytes, must not be");
      }
      return content;
    }
  }

  /**
   * A parser of foreign JSON, which is UTF-8 whatever it looks like.
   *
   * @param utf8 the text; a byte-order mark is skipped
   * @return the parser
   * @throws IOException if it cannot be made
   */
  public static JsonParser parser(byte[] utf8) throws IOException {
    boolean marked =
        utf8.length >= 3
            && utf8[0] == BYTE_ORDER_MARK[0]
            && utf8[1] == BYTE_ORDER_MARK[1]
            && utf8[2] == BYTE_ORDER_MARK[2];
    int start = marked ? BYTE_ORDER_MARK.length : 0;
    // A new decoder refuses malformed bytes.
    return FACTORY.createParser(
        new InputStreamReader(
            new ByteArrayInputStream(utf8, start, utf8.length - start),
            StandardCharsets.UTF_8.newDecoder()));
  }

  /**
   * What a parser has against a text, in a few words.
   *
   * @param error of a parser made here
   * @return its message, shortened
   */
  public static String complaint(IOException error) {
    if (error instanceof CharacterCodingException) {
      return "it is not UTF-8";
    }
    String message =
        error instanceof JsonProcessingException syntax
            ? syntax.getOriginalMessage()
            : error.getMessage();
    return Quoted.of(String.valueOf(message));
  }
}
