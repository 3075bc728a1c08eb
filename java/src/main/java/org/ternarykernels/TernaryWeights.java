package org.ternarykernels;

import java.lang.ref.Reference;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.ternarykernels.binding.Ternary;
import org.ternarykernels.internal.Checks;
import org.ternarykernels.internal.NativeHandle;
import org.ternarykernels.internal.Scratch;
import org.ternarykernels.internal.StackReserve;
import org.ternarykernels.internal.Status;

/**
 * A packed ternary weight matrix {@code W[N, K]} with its scale. Immutable and shareable by any
 * number of threads and layers.
 *
 * <p>Sizes: {@code 1 <= N < 2^31}, {@code 1 <= K < 2^24}. A code is {@code w + 1}; code 3 is
 * invalid. The interchange layout I2S is row-major {@code [N, ceil(K/4)]} bytes, the weight {@code
 * k} of a byte at bits {@code 2 * (k mod 4)}.
 *
 * <p>{@link #close()} gives up this handle: it cannot be used any more, but layers built on it keep
 * the matrix in memory until they are closed too. A handle that was forgotten is closed when it is
 * collected.
 */
public final class TernaryWeights implements AutoCloseable {
  private final long address;
  private final long n;
  private final long k;
  private final Alpha alpha;
  private final Layout layout;
  private final NativeHandle.Owned owned;

  private TernaryWeights(long address, long n, long k, Alpha alpha, Layout layout) {
    this.address = address;
    this.n = n;
    this.k = k;
    this.alpha = alpha;
    this.layout = layout;
    this.owned =
        NativeHandle.own(this, "the weights are", () -> Ternary.ternary_weights_destroy(address));
  }

  /**
   * Packs weights given one a byte, in the layout {@link Layout#I2S_TILED}.
   *
   * @param w {@code [N, K]} row-major, each -1, 0 or +1
   * @param n output features
   * @param k input features
   * @param alpha the scale
   * @return the weights
   * @throws IllegalArgumentException if a size, the number of values or a weight is wrong
   */
  public static TernaryWeights pack(byte[] w, long n, long k, Alpha alpha) {
    Checks.shape(n, k);
    Checks.length("w", Checks.notNull("w", w).length, Checks.multiply(n, k, "N * K"), "N * K");
    try (Scratch codes = Scratch.forWeights(i2sBytes(n, k));
        Scratch dense = Scratch.forWeights(w)) {
      Status.check(Ternary.ternary_pack(dense.address(), k, n, k, codes.address()));
      return create(codes.address(), Layout.I2S, n, k, alpha, Layout.I2S_TILED);
    }
  }

  /**
   * Copies codes that are packed already.
   *
   * @param codes {@code [N, ceil(K/4)]} bytes of type I8 in the layout I2S
   * @param n output features
   * @param k input features
   * @param alpha the scale
   * @param layout the layout to keep
   * @return the weights
   * @throws IllegalArgumentException if a size or the number of bytes is wrong, or a code is 3
   */
  public static TernaryWeights ofI2s(
      TernaryBuffer codes, long n, long k, Alpha alpha, Layout layout) {
    Checks.shape(n, k);
    Operands.typed("codes", Checks.notNull("codes", codes), DataType.I8);
    codes.checkAlive("codes");
    Checks.length("codes", codes.byteSize(), i2sBytes(n, k), "bytes of I2S: N * ceil(K / 4)");
    return codes.reading(from -> create(from, Layout.I2S, n, k, alpha, layout));
  }

  /**
   * Copies codes that are packed already, from a direct buffer's position to its limit. Otherwise
   * as {@link #ofI2s(TernaryBuffer, long, long, Alpha, Layout)}.
   *
   * @param codes as there
   * @param n as there
   * @param k as there
   * @param alpha as there
   * @param layout as there
   * @return the weights
   * @throws IllegalArgumentException as there, or if the buffer is on the heap
   */
  public static TernaryWeights ofI2s(ByteBuffer codes, long n, long k, Alpha alpha, Layout layout) {
    return ofI2s(TernaryBuffer.of((Buffer) codes, DataType.I8), n, k, alpha, layout);
  }

