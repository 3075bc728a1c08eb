package org.ternarykernels;

import java.lang.invoke.MethodHandle;
import org.jspecify.annotations.Nullable;
import org.ternarykernels.binding.Foreign;
import org.ternarykernels.binding.Memory;
import org.ternarykernels.binding.Segments;

/**
 * A native function that takes operands, called through the JDK's linker, which holds the arenas of
 * segments open for the length of the call: another thread's {@code close()} throws meanwhile.
 */
final class HeldCall {
  private final String function;
  private final String signature;

  /** Made at first use; made twice if two threads are the first. */
  private volatile @Nullable MethodHandle handle;

  /**
   * A function of {@code operands.h}.
   *
   * @param signature a letter an argument, as {@link Foreign#downcall} takes them; P is an operand
   */
  HeldCall(String function, String signature) {
    this.function = function;
    this.signature = signature;
  }

  /** Whether one of the operands, some null, must be held by the linker. */
  static boolean needed(
      @Nullable TernaryBuffer a,
      @Nullable TernaryBuffer b,
      @Nullable TernaryBuffer c,
      @Nullable TernaryBuffer d,
      @Nullable TernaryBuffer e,
      @Nullable TernaryBuffer f) {
    return isShared(a) || isShared(b) || isShared(c) || isShared(d) || isShared(e) || isShared(f);
  }

  private static boolean isShared(@Nullable TernaryBuffer buffer) {
    return buffer != null && buffer.segment() != null;
  }

  /** An operand as an argument. */
  static Object operand(@Nullable TernaryBuffer buffer) {
    if (buffer == null) {
      return Segments.ofAddress(0);
    }
    Object segment = buffer.segment();
    return segment == null ? Segments.ofAddress(buffer.address()) : segment;
  }

  /** Calls with the arguments of the signature. */
  int call(Object... arguments) {
    try {
      return (int) handle().invokeExact(arguments);
    } catch (Throwable e) {
      throw Foreign.unchecked(e);
    }
  }

  private MethodHandle handle() {
    MethodHandle made = handle;
    if (made == null) {
      made =
          Foreign.downcall(Memory.function(function), signature)
              .asSpreader(Object[].class, signature.length());
      handle = made;
    }
    return made;
  }
}
