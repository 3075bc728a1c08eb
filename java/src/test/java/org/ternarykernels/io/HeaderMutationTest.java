package org.ternarykernels.io;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Headers drawn from a grammar of right and hostile parts, with a fixed seed: each file is read
 * completely or refused in one short sentence. Changes of single bytes are tried elsewhere; these
 * get past the parser.
 */
class HeaderMutationTest {
  private static final int ROUNDS = 8_000;
  private static final String[] TYPES = {
    "F32", "U8", "I8", "BF16", "F16", "BOOL", "F8_E4M3", "I64", "F64", "f32", "F4", "C64", "F9"
  };

  private final Random random = new Random(22);

  @SafeVarargs
  private <T> T one(T... of) {
    return of[random.nextInt(of.length)];
  }

  private boolean seldom() {
    return random.nextInt(10) == 0;
  }

  private String number() {
    return one(
        "-1",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551615",
        "1e3",
        "NaN",
        "01",
        "1.0",
        "-0",
        "9".repeat(random.nextInt(1200)),
        "true",
        "" + random.nextInt(20));
  }

  private String text() {
    return one(
        "\\ud800",
        "\\u0000",
        "a\\\"b",
        "\u00e9",
        "x".repeat(random.nextInt(60_000)),
        "__metadata__",
        "\\x",
        "\t",
        "t" + random.nextInt(4));
  }

  private String value(int depth) {
    return switch (random.nextInt(depth > 3 ? 5 : 7)) {
      case 0 -> number();
      case 1 -> '"' + text() + '"';
      case 2 -> "null";
      case 3 -> "[]";
      case 4 -> "[" + number() + "," + number() + "]";
      case 5 -> "[" + value(depth + 1) + "]";
      default -> "{\"" + text() + "\":" + value(depth + 1) + "}";
    };
  }

  /** A tensor whose data begin at the offset, mostly; moves the offset to its end. */
  private String tensor(long[] offset) {
    if (seldom()) {
      return value(0);
    }
    String type = one(TYPES);
    int count = random.nextInt(6);
    long begin = offset[0];
    offset[0] += (count * (long) TensorType.bits(type) + 7) / 8;
    List<String> fields = new ArrayList<>();
    fields.add("\"dtype\":\"" + type + "\"");
    fields.add("\"shape\":" + (seldom() ? value(0) : "[" + count + "]"));
    fields.add("\"data_offsets\":" + (seldom() ? value(0) : "[" + begin + "," + offset[0] + "]"));
    if (seldom()) {
      fields.set(random.nextInt(3), "\"" + text() + "\":" + value(0));
    }
    Collections.shuffle(fields, random);
    return "{" + String.join(",", fields) + (seldom() ? ",\"dtype\":\"U8\"" : "") + "}";
  }

  private ByteBuffer file() {
    long[] offset = {0};
    List<String> members = new ArrayList<>();
    if (random.nextInt(3) == 0) {
      members.add("\"__metadata__\":" + (seldom() ? value(0) : "{\"k\":\"" + text() + "\"}"));
    }
    for (int i = random.nextInt(4); i > 0; i--) {
      members.add("\"" + (seldom() ? text() : "n" + i) + "\":" + tensor(offset));
    }
    String end = seldom() ? one("", "}}", "}\n{}", ",}") : "} ";
    byte[] json = ("{" + String.join(",", members) + end).getBytes(StandardCharsets.UTF_8);
    int data = (int) Math.max(0, offset[0] + (seldom() ? random.nextInt(3) - 1 : 0));
    long length = json.length;
    if (seldom()) {
      length = one(-1L, 0L, 1L, Long.MAX_VALUE, length + 1, length - 1, 1L << 32, 100_000_001L);
    }
    ByteBuffer file = ByteBuffer.allocate(8 + json.length + data).order(ByteOrder.LITTLE_ENDIAN);
    file.putLong(length).put(json).rewind();
    if (seldom()) {
      file.put(8 + random.nextInt(json.length), (byte) random.nextInt());
    }
    return file;
  }

  @Test
  void everyFileIsReadOrRefusedInOneShortSentence() {
    int read = 0;
    for (int i = 0; i < ROUNDS; i++) {
      ByteBuffer content = file();
      try {
        SafetensorsFile file = SafetensorsFile.of(content);
        file.names().forEach(name -> use(file.tensor(name)));
        read++;
      } catch (IllegalArgumentException e) {
        assertThat(e.getMessage()).hasSizeBetween(1, 600);
      }
    }
    assertThat(read).isBetween(ROUNDS / 20, ROUNDS - ROUNDS / 20);
  }

  private static void use(Tensor tensor) {
    assertThat(tensor.toBytes()).hasSize((int) tensor.byteSize());
    for (Runnable use : new Runnable[] {tensor::toFloats, tensor::toLongs, tensor::toBuffer}) {
      try {
        use.run();
      } catch (IllegalArgumentException e) {
        assertThat(e.getMessage()).isNotEmpty();
      }
    }
  }
}
