package org.ternarykernels;

import java.lang.ref.Reference;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.ternarykernels.binding.Ternary;
import org.ternarykernels.internal.Checks;
import org.ternarykernels.internal.NativeHandle;
import org.ternarykernels.internal.Scratch;
import org.ternarykernels.internal.StackReserve;
import org.ternarykernels.internal.Status;

/**
 * The packed ternary matrices {@code W[E, N, K]} of E experts with their scales, one handle for all
 * of them. Immutable and shareable by any number of threads and layers.
 *
 * <p>Sizes: {@code 1 <= E <= 4096}, {@code 1 <= N < 2^31}, {@code 1 <= K < 2^24}. All of the
 * process's cores share the work of loading.
 *
 * <p>{@link #close()} gives up this handle: it cannot be used any more, but layers built on it keep
 * the matrices in memory until they are closed too. A handle that was forgotten is closed when it
 * is collected.
 *
 * @since 0.2.0
 */
public final class ExpertWeights implements AutoCloseable {
  private final long address;
  private final long experts;
  private final long n;
  private final long k;
  private final ExpertAlpha alpha;
  private final Layout layout;
  private final NativeHandle.Owned owned;

  private ExpertWeights(
      long address, long experts, long n, long k, ExpertAlpha alpha, Layout layout) {
    this.address = address;
    this.experts = experts;
    this.n = n;
    this.k = k;
    this.alpha = alpha;
    this.layout = layout;
    this.owned =
        NativeHandle.own(
            this, "the experts' weights are", () -> Ternary.ternary_weights_destroy(address));
  }

  /**
   * Packs weights given one a byte.
   *
   * @param w {@code [E, N, K]} row-major, of type I8, each -1, 0 or +1
   * @param experts E
   * @param n output features
   * @param k input features
   * @param alpha the scales
   * @param layout the layout to keep
   * @return the weights
   * @throws IllegalArgumentException if a size, the number of values or a weight is wrong
   */
  public static ExpertWeights pack(
      TernaryBuffer w, long experts, long n, long k, ExpertAlpha alpha, Layout layout) {
    shape(experts, n, k);
    checkBytes("w", w, Checks.multiply(experts, n * k, "E * N * K"), "E * N * K");
    return w.reading(from -> packed(from, experts, n, k, alpha, layout));
  }

  /**
   * Packs weights given one a byte, in the layout {@link Layout#I2S_TILED}. Otherwise as {@link
   * #pack(TernaryBuffer, long, long, long, ExpertAlpha, Layout)}.
   *
   * @param w as there
   * @param experts as there
   * @param n as there
   * @param k as there
   * @param alpha as there
   * @return the weights
   * @throws IllegalArgumentException as there
   */
  public static ExpertWeights pack(byte[] w, long experts, long n, long k, ExpertAlpha alpha) {
    shape(experts, n, k);
    Checks.length(
        "w",
        Checks.notNull("w", w).length,
        Checks.multiply(experts, n * k, "E * N * K"),
        "E * N * K");
    try (Scratch dense = Scratch.forWeights(w)) {
      return packed(dense.address(), experts, n, k, alpha, Layout.I2S_TILED);
    }
  }

  private static ExpertWeights packed(
      long w, long experts, long n, long k, ExpertAlpha alpha, Layout layout) {
    long bytes = Layout.I2S.bytes(n, k);
    try (Scratch codes = Scratch.forWeights(experts * bytes)) {
      ofEach(
          experts,
          e -> {
            long target = codes.address() + e * bytes;
            Status.check(Ternary.ternary_pack(w + e * n * k, k, n, k, target));
          });
      return ofTensor(codes.address(), experts, n, k, alpha, layout);
    }
  }

  /**
   * Copies codes that are packed already.
   *
   * @param codes {@code [E, N, ceil(K/4)]} bytes of type I8 in the layout I2S
   * @param experts E
   * @param n output features
   * @param k input features
   * @param alpha the scales
   * @param layout the layout to keep
   * @return the weights
   * @throws IllegalArgumentException if a size or the number of bytes is wrong, or a code is 3
   */
  public static ExpertWeights ofI2s(
      TernaryBuffer codes, long experts, long n, long k, ExpertAlpha alpha, Layout layout) {
    shape(experts, n, k);
    long bytes = Checks.multiply(experts, Layout.I2S.bytes(n, k), "E * N * ceil(K / 4)");
    checkBytes("codes", codes, bytes, "bytes of I2S: E * N * ceil(K / 4)");
    return codes.reading(from -> ofTensor(from, experts, n, k, alpha, layout));
  }

  private static ExpertWeights ofTensor(
      long codes, long experts, long n, long k, ExpertAlpha alpha, Layout layout) {
    long[] matrices = new long[(int) experts];
    for (int e = 0; e < matrices.length; e++) {
      matrices[e] = codes + e * Layout.I2S.bytes(n, k);
    }
    return create(matrices, n, k, alpha, layout);
  }