  /**
   * Copies codes that are packed already. Otherwise as {@link #ofI2s(TernaryBuffer, long, long,
   * Alpha, Layout)}.
   *
   * @param codes as there
   * @param n as there
   * @param k as there
   * @param alpha as there
   * @param layout as there
   * @return the weights
   * @throws IllegalArgumentException as there
   */
  public static TernaryWeights ofI2s(byte[] codes, long n, long k, Alpha alpha, Layout layout) {
    Checks.shape(n, k);
    Checks.length(
        "codes",
        Checks.notNull("codes", codes).length,
        i2sBytes(n, k),
        "bytes of I2S: N * ceil(K / 4)");
    try (Scratch copy = Scratch.forWeights(codes)) {
      return create(copy.address(), Layout.I2S, n, k, alpha, layout);
    }
  }

  /**
   * Copies codes in the packing of published BitNet safetensors files: uint8 {@code [ceil(N/4),
   * K]}; byte {@code [r, k]} holds the codes of rows {@code r, r + R, r + 2R, r + 3R} ({@code R =
   * ceil(N/4)}) at bits 0, 2, 4, 6. Rows beyond N are padding and are ignored whatever they hold.
   * Several matrices of one K are stacked along N.
   *
   * @param packed one buffer of type I8 a matrix
   * @param n output features of each matrix
   * @param k input features of all
   * @param alpha the scale of the stack
   * @param layout the layout to keep
   * @return the weights {@code [sum(n), k]}
   * @throws IllegalArgumentException if a size or the number of bytes is wrong, or a code of a row
   *     below N is 3
   */
  public static TernaryWeights ofBitNet(
      TernaryBuffer[] packed, long[] n, long k, Alpha alpha, Layout layout) {
    // Copies: what is checked is what is read, whoever writes to the arrays meanwhile.
    TernaryBuffer[] matrices = Checks.notNull("packed", packed).clone();
    long[] rows = Checks.notNull("n", n).clone();
    Checks.length("n", rows.length, matrices.length, "one a matrix");
    long sum = 0;
    for (int i = 0; i < rows.length; i++) {
      Checks.shape(rows[i], k);
      sum += rows[i];
      Operands.typed("packed", Checks.notNull("packed", matrices[i]), DataType.I8);
      matrices[i].checkAlive("packed");
      Checks.length(
          "packed",
          matrices[i].byteSize(),
          Checks.multiply((rows[i] + 3) / 4, k, "ceil(N / 4) * K"),
          "bytes: ceil(N / 4) * K");
    }
    Checks.shape(sum, k);
    try (Scratch codes = Scratch.forWeights(i2sBytes(sum, k))) {
      long at = codes.address();
      for (int i = 0; i < rows.length; i++) {
        long count = rows[i];
        long target = at;
        Status.check(
            matrices[i].reading(from -> Ternary.ternary_pack_bitnet(from, count, k, target)));
        at += i2sBytes(count, k);
      }
      return create(codes.address(), Layout.I2S, sum, k, alpha, layout);
    }
  }

  /**
   * Copies codes in the packing of bitnet.cpp's GPU kernels ("ladder"): tiles of 16 rows by 32
   * columns, row-major, 128 bytes each, of 32 little-endian words. Word t of a tile is of row
   * {@code 8 * (t / 16) + t % 8} and of columns {@code 16 * (t % 16 / 8) + e}, e = 0 ... 15, at
   * bits {@code 8 * (e % 4) + 2 * (e / 4)}; a code is w + 2.
   *
   * @param packed of type I8, N * K / 4 bytes
   * @param n output features, a multiple of 16
   * @param k input features, a multiple of 32
   * @param alpha the scale
   * @param layout the layout to keep
   * @return the weights {@code [n, k]}
   * @throws IllegalArgumentException if a size or the number of bytes is wrong, or a code is 0
   */
  public static TernaryWeights ofLadder(
      TernaryBuffer packed, long n, long k, Alpha alpha, Layout layout) {
    Operands.typed("packed", Checks.notNull("packed", packed), DataType.I8);
    packed.checkAlive("packed");
    Checks.shape(n, k);
    if (n % 16 != 0 || k % 32 != 0) {
      throw new IllegalArgumentException(
          "the shape is " + n + " x " + k + ", must be a multiple of 16 by a multiple of 32");
    }
    Checks.length("packed", packed.byteSize(), n * k / 4, "bytes: N * K / 4");
    try (Scratch codes = Scratch.forWeights(i2sBytes(n, k))) {
      Status.check(
          packed.reading(from -> Ternary.ternary_pack_ladder(from, n, k, codes.address())));
      return create(codes.address(), Layout.I2S, n, k, alpha, layout);
    }
  }

