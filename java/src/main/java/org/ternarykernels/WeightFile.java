package org.ternarykernels;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.ReadableByteChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.ternarykernels.storage.AtomicFile;

/**
 * The project's own weight file, described in {@code test-data/README.md}: a header of 64 bytes,
 * alpha, codes in I2S or T5, with a CRC-32C of the header and one of what follows it. All integers
 * and floats are little-endian.
 */
final class WeightFile {
  static final long MAGIC = 0x575952414e524554L; // "TERNARYW" read as a little-endian long
  static final int VERSION = 1;
  static final int HEADER_BYTES = 64;
  private static final int CHUNK = 1 << 20;

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
          channel -> {
            AtomicFile.writeFully(channel, header);
            AtomicFile.writeFully(channel, scales);
            for (long at = 0; at < codeBytes; ) {
              ByteBuffer window = codes.window(at, codeBytes);
              at += window.remaining();
              AtomicFile.writeFully(channel, window);
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
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      return read(channel, channel.size(), kept);
    } catch (IOException e) {
      throw new UncheckedIOException(
          "the weights cannot be read from " + file + ": " + e.getMessage(), e);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(file + ": " + e.getMessage(), e);
    }
  }

  /**
   * Reads weights from a channel that holds `size` bytes. Nothing is allocated before the sizes
   * agree with it.
   */
  static TernaryWeights read(ReadableByteChannel channel, long size, @Nullable Layout kept)
      throws IOException {
    require(
        size >= HEADER_BYTES,
        "the size",
        size + " bytes",
        "at least the " + HEADER_BYTES + " of the header");
    ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    readFully(channel, header);
    header.flip();
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
    try (Payload payload = Payload.read(channel, (int) alphaCount, codeBytes, header.getInt())) {
      Layout target = kept != null ? kept : layout == Layout.T5_TILED ? layout : Layout.I2S_TILED;
      return TernaryWeights.create(
          payload.codes.address(), layout, n, k, Alpha.of(kind, group, payload.alpha), target);
    }
  }

  /** What follows the header. */
  private record Payload(float[] alpha, Scratch codes) implements AutoCloseable {
    static Payload read(
        ReadableByteChannel channel, int alphaCount, long codeBytes, int expectedCrc)
        throws IOException {
      CRC32C crc = new CRC32C();
      ByteBuffer scales =
          ByteBuffer.allocate(alphaCount * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      readFully(channel, scales);
      crc.update(scales.flip());
      float[] alpha = new float[alphaCount];
      scales.flip().asFloatBuffer().get(alpha);
      Scratch codes = Scratch.forWeights(codeBytes);
      try {
        for (long at = 0; at < codeBytes; ) {
          ByteBuffer window = codes.window(at, Math.min(codeBytes, at + CHUNK));
          at += window.remaining();
          readFully(channel, window);
          crc.update(window.flip());
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

  private static void readFully(ReadableByteChannel channel, ByteBuffer target) throws IOException {
    while (target.hasRemaining()) {
      require(
          channel.read(target) >= 0,
          "the file's end",
          target.remaining() + " bytes early",
          "where its header says");
    }
  }

  private static void require(boolean holds, String what, Object value, Object rule) {
    if (!holds) {
      throw new IllegalArgumentException(what + " is " + value + ", must be " + rule);
    }
  }
}
