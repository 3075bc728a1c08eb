package org.ternarykernels;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.ternarykernels.internal.Checks;
import org.ternarykernels.internal.Scratch;
import org.ternarykernels.storage.AtomicFile;
import org.ternarykernels.storage.MachineMemory;
import org.ternarykernels.storage.RegularFile;

/**
 * The project's own weight file, described in {@code test-data/README.md}: a header of 64 bytes,
 * alpha, codes in I2S or T5, with a CRC-32C of the header and one of what follows it. All integers
 * and floats are little-endian.
 */
final class WeightFile {
  static final long MAGIC = 0x575952414e524554L; // "TERNARYW" read as a little-endian long
  static final int VERSION = 1;
  static final int HEADER_BYTES = 64;

  /** The system property with the most bytes that a file may have. */
  static final String LIMIT = "ternary.max.weight.file";

  /** The file is read in steps of this many bytes, a multiple of a float's. */
  private static final int STEP = 1 << 16;

  private WeightFile() {}

  /** A file carries codes in a layout that does not depend on the machine. */
  private static boolean carries(Layout layout) {
    return layout == Layout.I2S || layout == Layout.T5_TILED;
  }

  static void save(TernaryWeights weights, Layout layout, Path file) {
    require(carries(layout), "the layout of a file", layout, Layout.I2S + " or " + Layout.T5_TILED);
    float[] alpha = weights.alpha().shared();
    long codeBytes = layout.bytes(weights.n(), weights.k());
    try (Scratch codes = weights.codes(layout)) {
      ByteBuffer scales =
          ByteBuffer.allocate(Math.multiplyExact(alpha.length, Float.BYTES))
              .order(ByteOrder.LITTLE_ENDIAN);
      scales.asFloatBuffer().put(alpha);
      CRC32C payload = new CRC32C();
      payload.update(scales.duplicate());
      for (long at = 0; at < codeBytes; ) {
        ByteBuffer window = codes.window(at, codeBytes);
        at += window.remaining();
        payload.update(window);
      }
      ByteBuffer header = header(weights, layout, alpha.length, (int) payload.getValue());
      AtomicFile.write(
          file,
          out -> {
            AtomicFile.writeFully(out, header);
            AtomicFile.writeFully(out, scales);
            for (long at = 0; at < codeBytes; ) {
              ByteBuffer window = codes.window(at, codeBytes);
              at += window.remaining();
              AtomicFile.writeFully(out, window);
            }
          });
    } catch (IOException e) {
      throw new UncheckedIOException(
          "the weights cannot be written to " + file + ": " + e.getMessage(), e);
    }
  }

  private static ByteBuffer header(
      TernaryWeights weights, Layout layout, int alphaCount, int payloadCrc) {
    ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    header
        .putLong(MAGIC)
        .putInt(VERSION)
        .putInt(HEADER_BYTES)
        .putLong(weights.n())
        .putLong(weights.k())
        .putInt(layout.code)
        .putInt(weights.alpha().kind().code)
        .putLong(weights.alpha().group())
        .putLong(alphaCount)
        .putInt(payloadCrc);
    header.putInt(crc(header.array(), HEADER_BYTES - Integer.BYTES));
    return header.flip();
  }

  /** Reads into the layout `kept`; null: the file's own if kernels like it, else tiles of I2S. */
  static TernaryWeights load(Path file, @Nullable Layout kept) {
    try (InputStream in = RegularFile.stream(file)) {
      long size = RegularFile.size(file);
      long most = limit();
      require(
          size <= most,
          "the size",
          size + " bytes",
          "at most " + most + ", which the system property " + LIMIT + " changes");
      return read(in, size, kept);
    } catch (IOException e) {
      throw new UncheckedIOException(
          "the weights cannot be read from " + file + ": " + e.getMessage(), e);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(file + ": " + e.getMessage(), e);
    }
  }

  /**
   * Half of the memory unless the property says more or less: while a file is loaded its codes are
   * there twice, as they were in it and in the layout to keep. A file without content on the disk
   * may have any size.
   */
  private static long limit() {
    String text = System.getProperty(LIMIT);
    if (text == null) {
      return MachineMemory.bytes() / 2;
    }
    if (!text.matches("\\d{1,18}")) {
      throw new IllegalArgumentException(
          "the system property " + LIMIT + " is \"" + text + "\", must be a number of bytes");
    }
    return Long.parseLong(text);
  }

