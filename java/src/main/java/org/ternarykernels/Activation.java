package org.ternarykernels;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.ternarykernels.binding.Ternary;
import org.ternarykernels.internal.Checks;

/**
 * How a product uses its activations. Immutable; two that say the same are equal.
 *
 * <p>With int8 activations every kernel on every machine gives the same bits: their sums are of
 * integers.
 */
public final class Activation {
  /** Quantised to int8 by absmax, with one scale a token. */
  public static final Activation A8 = new Activation(Ternary.TERNARY_A8, 0);

  /**
   * Used as they are, fp32 sums. On one machine the bits do not depend on M, batch position or
   * thread count.
   */
  public static final Activation A16 = new Activation(Ternary.TERNARY_A16, 0);

  private static final int MULTIPLE = 32;
  private static final Pattern BLOCKS = Pattern.compile("a8:(\\d{1,9})");

  final int code;
  private final int block;

  private Activation(int code, int block) {
    this.code = code;
    this.block = block;
  }

  /**
   * Quantised to int8 by absmax, with one scale for each block of columns of a token. Without the
   * floor of {@link #A8}, so its bits are others even where a block is as long as a row.
   *
   * <p>A layer whose alpha is per group needs a block and a group of which one is a multiple of the
   * other. AMX kernels take multiples of 64.
   *
   * @param block columns that share a scale, a positive multiple of 32; the last block of a row may
   *     be shorter
   * @return the activation
   * @throws IllegalArgumentException if the block is no positive multiple of 32
   * @since 0.2.0
   */
  public static Activation a8(int block) {
    if (block < MULTIPLE || block % MULTIPLE != 0) {
      throw new IllegalArgumentException(
          "the block of activations is " + block + ", must be a positive multiple of " + MULTIPLE);
    }
    return new Activation(Ternary.TERNARY_A8, block);
  }

  /**
   * The activation that a text names, as {@link #toString()} writes it.
   *
   * @param text {@code a8}, {@code a8:B} with a block B, or {@code a16}; in capital letters too
   * @return the activation
   * @throws IllegalArgumentException if it names none, or its block is no positive multiple of 32
   * @since 0.2.0
   */
  public static Activation parse(String text) {
    String lower = Checks.notNull("activation", text).toLowerCase(Locale.ROOT);
    Matcher blocks = BLOCKS.matcher(lower);
    if (blocks.matches()) {
      return a8(Integer.parseInt(blocks.group(1)));
    }
    return switch (lower) {
      case "a8" -> A8;
      case "a16" -> A16;
      default ->
          throw new IllegalArgumentException(
              "activation is \"" + text + "\", must be a8, a8:B with a multiple of 32, or a16");
    };
  }

  /**
   * Whether X is quantised to int8, per token or by block.
   *
   * @return false for {@link #A16}
   * @since 0.2.0
   */
  public boolean isA8() {
    return code == Ternary.TERNARY_A8;
  }

  /**
   * Columns that share a scale.
   *
   * @return a positive multiple of 32; 0 for {@link #A8}, which has one scale a token, and for
   *     {@link #A16}
   * @since 0.2.0
   */
  public int block() {
    return block;
  }

  /**
   * Scales of a token: with them int8 X is given, and {@link TernaryRuntime#quantise} writes them.
   *
   * @param k columns of X, at least 1 and below 2^24
   * @return {@code ceil(k / block)}; 1 without blocks
   * @throws IllegalArgumentException if k breaks the rule
   * @since 0.2.0
   */
  public long scales(long k) {
    Checks.size("K", k, Checks.MAX_COLUMNS);
    return block == 0 ? 1 : (k + block - 1) / block;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Activation that && code == that.code && block == that.block;
  }

  @Override
  public int hashCode() {
    return 31 * code + block;
  }

  /** {@code a8}, {@code a8:128} or {@code a16}. */
  @Override
  public String toString() {
    return (isA8() ? "a8" : "a16") + (block == 0 ? "" : ":" + block);
  }
}
