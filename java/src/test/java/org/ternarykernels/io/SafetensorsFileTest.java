package org.ternarykernels.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Random;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.ternarykernels.DataType;
import org.ternarykernels.Mutation;
import org.ternarykernels.TernaryBuffer;

class SafetensorsFileTest {
  private static final String ENTRY =
      "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}";

  @TempDir Path folder;

  private static byte[] bytes(String header, int dataBytes) {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    ByteBuffer file =
        ByteBuffer.allocate(8 + json.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
    file.putLong(json.length).put(json);
    for (int i = 0; i < dataBytes; i++) {
      file.put((byte) i);
    }
    return file.array();
  }

  private static SafetensorsFile read(String header, int dataBytes) {
    return SafetensorsFile.of(ByteBuffer.wrap(bytes(header, dataBytes)));
  }

  private static void assertRejected(ThrowingCallable call, String... parts) {
    assertThatThrownBy(call)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(parts);
  }

  @Test
  void readsTensorsAndMetadata() {
    SafetensorsFile file =
        read(
            "{\"__metadata__\":{\"format\":\"pt\"},"
                + "\"b\":{\"dtype\":\"U8\",\"shape\":[2,3],\"data_offsets\":[8,14]},"
                + "\"scalar\":{\"data_offsets\":[14,16],\"shape\":[],\"dtype\":\"I16\"},"
                + "\"none\":{\"dtype\":\"F64\",\"shape\":[0,7],\"data_offsets\":[8,8]},"
                + ENTRY
                + "}   ",
            16);
    assertThat(file.names()).containsExactly("b", "scalar", "none", "a");
    assertThat(file.metadata()).containsOnlyKeys("format").containsValue("pt");
    Tensor b = file.tensor("b");
    assertThat(b.name()).isEqualTo("b");
    assertThat(b.type()).isEqualTo(TensorType.U8);
    assertThat(b.shape()).containsExactly(2, 3);
    assertThat(b.elements()).isEqualTo(6);
    assertThat(b.byteSize()).isEqualTo(6);
    assertThat(b.toBytes()).containsExactly(8, 9, 10, 11, 12, 13);
    assertThat(b.toBuffer().dataType()).isEqualTo(DataType.I8);
    assertThat(b).hasToString("Tensor[b U8 [2, 3]]");
    assertThat(file.tensor("scalar").shape()).isEmpty();
    assertThat(file.tensor("scalar").toLongs()).containsExactly(15 << 8 | 14);
    assertThat(file.tensor("none").elements()).isZero();
    assertThat(file.tensor("none").toBytes()).isEmpty();
    assertThat(file.tensor("a").toFloats())
        .containsExactly(Float.intBitsToFloat(0x03020100), Float.intBitsToFloat(0x07060504));
    ByteBuffer part = ByteBuffer.allocate(3);
    b.copyTo(2, part);
    assertThat(part.array()).containsExactly(10, 11, 12);
    assertThat(read("{}", 0).names()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"F16,15360,1", "BF16,16256,1", "F8_E4M3,56,1", "I8,255,-1"})
  void readsEveryKernelType(TensorType type, int bits, float value) {
    byte[] file =
        bytes(
            "{\"t\":{\"dtype\":\""
                + type
                + "\",\"shape\":[1],\"data_offsets\":[0,"
                + type.bytes()
                + "]}}",
            type.bytes());
    for (int i = 0; i < type.bytes(); i++) {
      file[file.length - type.bytes() + i] = (byte) (bits >> 8 * i);
    }
    Tensor tensor = SafetensorsFile.of(ByteBuffer.wrap(file)).tensor("t");
    assertThat(tensor.toFloats()).containsExactly(value);
    assertThat(tensor.toBuffer().dataType()).isEqualTo(type.dataType());
    assertThat(TensorType.of(type.dataType())).isEqualTo(type);
  }

  @ParameterizedTest
  @CsvSource({
    "I8,-1",
    "U8,255",
    "BOOL,255",
    "I16,-1",
    "U16,65535",
    "I32,-1",
    "U32,4294967295",
    "I64,-1"
  })
  void readsIntegers(TensorType type, long value) {
    byte[] file =
        bytes(
            "{\"t\":{\"dtype\":\""
                + type
                + "\",\"shape\":[1],\"data_offsets\":[0,"
                + type.bytes()
                + "]}}",
            type.bytes());
    Arrays.fill(file, file.length - type.bytes(), file.length, (byte) -1);
    assertThat(SafetensorsFile.of(ByteBuffer.wrap(file)).tensor("t").toLongs())
        .containsExactly(value);
  }

  @Test
  void rejectsTypesItCannotConvert() {
    SafetensorsFile file =
        read(
            "{\"u\":{\"dtype\":\"U64\",\"shape\":[1],\"data_offsets\":[0,8]},"
                + "\"e\":{\"dtype\":\"U16\",\"shape\":[0],\"data_offsets\":[8,8]}}",
            8);
    assertRejected(() -> file.tensor("u").toLongs(), "\"u\"", "U64");
    assertRejected(() -> file.tensor("u").toFloats(), "\"u\"", "U64", "F32");
    assertRejected(() -> file.tensor("e").toFloats(), "\"e\"", "U16");
    assertRejected(() -> file.tensor("u").copyTo(1, ByteBuffer.allocate(8)), "1 to 9", "0 to 8");
    assertRejected(() -> file.tensor("u").copyTo(-1, ByteBuffer.allocate(1)), "-1");
    assertRejected(() -> file.tensor("x"), "no tensor \"x\"");
    assertRejected(() -> SafetensorsFile.of(null), "content is null");
    assertRejected(() -> SafetensorsFile.open(null), "path is null");
  }

  @Test
  void rejectsBadLengths() {
    assertRejected(() -> SafetensorsFile.of(ByteBuffer.allocate(0)), "0 bytes", "at least the 8");
    assertRejected(() -> SafetensorsFile.of(ByteBuffer.allocate(7)), "7 bytes");
    assertRejected(
        () -> SafetensorsFile.of(ByteBuffer.allocate(8)), "header's length is 0", "2 to 100000000");
    byte[] good = bytes("{" + ENTRY + "}", 8);
    for (long length : new long[] {-1, 1, 100_000_001, Long.MAX_VALUE}) {
      byte[] file = good.clone();
      ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).putLong(0, length);
      assertRejected(
          () -> SafetensorsFile.of(ByteBuffer.wrap(file)),
          Long.toUnsignedString(length),
          "2 to 100000000");
    }
    for (int cut = 0; cut < good.length; cut++) {
      byte[] file = Arrays.copyOf(good, cut);
      assertRejected(() -> SafetensorsFile.of(ByteBuffer.wrap(file)), "must");
    }
  }