  /**
   * Copies the matrices of experts.
   *
   * @param matrices one an expert, all of one shape, with scales of one kind; they may be closed
   *     then
   * @param layout the layout to keep
   * @return the weights
   * @throws IllegalArgumentException if there are none or too many, or they do not fit each other
   * @throws IllegalStateException if one is closed
   */
  public static ExpertWeights of(List<TernaryWeights> matrices, Layout layout) {
    TernaryWeights[] experts = Checks.notNull("matrices", matrices).toArray(TernaryWeights[]::new);
    ExpertChecks.experts(experts.length);
    for (int e = 0; e < experts.length; e++) {
      TernaryWeights first = Checks.notNull("expert 0", experts[0]);
      TernaryWeights matrix = Checks.notNull("expert " + e, experts[e]);
      if (matrix.n() != first.n() || matrix.k() != first.k()) {
        throw new IllegalArgumentException(
            "expert " + e + " is " + matrix + " and expert 0 " + first + ", must be of one shape");
      }
    }
    long n = experts[0].n();
    long k = experts[0].k();
    ExpertAlpha alpha =
        ExpertAlpha.of(List.of(experts).stream().map(TernaryWeights::alpha).toList());
    long bytes = Layout.I2S.bytes(n, k);
    long all = Checks.multiply(experts.length, bytes, "E * N * ceil(K / 4)");
    try (Scratch codes = Scratch.forWeights(all)) {
      ofEach(experts.length, e -> experts[e].copyCodes(codes.address() + e * bytes));
      return ofTensor(codes.address(), experts.length, n, k, alpha, layout);
    }
  }

  /** Any number of experts at once; throws for the first that fails, which it names. */
  private static void ofEach(long experts, IntConsumer action) {
    @Nullable RuntimeException[] failures = new RuntimeException[(int) experts];
    IntStream.range(0, failures.length)
        .parallel()
        .forEach(
            e -> {
              try {
                action.accept(e);
              } catch (RuntimeException failure) {
                failures[e] = failure;
              }
            });
    for (int e = 0; e < failures.length; e++) {
      if (failures[e] instanceof IllegalArgumentException wrong) {
        throw new IllegalArgumentException("of expert " + e + " " + wrong.getMessage(), wrong);
      }
      if (failures[e] != null) {
        throw failures[e];
      }
    }
  }

  private static void shape(long experts, long n, long k) {
    ExpertChecks.experts(experts);
    Checks.shape(n, k);
  }

  private static void checkBytes(String name, TernaryBuffer buffer, long bytes, String rule) {
    Operands.typed(name, Checks.notNull(name, buffer), DataType.I8);
    buffer.checkAlive(name);
    Checks.length(name, buffer.byteSize(), bytes, rule);
  }

  /** Copies I2S codes of matrices that the caller keeps alive. */
  private static ExpertWeights create(
      long[] matrices, long n, long k, ExpertAlpha alpha, Layout layout) {
    int experts = matrices.length;
    Checks.notNull("alpha", alpha);
    Checks.notNull("layout", layout);
    Checks.length(
        alpha.toString().replaceFirst(", \\d+ values$", ""),
        alpha.count(),
        alpha.needed(experts, n, k),
        "for " + experts + " experts of N " + n + " and K " + k);
    StackReserve.forCreation();
    long pointerBytes = (long) experts * Long.BYTES;
    try (Scratch handle = Scratch.ofBytes(Long.BYTES);
        Scratch pointers = Scratch.forWeights(pointerBytes);
        Scratch scales = Scratch.forWeights(alpha.shared())) {
      pointers.window(0, pointerBytes).asLongBuffer().put(matrices);
      Status.check(
          Ternary.ternary_weights_create_experts(
              pointers.address(),
              Layout.I2S.code,
              experts,
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
        return new ExpertWeights(address, experts, n, k, alpha, layout);
      } catch (Throwable e) { // no heap for the object or its handle
        Ternary.ternary_weights_destroy(address);
        throw e;
      }
    }
  }

  /**
   * A copy of one expert's matrix, in the same layout.
   *
   * @param e the expert, 0 to E - 1
   * @return its weights, which the caller closes
   * @throws IllegalArgumentException if there is no such expert, or gate and up have scales of
   *     their own per input feature
   * @throws IllegalStateException if the weights are closed
   */
  public TernaryWeights expert(long e) {
    if (e < 0 || e >= experts) {
      throw new IllegalArgumentException("the expert is " + e + ", must be 0 to " + (experts - 1));
    }
    Alpha own = alpha.of(e, experts);
    try (Scratch codes = Scratch.forWeights(Layout.I2S.bytes(n, k))) {
      handle().acquire();
      try {
        Status.check(Ternary.ternary_weights_expert_codes(address, e, codes.address()));
      } finally {
        handle().release();
        Reference.reachabilityFence(this);
      }
      return TernaryWeights.create(codes.address(), Layout.I2S, n, k, own, layout);
    }
  }

  /**
   * The number of experts.
   *
   * @return E
   */
  public long experts() {
    return experts;
  }

  /**
   * Output features of each expert.
   *
   * @return N
   */
  public long n() {
    return n;
  }

  /**
   * Input features of each expert.
   *
   * @return K
   */
  public long k() {
    return k;
  }

  /**
   * The scales.
   *
   * @return the scales
   */
  public ExpertAlpha alpha() {
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
    return "ExpertWeights[E "
        + experts
        + ", N "
        + n
        + ", K "
        + k
        + ", "
        + alpha.kind()
        + ", "
        + layout
        + "]";
  }
}