  /**
   * Makes ternary weights of dense ones, in the layout {@link Layout#I2S_TILED}. Sums run in double
   * in ascending order; ties round half to even.
   *
   * @param dense {@code [N, K]} row-major, of type F32, F16 or BF16, all finite
   * @param n output features
   * @param k input features
   * @param method how codes and scales are chosen
   * @param kind what one scale covers
   * @param group a multiple of 32 for {@link AlphaKind#GROUP}, else 0
   * @return the weights
   * @throws IllegalArgumentException if a size or type is wrong or a value is NaN or infinite
   */
  public static TernaryWeights ternarise(
      TernaryBuffer dense, long n, long k, TernariseMethod method, AlphaKind kind, long group) {
    Checks.shape(n, k);
    Operands.input("dense", dense, k, n, k);
    Operands.floats("dense", dense);
    Checks.notNull("method", method);
    Checks.group(kind, group);
    float[] alpha =
        new float
            [(int)
                Checks.size(
                    "the number of scales", Alpha.count(kind, group, n, k), Checks.MAX_ROWS)];
    try (Scratch codes = Scratch.forWeights(i2sBytes(n, k));
        Scratch scales = Scratch.forWeights((long) alpha.length * Float.BYTES)) {
      Status.check(
          dense.reading(
              from ->
                  Ternary.ternary_ternarise(
                      from,
                      dense.dataType().code,
                      k,
                      n,
                      k,
                      method.code,
                      kind.code,
                      group,
                      codes.address(),
                      scales.address())));
      TernaryBuffer.ofAddress(
              scales.address(), (long) alpha.length * Float.BYTES, DataType.F32, null)
          .get(0, alpha);
      return create(
          codes.address(), Layout.I2S, n, k, Alpha.of(kind, group, alpha), Layout.I2S_TILED);
    }
  }

  /** Copies codes from an address the caller keeps alive. */
  static TernaryWeights create(
      long codes, Layout source, long n, long k, Alpha alpha, Layout layout) {
    Checks.notNull("alpha", alpha);
    Checks.notNull("layout", layout);
    Checks.length(
        "alpha per " + Checks.lower(alpha.kind()),
        alpha.count(),
        Alpha.count(alpha.kind(), alpha.group(), n, k),
        "for N " + n + " and K " + k);
    StackReserve.forCreation();
    try (Scratch handle = Scratch.ofBytes(Long.BYTES);
        Scratch scales = Scratch.forWeights(alpha.shared())) {
      Status.check(
          Ternary.ternary_weights_create(
              codes,
              source.code,
              n,
              k,
              layout.code,
              alpha.kind().code,
              scales.address(),
              alpha.count(),
              alpha.group(),
              handle.address()));
      long address = handle.readLong();
      try {
        return new TernaryWeights(address, n, k, alpha, layout);
      } catch (Throwable e) { // no heap for the object or its handle
        Ternary.ternary_weights_destroy(address);
        throw e;
      }
    }
  }

  static long i2sBytes(long n, long k) {
    return Layout.I2S.bytes(n, k);
  }

  /**
   * The same matrix in another layout.
   *
   * @param layout the layout to keep
   * @return new weights
   * @throws IllegalStateException if these are closed
   */
  public TernaryWeights repack(Layout layout) {
    try (Scratch codes = i2s()) {
      return create(codes.address(), Layout.I2S, n, k, alpha, layout);
    }
  }

  /**
   * The codes in the layout I2S.
   *
   * @return {@code [N, ceil(K/4)]} bytes
   * @throws IllegalArgumentException if they are 2^31 bytes or more
   * @throws IllegalStateException if the weights are closed
   */
  public byte[] codes() {
    int bytes = (int) Checks.size("the bytes of the codes", i2sBytes(n, k), Checks.MAX_ROWS);
    try (Scratch codes = i2s()) {
      return codes.readBytes(bytes);
    }
  }

  /**
   * The weights, one a byte.
   *
   * @return {@code [N, K]} row-major, each -1, 0 or +1
   * @throws IllegalArgumentException if they are 2^31 or more
   * @throws IllegalStateException if the weights are closed
   */
  public byte[] unpack() {
    int bytes = (int) Checks.size("N * K", Checks.multiply(n, k, "N * K"), Checks.MAX_ROWS);
    try (Scratch codes = i2s();
        Scratch dense = Scratch.forWeights(bytes)) {
      Status.check(Ternary.ternary_unpack(codes.address(), n, k, dense.address(), k));
      return dense.readBytes(bytes);
    }
  }