  @Test
  void rejectsBadHeaders() {
    assertRejected(() -> read(" {" + ENTRY + "}", 8), "first byte is 32");
    assertRejected(() -> read("[1]", 0), "first byte");
    assertRejected(() -> read("{" + ENTRY + "}x", 8), "JSON");
    assertRejected(() -> read("{" + ENTRY + "}{}", 8), "follows");
    assertRejected(() -> read("{" + ENTRY, 8), "JSON");
    assertRejected(() -> read("{" + ENTRY + "," + ENTRY + "}", 8), "Duplicate field 'a'");
    assertRejected(() -> read("{\"a\":1}", 0), "\"a\"", "START_OBJECT");
    assertRejected(() -> read("{\"__metadata__\":{\"a\":1}}", 0), "metadata \"a\"", "VALUE_STRING");
    assertRejected(
        () -> read("{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8),
        "\"a\"",
        "without data_offsets");
    assertRejected(
        () -> read("{\"a\":{\"shape\":[2],\"data_offsets\":[0,8]}}", 8), "without dtype");
    assertRejected(
        () -> read("{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", 8), "without shape");
    assertRejected(
        () -> read("{\"a\":{\"dtype\":\"F 2\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8),
        "\"F 2\"",
        "letters, digits");
    assertRejected(
        () -> read("{\"a\":{\"dtype\":32,\"shape\":[2],\"data_offsets\":[0,8]}}", 8),
        "dtype",
        "VALUE_STRING");
    assertRejected(
        () -> read("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"x\":1}}", 8),
        "field \"x\"");
    assertRejected(
        () -> read("{\"a\":{\"dtype\":\"F32\",\"shape\":2,\"data_offsets\":[0,8]}}", 8),
        "shape",
        "START_ARRAY");
  }

  @Test
  void rejectsBadSizesAndOffsets() {
    String form = "{\"a\":{\"dtype\":\"F32\",\"shape\":%s,\"data_offsets\":%s}}";
    assertRejected(() -> read(form.formatted("[2]", "[0,4]"), 8), "\"a\"", "4 bytes", "8");
    assertRejected(() -> read(form.formatted("[-2]", "[0,8]"), 8), "-2", "at least 0");
    assertRejected(() -> read(form.formatted("[2.0]", "[0,8]"), 8), "VALUE_NUMBER_INT");
    assertRejected(
        () -> read(form.formatted("[9223372036854775808]", "[0,8]"), 8),
        "9223372036854775808",
        "2^63");
    assertRejected(() -> read(form.formatted("[4611686018427387904,4]", "[0,8]"), 8), "2^63");
    assertRejected(() -> read(form.formatted("[9223372036854775807]", "[0,8]"), 8), "2^63");
    assertRejected(() -> read(form.formatted("[2]", "[8,0]"), 8), "[8, 0]", "ascending");
    assertRejected(() -> read(form.formatted("[2]", "[0,8,8]"), 8), "[0, 8, 8]", "two");
    assertRejected(() -> read(form.formatted("[2]", "[]"), 8), "[]", "two");
    assertRejected(() -> read(form.formatted("[2]", "[0,8]"), 9), "9 bytes", "8");
    assertRejected(() -> read(form.formatted("[2]", "[0,8]"), 7), "7 bytes", "8");
    assertRejected(() -> read(form.formatted("[2]", "[1,9]"), 9), "begin at byte 1", "hole");
    String two = "{" + ENTRY + ",\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":%s}}";
    assertRejected(() -> read(two.formatted("[4,8]"), 8), "\"b\"", "inside another tensor");
    assertRejected(() -> read(two.formatted("[9,13]"), 13), "\"b\"", "hole");
    assertThat(read(two.formatted("[8,12]"), 12).tensor("b").elements()).isEqualTo(1);
  }

