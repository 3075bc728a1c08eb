package org.ternarykernels.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.ternarykernels.Allocations;

/** Files that other writers make, or that somebody made to be in the way. */
class ForeignSafetensorsTest {
  private static final String WANTED =
      "\"w\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}";

  /** A sentence says what is wrong; it is not the input again. */
  private static final int LONGEST_SENTENCE = 400;

  private static SafetensorsFile read(byte[] header, int dataBytes) {
    ByteBuffer file =
        ByteBuffer.allocate(8 + header.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
    file.putLong(header.length).put(header).rewind();
    return SafetensorsFile.of(file);
  }

  private static SafetensorsFile read(String header, int dataBytes) {
    return read(header.getBytes(StandardCharsets.UTF_8), dataBytes);
  }

  private static String refusal(String header, int dataBytes) {
    return refusal(header.getBytes(StandardCharsets.UTF_8), dataBytes);
  }

  private static String refusal(byte[] header, int dataBytes) {
    IllegalArgumentException e =
        catchThrowableOfType(IllegalArgumentException.class, () -> read(header, dataBytes));
    assertThat(e).isNotNull();
    assertThat(e.getMessage()).hasSizeLessThan(LONGEST_SENTENCE);
    return e.getMessage();
  }

  private static String withOther(String dtype, String shape, int bytes) {
    return "{%s,\"other\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[4,%d]}}"
        .formatted(WANTED, dtype, shape, 4 + bytes);
  }

  /** The last is of no version of the format yet: its size cannot be checked. */
  @ParameterizedTest
  @CsvSource({
    "C64,2,16",
    "F8_E8M0,2,2",
    "F8_E4M3FNUZ,2,2",
    "F8_E5M2FNUZ,2,2",
    "F6_E2M3,4,3",
    "F6_E3M2,4,3",
    "F4,4,2",
    "F3_E1M1,5,2"
  })
  void aTypeThatIsNotConvertedRefusesOnlyItsOwnUse(String dtype, int elements, int bytes) {
    SafetensorsFile file = read(withOther(dtype, "[" + elements + "]", bytes), 4 + bytes);
    assertThat(file.tensor("w").toLongs()).hasSize(4);
    Tensor other = file.tensor("other");
    assertThat(other.dtype()).isEqualTo(dtype);
    assertThat(other.elements()).isEqualTo(elements);
    assertThat(other.toBytes()).hasSize(bytes);
    assertThat(other).hasToString("Tensor[other " + dtype + " [" + elements + "]]");
    for (Runnable use :
        new Runnable[] {other::type, other::toFloats, other::toLongs, other::toBuffer}) {
      assertThatThrownBy(use::run)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContainingAll("\"other\"", dtype, "does not convert", "F32");
    }
  }

  @Test
  void sizesOfTypesThatAreNotConvertedAreCheckedToo() {
    assertThat(refusal(withOther("C64", "[2]", 8), 12)).contains("8 bytes", "16", "C64");
    assertThat(refusal(withOther("F4", "[3]", 2), 6)).contains("12 bits", "whole bytes");
    assertThat(refusal(withOther("F6_E2M3", "[4]", 4), 8)).contains("4 bytes", "must be 3");
    assertThat(refusal(withOther("F3", "[4611686018427387904,2]", 1), 5)).contains("2^63");
    assertThat(refusal(withOther("F 3", "[4]", 1), 5)).contains("\"F 3\"", "letters");
    assertThat(refusal(withOther("F".repeat(1 << 20), "[4]", 1), 5)).contains("32 letters");
  }

  /** The JSON library has limits of its own, far below the header's of 100 million bytes. */
  @Test
  void theOnlyLimitOnTextsAndNamesIsTheHeaders() {
    String text = "x".repeat(21_000_000);
    SafetensorsFile texts = read("{\"__metadata__\":{\"a\":\"" + text + "\"}," + WANTED + "}", 4);
    assertThat(texts.metadata().get("a")).hasSize(text.length());
    String name = "n".repeat(60_000);
    SafetensorsFile names =
        read(
            "{\""
                + name
                + "\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},"
                + WANTED
                + "}",
            4);
    assertThat(names.names()).containsExactly(name, "w");
  }

  @Test
  void aHostileHeaderIsRefusedInOneShortSentence() {
    String long1 = "n".repeat(1 << 20);
    assertThat(refusal("{\"" + long1 + "\":1}", 0)).contains("\"nnn", "1048576 characters");
    assertThat(refusal("{\"a\":{\"" + long1 + "\":1}}", 0)).contains("has a field \"nnn");
    assertThat(refusal("{\"" + long1 + "\":{},\"" + long1 + "\":{}}", 0)).contains("nnn");
    assertThat(refusal("{\"__metadata__\":{\"" + long1 + "\":1}}", 0)).contains("metadata \"nnn");
    assertThat(refusal("{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}}", 0)).contains("Duplicate");
    assertThat(refusal("{\"a\":" + long1, 0)).contains("JSON");
    assertThat(refusal("{\"a\u0007\n\":1}", 0)).contains("JSON");
    assertThat(refusal("{\"a\\u0007\\n\":1}", 0)).contains("\"a??\"");
    String form = "{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,0],\"shape\":[%s]}}";
    assertThat(refusal(form.formatted("0" + ",9".repeat(64)), 0)).contains("more than 64 numbers");
    assertThat(refusal(form.formatted("9".repeat(1 << 20)), 0)).contains("1048576", "1000");
    assertThat(refusal(form.formatted("9".repeat(21)), 0)).contains("21 digits", "2^63");
    assertThat(refusal(form.formatted("3" + ",9".repeat(63)), 0)).contains("2^63", "64 numbers");
    assertThat(refusal(form.formatted("1" + ",3".repeat(9)), 0)).contains("19683", "10 numbers");
    assertThat(read(form.formatted("0" + ",9".repeat(19)), 0).tensor("a").shape()).hasSize(20);
  }

  @Test
  void aHeaderIsUtf8WhateverItLooksLike() {
    byte[] malformed = "{\"?\":1}".getBytes(StandardCharsets.UTF_8);
    malformed[2] = (byte) 0xff;
    assertThat(refusal(malformed, 0)).contains("UTF-8");
    assertThat(refusal("{}".getBytes(StandardCharsets.UTF_16LE), 0)).contains("JSON");
  }

  /** Ten million texts would take a hundred times their bytes. */
  @Test
  void theNumberOfMetadataIsLimited() {
    StringBuilder header = new StringBuilder("{\"__metadata__\":{\"\":\"\"");
    for (int i = 0; i < SafetensorsHeader.MAX_METADATA; i++) {
      header.append(",\"").append(Integer.toString(i, 36)).append("\":\"\"");
    }
    assertThat(refusal(header.append("}}").toString(), 0)).contains("1048576");
  }

  /** Refused at the limit, not when all of it is in memory. */
  @Test
  void aHeaderOfNothingButSizesCostsNoMemory() {
    String form = "{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,0],\"shape\":[0%s]}}";
    byte[] header = form.formatted(",999".repeat(2_000_000)).getBytes(StandardCharsets.US_ASCII);
    ByteBuffer file = ByteBuffer.allocate(8 + header.length).order(ByteOrder.LITTLE_ENDIAN);
    file.putLong(header.length).put(header).rewind();
    long allocated =
        Allocations.ofRuns(
            1,
            () ->
                assertThatThrownBy(() -> SafetensorsFile.of(file))
                    .isInstanceOf(IllegalArgumentException.class));
    assertThat(allocated).isLessThan(header.length + (1 << 20));
  }
}
