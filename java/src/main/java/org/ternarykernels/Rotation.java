package org.ternarykernels;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.ternarykernels.internal.Checks;

/**
 * What a layer does to X before it quantises it: each run of so many columns is multiplied by signs
 * and by an orthonormal Hadamard matrix. It spreads outliers over their run. Weights must have been
 * made for it: one that is left out, or put where none was meant, gives garbage in silence.
 *
 * <p>Immutable; two that say the same are equal.
 *
 * @since 0.2.0
 */
public final class Rotation {
  private static final int LEAST = 32;
  private static final int MOST = 4096;

  private final int block;
  private final float @Nullable [] signs;

  private Rotation(int block, float @Nullable [] signs) {
    this.block = block;
    this.signs = signs;
  }

  /**
   * A rotation without signs.
   *
   * @param block columns that are rotated together: a power of two, 32 to 4096. K of the layer must
   *     be a multiple of it
   * @return the rotation
   * @throws IllegalArgumentException if the block breaks the rule
   */
  public static Rotation of(int block) {
    return new Rotation(checked(block), null);
  }

  /**
   * A rotation of X times signs.
   *
   * @param block columns that are rotated together: a power of two, 32 to 4096. K of the layer must
   *     be a multiple of it
   * @param signs K values, +1 or -1, one for each column; copied
   * @return the rotation
   * @throws IllegalArgumentException if the block breaks the rule, or a sign is neither +1 nor -1
   */
  public static Rotation of(int block, float... signs) {
    checked(block);
    float[] copy = Checks.notNull("signs", signs).clone();
    for (int i = 0; i < copy.length; i++) {
      if (Math.abs(copy[i]) != 1) {
        throw new IllegalArgumentException("signs[" + i + "] is " + copy[i] + ", must be +1 or -1");
      }
    }
    return new Rotation(block, copy);
  }

  private static int checked(int block) {
    if (block < LEAST || block > MOST || Integer.bitCount(block) != 1) {
      throw new IllegalArgumentException(
          "the rotation is "
              + block
              + " columns, must be a power of two, "
              + LEAST
              + " to "
              + MOST);
    }
    return block;
  }

  /**
   * Columns that are rotated together.
   *
   * @return a power of two, 32 to 4096
   */
  public int block() {
    return block;
  }

  /**
   * What X is multiplied by before it is rotated.
   *
   * @return a copy of the signs; null without signs
   */
  public float @Nullable [] signs() {
    return signs == null ? null : signs.clone();
  }

  float @Nullable [] shared() {
    return signs;
  }

  /** The signs of a rotation, which may be null as they may. */
  static float @Nullable [] signsOf(@Nullable Rotation rotation) {
    return rotation == null ? null : rotation.signs;
  }

  /** Columns that are rotated together; 0 without a rotation. */
  static int blockOf(@Nullable Rotation rotation) {
    return rotation == null ? 0 : rotation.block;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Rotation that
        && block == that.block
        && Arrays.equals(signs, that.signs);
  }

  @Override
  public int hashCode() {
    return 31 * block + Arrays.hashCode(signs);
  }

  @Override
  public String toString() {
    return "rotation of " + block + (signs == null ? "" : ", with signs");
  }
}