  @Test
  void closesAndRefusesUseAfterwards() throws IOException {
    Path path = Files.write(folder.resolve("a.safetensors"), bytes("{" + ENTRY + "}", 8));
    SafetensorsFile file = SafetensorsFile.open(path);
    assertThat(file.tensor("a").toBytes()).containsExactly(0, 1, 2, 3, 4, 5, 6, 7);
    Tensor tensor = file.tensor("a");
    file.close();
    file.close();
    assertThatThrownBy(tensor::toBytes)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContainingAll(path.toString(), "closed");
  }

  @Test
  void namesTheFileInErrors() throws IOException {
    Path missing = folder.resolve("missing");
    assertThatThrownBy(() -> SafetensorsFile.open(missing))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining(missing.toString());
    Path empty = Files.createFile(folder.resolve("empty"));
    assertRejected(() -> SafetensorsFile.open(empty), empty.toString(), "0 bytes");
  }

  /** A sparse file of 4 GB whose last tensor crosses the borders between mappings. */
  @Test
  void readsBeyondTwoGigabytes() throws IOException {
    long size = 4L << 30;
    long begin = (1L << 30) - 300;
    String header =
        "{\"low\":{\"dtype\":\"U8\",\"shape\":["
            + begin
            + "],\"data_offsets\":[0,"
            + begin
            + "]},"
            + "\"high\":{\"dtype\":\"U8\",\"shape\":["
            + (size - begin)
            + "],\"data_offsets\":["
            + begin
            + ","
            + size
            + "]}}";
    Path path = folder.resolve("large");
    byte[] head = bytes(header, 0);
    long border = 1L << 30;
    try (FileChannel channel =
        FileChannel.open(
            path,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.SPARSE,
            StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(head));
      channel.write(ByteBuffer.wrap(new byte[] {1, 2, 3, 4}), border - 2);
      channel.write(ByteBuffer.wrap(new byte[] {9}), head.length + size - 1);
    }
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      ByteBuffer part = ByteBuffer.allocate(6);
      file.tensor("high").copyTo(border - 3 - head.length - begin, part);
      assertThat(part.array()).containsExactly(0, 1, 2, 3, 4, 0);
      ByteBuffer last = ByteBuffer.allocate(1);
      file.tensor("high").copyTo(size - begin - 1, last);
      assertThat(last.get(0)).isEqualTo((byte) 9);
      assertRejected(() -> file.tensor("high").toBytes(), "" + (size - begin), "2^31");
    } finally {
      Files.delete(path);
    }
  }

  /** The JVM survives, and the error says what happened. */
  @Test
  void aFileTruncatedWhileOpenIsAnException() throws IOException {
    int size = 1 << 20;
    Path path =
        Files.write(
            folder.resolve("cut"),
            bytes(
                "{\"a\":{\"dtype\":\"U8\",\"shape\":["
                    + size
                    + "],\"data_offsets\":[0,"
                    + size
                    + "]}}",
                size));
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      try (RandomAccessFile access = new RandomAccessFile(path.toFile(), "rw")) {
        access.setLength(4096);
      }
      for (ThrowingCallable read :
          new ThrowingCallable[] {
            () -> file.tensor("a").toBytes(), () -> file.tensor("a").toBuffer()
          }) {
        assertThatThrownBy(read)
            .isInstanceOf(UncheckedIOException.class)
            .hasMessageContainingAll(path.toString(), "truncated");
      }
    }
  }

  /** 100 000 mutated files: each is read completely or refused with an IllegalArgumentException. */
  @Test
  void survivesMutation() {
    byte[] good =
        bytes(
            "{\"__metadata__\":{\"k\":\"70\"},"
                + ENTRY
                + ",\"b\":{\"dtype\":\"I8\",\"shape\":[2,3],\"data_offsets\":[8,14]}}",
            14);
    Random random = new Random(7);
    int read = 0;
    for (int i = 0; i < 100_000; i++) {
      byte[] mutant = Mutation.of(random, good);
      if (random.nextBoolean() && mutant.length > 16) { // a right length, or few would get past it
        ByteBuffer.wrap(mutant).order(ByteOrder.LITTLE_ENDIAN).putLong(0, good.length - 8 - 14);
      }
      try {
        SafetensorsFile file = SafetensorsFile.of(ByteBuffer.wrap(mutant));
        for (String name : file.names()) {
          Tensor tensor = file.tensor(name);
          assertThat(tensor.toBytes()).hasSize((int) tensor.byteSize());
        }
        read++;
      } catch (IllegalArgumentException e) {
        assertThat(e.getMessage()).isNotEmpty();
      }
    }
    assertThat(read).as("mutants that are safetensors").isBetween(1, 99_999);
  }

  @Test
  void writesWhatItReads() throws IOException {
    Path path = folder.resolve("out.safetensors");
    TernaryBuffer halves = TernaryBuffer.copyOf(DataType.F16, 1, 2, 3, 4, 5, 6, 7);
    new SafetensorsWriter()
        .metadata("note", "\"quoted\" ü")
        .put("bytes", TensorType.U8, new byte[] {1, 2, 3}, 3)
        .put("halves", halves, 2, 3)
        .put("floats", new float[] {1.5f, Float.NaN}, 2, 1)
        .put("scalar", new float[] {4})
        .write(path);
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertThat(file.metadata()).containsOnlyKeys("note").containsValue("\"quoted\" ü");
      assertThat(file.names()).containsExactly("floats", "scalar", "halves", "bytes");
      assertThat(file.tensor("halves").toFloats()).containsExactly(1, 2, 3, 4, 5, 6);
      assertThat(file.tensor("halves").type()).isEqualTo(TensorType.F16);
      assertThat(file.tensor("floats").toFloats()).containsExactly(1.5f, Float.NaN);
      assertThat(file.tensor("floats").shape()).containsExactly(2, 1);
      assertThat(file.tensor("scalar").shape()).isEmpty();
      assertThat(file.tensor("bytes").toBytes()).containsExactly(1, 2, 3);
    }
    byte[] bytes = Files.readAllBytes(path);
    assertThat(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong(0) % 8)
        .as("aligned data")
        .isZero();
    assertThat(folder).isDirectoryNotContaining("glob:**.tmp");
  }

  @Test
  void writesMoreThanOneChunk() {
    Path path = folder.resolve("long.safetensors");
    float[] values = new float[(1 << 20) + 5];
    values[1 << 20] = 3;
    new SafetensorsWriter()
        .put("v", TernaryBuffer.copyOf(DataType.F32, values), values.length)
        .write(path);
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertThat(file.tensor("v").toFloats()).isEqualTo(values);
    }
  }

  @Test
  void theWriterRejectsBadTensors() {
    SafetensorsWriter writer = new SafetensorsWriter().put("a", new float[] {1}, 1);
    assertRejected(() -> writer.put("a", new float[] {1}, 1), "\"a\" is given twice");
    assertRejected(() -> writer.put("b", new float[] {1}, 2), "1 elements", "2");
    assertRejected(() -> writer.put("b", new float[] {1}, -1), "-1", "at least 0");
    assertRejected(() -> writer.put("b", new float[] {1}, Long.MAX_VALUE, 2), "2^63");
    assertRejected(() -> writer.put("__metadata__", new float[] {1}, 1), "__metadata__");
    assertRejected(() -> writer.put(null, new float[] {1}, 1), "null");
    assertRejected(() -> writer.put("b", (float[]) null, 1), "null");
    assertRejected(() -> writer.put("b", (TernaryBuffer) null, 1), "null");
    assertRejected(() -> writer.put("b", TensorType.U8, null, 1), "null");
    assertRejected(() -> writer.put("b", new float[] {1}, (long[]) null), "shape", "null");
    assertRejected(() -> writer.metadata(null, "x"), "null");
    assertRejected(() -> writer.write(null), "path is null");
    assertThatThrownBy(() -> writer.write(folder.resolve("no/folder/x")))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining("no/folder/x");
  }
}