  /**
   * Reads weights from a stream that holds `size` bytes. Nothing is allocated before the sizes
   * agree with it.
   */
  static TernaryWeights read(InputStream in, long size, @Nullable Layout kept) throws IOException {
    require(
        size >= HEADER_BYTES,
        "the size",
        size + " bytes",
        "at least the " + HEADER_BYTES + " of the header");
    ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    readFully(in, header.array(), HEADER_BYTES);
    require(
        header.getLong() == MAGIC,
        "the magic number",
        "0x" + Long.toHexString(header.getLong(0)),
        "that of a weight file");
    int version = header.getInt();
    require(version == VERSION, "the format version", version, VERSION);
    int headerBytes = header.getInt();
    require(headerBytes == HEADER_BYTES, "the header size", headerBytes, HEADER_BYTES);
    int headerCrc = header.getInt(HEADER_BYTES - Integer.BYTES);
    int crc = crc(header.array(), HEADER_BYTES - Integer.BYTES);
    require(
        headerCrc == crc,
        "the header's CRC-32C",
        Integer.toHexString(headerCrc),
        Integer.toHexString(crc));
    long n = header.getLong();
    long k = header.getLong();
    Checks.shape(n, k);
    int code = header.getInt();
    Layout layout = code == Layout.T5_TILED.code ? Layout.T5_TILED : Layout.I2S;
    require(
        code == layout.code,
        "the layout",
        code,
        Layout.I2S.code + " (I2S) or " + Layout.T5_TILED.code + " (T5)");
    int kindCode = header.getInt();
    require(
        kindCode >= 0 && kindCode < AlphaKind.values().length,
        "the kind of alpha",
        kindCode,
        "0 to 3");
    AlphaKind kind = AlphaKind.values()[kindCode];
    long group = header.getLong();
    Checks.group(kind, group);
    long alphaCount = header.getLong();
    long wanted = Alpha.count(kind, group, n, k);
    require(
        alphaCount == wanted && wanted <= Integer.MAX_VALUE / Float.BYTES,
        "the number of scales",
        alphaCount,
        wanted);
    long codeBytes = layout.bytes(n, k);
    long whole = HEADER_BYTES + alphaCount * Float.BYTES + codeBytes;
    require(size == whole, "the size", size + " bytes", whole + " for N " + n + " and K " + k);
    try (Payload payload = Payload.read(in, (int) alphaCount, codeBytes, header.getInt())) {
      Layout target = kept != null ? kept : layout == Layout.T5_TILED ? layout : Layout.I2S_TILED;
      return TernaryWeights.create(
          payload.codes.address(), layout, n, k, Alpha.of(kind, group, payload.alpha), target);
    }
  }

  /** What follows the header. */
  private record Payload(float[] alpha, Scratch codes) implements AutoCloseable {
    static Payload read(InputStream in, int alphaCount, long codeBytes, int expectedCrc)
        throws IOException {
      CRC32C crc = new CRC32C();
      byte[] step = new byte[STEP];
      float[] alpha = new float[alphaCount];
      FloatBuffer floats = ByteBuffer.wrap(step).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
      for (int at = 0; at < alphaCount; ) {
        int count = Math.min(alphaCount - at, STEP / Float.BYTES);
        readFully(in, step, count * Float.BYTES);
        crc.update(step, 0, count * Float.BYTES);
        floats.get(0, alpha, at, count);
        at += count;
      }
      Scratch codes = Scratch.forWeights(codeBytes);
      try {
        for (long at = 0; at < codeBytes; ) {
          int count = (int) Math.min(codeBytes - at, STEP);
          readFully(in, step, count);
          crc.update(step, 0, count);
          codes.window(at, codeBytes).put(step, 0, count);
          at += count;
        }
        require(
            (int) crc.getValue() == expectedCrc,
            "the payload's CRC-32C",
            Integer.toHexString((int) crc.getValue()),
            Integer.toHexString(expectedCrc));
        return new Payload(alpha, codes);
      } catch (IOException | RuntimeException e) {
        codes.close();
        throw e;
      }
    }

    @Override
    public void close() {
      codes.close();
    }
  }

  private static int crc(byte[] bytes, int count) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, count);
    return (int) crc.getValue();
  }

  private static void readFully(InputStream in, byte[] target, int count) throws IOException {
    int read = in.readNBytes(target, 0, count);
    require(
        read == count, "the file's end", (count - read) + " bytes early", "where its header says");
  }

  private static void require(boolean holds, String what, Object value, Object rule) {
    if (!holds) {
      throw new IllegalArgumentException(what + " is " + value + ", must be " + rule);
    }
  }
}