  /** The codes in a layout; the caller closes them. */
  Scratch codes(Layout target) {
    if (target == Layout.I2S) {
      return i2s();
    }
    Scratch codes = Scratch.forWeights(target.bytes(n, k));
    try (Scratch plain = i2s()) {
      Status.check(
          Ternary.ternary_repack(
              plain.address(), Layout.I2S.code, n, k, codes.address(), target.code));
      return codes;
    } catch (RuntimeException e) {
      codes.close();
      throw e;
    }
  }

  /** The codes in I2S; the caller closes them. */
  Scratch i2s() {
    Scratch codes = Scratch.forWeights(i2sBytes(n, k));
    try {
      copyCodes(codes.address());
      return codes;
    } catch (RuntimeException e) {
      codes.close();
      throw e;
    }
  }

  /** Writes the codes in I2S to an address. */
  void copyCodes(long target) {
    handle().acquire();
    try {
      Status.check(Ternary.ternary_weights_codes(address, target));
    } finally {
      handle().release();
      Reference.reachabilityFence(this);
    }
  }

  /**
   * Output features.
   *
   * @return N
   */
  public long n() {
    return n;
  }

  /**
   * Input features.
   *
   * @return K
   */
  public long k() {
    return k;
  }

  /**
   * The scale.
   *
   * @return the scale
   */
  public Alpha alpha() {
    return alpha;
  }

  /**
   * How the codes lie in memory.
   *
   * @return the layout
   */
  public Layout layout() {
    return layout;
  }

  /**
   * Native memory the weights hold, scales included.
   *
   * @return bytes
   * @throws IllegalStateException if the weights are closed
   */
  public long byteSize() {
    handle().acquire();
    try {
      return Ternary.ternary_weights_bytes(address);
    } finally {
      handle().release();
      Reference.reachabilityFence(this);
    }
  }

  /**
   * Writes the weights to a file in the project's own format (see {@code test-data/README.md}),
   * atomically: the file is there whole or not at all. Weights kept in {@link Layout#T5_TILED} are
   * written in it, others in {@link Layout#I2S}.
   *
   * <p>After an exception what was there is as it was. A file keeps its mode, a symbolic link stays
   * and the file it leads to is replaced. An interrupt does not disturb this and stays set.
   *
   * @param file to write; replaced if it exists, which must be a regular file then
   * @throws java.io.UncheckedIOException if it cannot be written, or is there and no regular file
   * @throws IllegalStateException if the weights are closed
   */
  public void save(Path file) {
    save(file, layout == Layout.T5_TILED ? Layout.T5_TILED : Layout.I2S);
  }

  /**
   * Writes the weights to a file with their codes in the given layout. Otherwise as {@link
   * #save(Path)}.
   *
   * @param file as there
   * @param layout {@link Layout#I2S}, or {@link Layout#T5_TILED} for a file that is a fifth smaller
   * @throws java.io.UncheckedIOException as there
   * @throws IllegalArgumentException if files do not carry the layout
   * @throws IllegalStateException as there
   */
  public void save(Path file, Layout layout) {
    WeightFile.save(this, Checks.notNull("layout", layout), Checks.notNull("file", file));
  }

  /**
   * Reads weights that {@link #save(Path)} wrote, into the layout {@link Layout#T5_TILED} if the
   * file's codes are in it, else {@link Layout#I2S_TILED}.
   *
   * <p>A file of more bytes than the system property {@code ternary.max.weight.file} is refused
   * before memory is allocated for it; by default half of the machine's or container's, which holds
   * the codes twice meanwhile. An interrupt does not disturb this and stays set.
   *
   * @param file to read
   * @return the weights
   * @throws java.io.UncheckedIOException if it cannot be read or is no regular file
   * @throws IllegalArgumentException if it is truncated, corrupt, too large or no weight file
   */
  public static TernaryWeights load(Path file) {
    return WeightFile.load(Checks.notNull("file", file), null);
  }

  /**
   * Reads weights that {@link #save(Path)} wrote, into the given layout whatever the file's.
   * Otherwise as {@link #load(Path)}.
   *
   * @param file to read
   * @param layout the layout to keep
   * @return the weights
   * @throws java.io.UncheckedIOException as there
   * @throws IllegalArgumentException as there
   */
  public static TernaryWeights load(Path file, Layout layout) {
    return WeightFile.load(Checks.notNull("file", file), Checks.notNull("layout", layout));
  }

  long address() {
    return address;
  }

  NativeHandle handle() {
    return owned.handle();
  }

  /** Gives up this handle. Closing again does nothing. */
  @Override
  public void close() {
    owned.close();
  }

  @Override
  public String toString() {
    return "TernaryWeights[N " + n + ", K " + k + ", " + alpha.kind() + ", " + layout + "]";
  }
}
