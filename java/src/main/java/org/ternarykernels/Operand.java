package org.ternarykernels;

/** What {@link Operands} must know of an operand, wherever its memory is. */
abstract sealed class Operand permits TernaryBuffer, DeviceBuffer {
  /** For the two kinds alone. */
  Operand() {}

  /**
   * Where the memory starts.
   *
   * @return the address of the first element
   */
  public abstract long address();

  /**
   * Bytes of the memory.
   *
   * @return bytes
   */
  public abstract long byteSize();

  /**
   * The type of the elements.
   *
   * @return the type
   */
  public abstract DataType dataType();

  /**
   * Whole elements in the memory.
   *
   * @return elements
   */
  public long elements() {
    return byteSize() / dataType().bytes();
  }

  /** Throws if the memory is known to be gone; {@code name} begins the sentence. */
  abstract void checkAlive(String name);

  /** Throws if the operand serves as input only. */
  abstract void checkWritable(String name);

  final void checkRange(long from, long count) {
    checkAlive("the buffer");
    if (from < 0 || from > elements() - count) {
      throw new IllegalArgumentException(
          "elements "
              + from
              + " to "
              + (from + count)
              + " are asked for, must be within 0 to "
              + elements());
    }
  }
}
