package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TernaryBufferTest {
  private static ByteBuffer direct(int bytes) {
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
  }

  private static void assertRejected(ThrowingCallable call, String... parts) {
    assertThatThrownBy(call)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(parts);
  }

  @Test
  void viewsADirectBufferFromPositionToLimit() {
    ByteBuffer bytes = direct(32);
    bytes.putFloat(8, 1.5f).putFloat(12, -2f).position(8).limit(16);
    TernaryBuffer buffer = TernaryBuffer.of((Buffer) bytes, DataType.F32);
    assertThat(buffer.elements()).isEqualTo(2);
    assertThat(buffer.byteSize()).isEqualTo(8);
    assertThat(buffer.dataType()).isEqualTo(DataType.F32);
    assertThat(buffer.isReadOnly()).isFalse();
    assertThat(buffer.toArray()).containsExactly(1.5f, -2f);
    buffer.put(1, 7);
    assertThat(bytes.getFloat(12)).isEqualTo(7);
    assertThat(buffer)
        .hasToString("TernaryBuffer[2 x F32 at 0x" + Long.toHexString(buffer.address()) + "]");
  }

  @Test
  void viewsTypedBuffers() {
    FloatBuffer floats = direct(16).asFloatBuffer().put(2, 3f).position(1);
    assertThat(TernaryBuffer.of(floats, DataType.F32).toArray()).containsExactly(0, 3f, 0);
    TernaryBuffer halves =
        TernaryBuffer.of(direct(4).asShortBuffer().put(0, (short) 0x3c00), DataType.F16);
    assertThat(halves.toArray()).containsExactly(1f, 0f);
    assertThat(
            TernaryBuffer.of(direct(4).asShortBuffer().put(0, (short) 0x3f80), DataType.BF16)
                .get(0))
        .isEqualTo(1);
  }

  @Test
  void viewsAPointerFromPositionToLimit() {
    try (FloatPointer pointer = new FloatPointer(1f, 2f, 3f, 4f)) {
      assertThat(TernaryBuffer.of(pointer, DataType.F32).toArray()).containsExactly(1, 2, 3, 4);
      assertThat(TernaryBuffer.of(pointer.position(1).limit(3), DataType.F32).toArray())
          .containsExactly(2, 3);
    }
  }

  @Test
  void viewsMemoryByAddressAndKeepsItsOwner() {
    TernaryBuffer owner = TernaryBuffer.copyOf(DataType.F32, 1, 2, 3);
    TernaryBuffer view = TernaryBuffer.ofAddress(owner.address() + 4, 8, DataType.F32, owner);
    assertThat(view.toArray()).containsExactly(2, 3);
    assertThat(owner.slice(1, 2).address()).isEqualTo(view.address());
  }

  @ParameterizedTest
  @EnumSource(DataType.class)
  void allocatesZeroedAlignedMemory(DataType type) {
    TernaryBuffer buffer = TernaryBuffer.allocate(type, 1001);
    assertThat(buffer.elements()).isEqualTo(1001);
    assertThat(buffer.byteSize()).isEqualTo(1001L * type.bytes());
    assertThat(buffer.address() % 64).isZero();
    assertThat(buffer.toArray()).containsOnly(0f);
  }

  @Test
  void storesRoundedValues() {
    assertThat(TernaryBuffer.copyOf(DataType.F16, 65504, 1e-9f, 0.1f).toArray())
        .containsExactly(65504, 0, 0.099975586f);
    assertThat(TernaryBuffer.copyOf(DataType.BF16, 0.1f).toArray()).containsExactly(0.100097656f);
    assertThat(TernaryBuffer.copyOf(DataType.I8, -128, 127).toArray()).containsExactly(-128, 127);
  }

  @Test
  void holdsWholeNumbersAsTheyAre() {
    TernaryBuffer ids = TernaryBuffer.copyOf(-1, Integer.MAX_VALUE, Integer.MIN_VALUE);
    assertThat(ids.dataType()).isEqualTo(DataType.I32);
    assertThat(ids.toInts()).containsExactly(-1, Integer.MAX_VALUE, Integer.MIN_VALUE);
    assertThat(ids.toArray()).containsExactly(-1, 0x1p31f, -0x1p31f);
    ids.put(0, 7);
    ids.putInts(1, new int[] {8, 9});
    assertThat(ids.toInts()).containsExactly(7, 8, 9);
    assertThatThrownBy(() -> ids.put(0, 0.5f)).hasMessageContaining("0.5, must be a whole number");
    assertThatThrownBy(() -> ids.put(0, new float[] {1, 0x1p31f}))
        .hasMessageContaining("whole number of 32 bits");
    assertThatThrownBy(() -> ids.putInts(2, new int[2])).hasMessageContaining("elements 2 to 4");
    assertThat(ids.toInts()).containsExactly(7, 8, 9);
    IntBuffer direct = ByteBuffer.allocateDirect(12).order(ByteOrder.nativeOrder()).asIntBuffer();
    direct.put(new int[] {1, 2, 3}).position(1);
    assertThat(TernaryBuffer.of(direct, DataType.I32).toInts()).containsExactly(2, 3);
    assertThatThrownBy(() -> TernaryBuffer.of(direct, DataType.F32))
        .hasMessageContaining("an IntBuffer for I32");
    assertThatThrownBy(() -> TernaryBuffer.copyOf(DataType.F32, 1).toInts())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("the buffer is of type F32, must be I32");
  }

  @Test
  void reachesElementsBeyondTwoGigabytes() {
    // Untouched pages of zeroed memory cost memory only where they are written; allocate() would
    // write them all.
    TernaryBuffer small = TernaryBuffer.allocate(DataType.F32, 8);
    TernaryBuffer view =
        TernaryBuffer.ofAddress(small.address() - (3L << 30), (3L << 30) + 32, DataType.F32, small);
    view.put((3L << 28) + 5, 4.5f);
    assertThat(small.get(5)).isEqualTo(4.5f);
    assertThat(view.slice((3L << 28) + 5, 1).get(0)).isEqualTo(4.5f);
    assertRejected(view::asByteBuffer, "3221225504", "2^31");
  }

  @Test
  void bindsAnewWithoutAllocating() {
    TernaryBuffer view = TernaryBuffer.allocate(DataType.F32, 1);
    ByteBuffer first = direct(64);
    TernaryBuffer other = TernaryBuffer.allocate(DataType.BF16, 4);
    Runnable bind =
        () -> {
          view.set((Buffer) first, DataType.F32);
          view.set(other.address(), other.byteSize(), DataType.BF16, other);
        };
    assertThat(Allocations.ofRuns(1000, bind)).isLessThan(1000);
    assertThat(view.elements()).isEqualTo(4);
    assertThat(view.set((Buffer) first, DataType.F32)).isSameAs(view);
    try (BytePointer pointer = new BytePointer(12)) {
      assertThat(view.set(pointer, DataType.F32).elements()).isEqualTo(3);
    }
  }

  @Test
  void rejectsBadBuffers() {
    assertRejected(() -> TernaryBuffer.of((Buffer) null, DataType.F32), "buffer is null");
    assertRejected(() -> TernaryBuffer.of((Buffer) direct(4), null), "type is null");
    assertRejected(
        () -> TernaryBuffer.of(ByteBuffer.allocate(4), DataType.F32),
        "HeapByteBuffer",
        "must be direct");
    assertRejected(
        () -> TernaryBuffer.of(FloatBuffer.allocate(4), DataType.F32),
        "on the heap",
        "must be direct");
    assertRejected(
        () -> TernaryBuffer.of(direct(16).position(1), DataType.F32),
        "misaligned for F32",
        "multiple of 4");
    assertRejected(
        () -> TernaryBuffer.of(direct(16).asFloatBuffer(), DataType.F16), "FloatBuffer", "F16");
    assertRejected(
        () -> TernaryBuffer.of(direct(16).asIntBuffer(), DataType.F32), "IntBuffer", "F32");
    assertRejected(
        () ->
            TernaryBuffer.of(
                ByteBuffer.allocateDirect(16).order(ByteOrder.BIG_ENDIAN).asFloatBuffer(),
                DataType.F32),
        "BIG_ENDIAN",
        "LITTLE_ENDIAN");
  }

  @Test
  void refusesAnotherByteOrderOfTypesWiderThanAByte() {
    ByteBuffer forgetful = direct(16).putFloat(4, 1.5f).position(4).slice();
    for (DataType type : new DataType[] {DataType.F32, DataType.F16, DataType.BF16}) {
      assertRejected(
          () -> TernaryBuffer.of((Buffer) forgetful, type),
          "BIG_ENDIAN",
          type.toString(),
          "slice()",
          "duplicate()",
          ".order(ByteOrder.nativeOrder())");
    }
    assertThat(TernaryBuffer.of(forgetful, DataType.F32, ByteOrder.nativeOrder()).get(0))
        .isEqualTo(1.5f);
    TernaryBuffer view = TernaryBuffer.of((Buffer) forgetful, DataType.I8);
    assertThat(view.set(forgetful, DataType.F32, ByteOrder.nativeOrder()).get(0)).isEqualTo(1.5f);
    assertThat(view.set((Buffer) forgetful, DataType.F8_E4M3).elements()).isEqualTo(12);
    assertRejected(
        () -> TernaryBuffer.of(direct(16), DataType.F32, ByteOrder.BIG_ENDIAN), "BIG_ENDIAN");
    assertRejected(() -> TernaryBuffer.of(direct(16), DataType.F32, null), "order is null");
  }

  @Test
  void aPointerIsHeldToItsCapacity() {
    try (FloatPointer pointer = new FloatPointer(10)) {
      assertRejected(
          () -> TernaryBuffer.of(pointer.limit(20), DataType.F32), "limit 20", "capacity 10");
      assertRejected(
          () -> TernaryBuffer.of(pointer.limit(10).position(-2), DataType.F32), "position is -2");
      assertThat(TernaryBuffer.of(pointer.position(9), DataType.F32).elements()).isEqualTo(1);
    }
  }

  @Test
  void rejectsBadPointersAndAddresses() {
    assertRejected(() -> TernaryBuffer.of((Pointer) null, DataType.F32), "pointer is null");
    assertRejected(
        () -> TernaryBuffer.of(new FloatPointer((Pointer) null), DataType.F32),
        "limit is 0",
        "ofAddress");
    try (BytePointer pointer = new BytePointer(12)) {
      assertRejected(() -> TernaryBuffer.of(pointer.position(1), DataType.F32), "misaligned");
    }
    assertRejected(() -> TernaryBuffer.ofAddress(0, 4, DataType.F32, null), "address is 0");
    assertRejected(() -> TernaryBuffer.ofAddress(6, 4, DataType.F32, null), "0x6", "multiple of 4");
    assertRejected(() -> TernaryBuffer.ofAddress(64, -1, DataType.F32, null), "-1 bytes");
    assertRejected(
        () -> TernaryBuffer.ofAddress(-64, 128, DataType.F32, null), "128 bytes", "address space");
    assertRejected(() -> TernaryBuffer.ofAddress(64, 4, null, null), "type is null");
  }

  @Test
  void aFailedBindingChangesNothing() {
    TernaryBuffer view = TernaryBuffer.copyOf(DataType.F32, 1, 2);
    assertRejected(() -> view.set(ByteBuffer.allocate(64), DataType.F16), "heap");
    assertThat(view.toArray()).containsExactly(1, 2);
  }

  @Test
  void rejectsBadSizesAndIndices() {
    assertRejected(() -> TernaryBuffer.allocate(DataType.F32, 0), "elements is 0", "at least 1");
    assertRejected(
        () -> TernaryBuffer.allocate(DataType.F32, Long.MAX_VALUE),
        "9223372036854775807 * 4",
        "2^63");
    assertRejected(() -> TernaryBuffer.allocate(null, 4), "type is null");
    assertThatThrownBy(() -> TernaryBuffer.allocate(DataType.I8, Long.MAX_VALUE))
        .isInstanceOf(TernaryException.class)
        .hasMessageContaining("9223372036854775807 bytes");
    TernaryBuffer view = TernaryBuffer.copyOf(DataType.F32, 1, 2);
    assertRejected(() -> view.get(2), "2 to 3", "0 to 2");
    assertRejected(() -> view.get(-1), "-1");
    assertRejected(() -> view.put(Long.MAX_VALUE, 1), "9223372036854775807");
    assertRejected(() -> view.slice(1, 2), "1 to 3");
    assertRejected(() -> view.slice(0, 0), "elements is 0");
    assertRejected(() -> view.put(1, new float[2]), "1 to 3");
    assertRejected(() -> view.get(1, new float[2]), "1 to 3");
    assertRejected(() -> view.get(0, null), "values is null");
    assertRejected(() -> TernaryBuffer.copyOf(DataType.F32, (float[]) null), "values is null");
  }

  @Test
  void rejectsValuesThatTheTypeCannotHold() {
    assertRejected(() -> TernaryBuffer.copyOf(DataType.I8, 128), "128.0", "-128 to 127");
    assertRejected(() -> TernaryBuffer.copyOf(DataType.I8, 0.5f), "0.5");
    assertRejected(() -> TernaryBuffer.copyOf(DataType.F8_E4M3, 1), "F8_E4M3");
    TernaryBuffer codes = TernaryBuffer.copyOf(DataType.I8, 5, 6, 7);
    assertRejected(() -> codes.put(0, new float[] {1, 2, 300}), "300.0");
    assertThat(codes.toArray()).as("nothing is written").containsExactly(5, 6, 7);
  }

  @Test
  void aReadOnlyBufferCannotBeWritten() {
    TernaryBuffer view =
        TernaryBuffer.of(direct(8).asReadOnlyBuffer(), DataType.F32, ByteOrder.nativeOrder());
    assertThat(view.isReadOnly()).isTrue();
    assertThat(view.slice(0, 1).isReadOnly()).isTrue();
    assertThat(view.asByteBuffer().isReadOnly()).isTrue();
    assertRejected(() -> view.put(0, 1), "read-only");
  }

  /** What another thread makes of a view that is being copied. */
  @Test
  void aViewThatIsBoundAnewWhileItIsCopiedIsToldSo() {
    try (TernaryBuffer copy = TernaryBuffer.allocate(DataType.F32, 2);
        TernaryBuffer larger = TernaryBuffer.allocate(DataType.F32, 3)) {
      assertThatThrownBy(() -> copy.put(larger))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("3 elements now, not 2");
    }
  }
}
