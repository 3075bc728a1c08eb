package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.bytedeco.javacpp.FloatPointer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.ternarykernels.internal.Cuda;

/** Memory of a GPU. */
@Tag("gpu")
class DeviceBufferTest {
  private static final TernaryRuntime RUNTIME = TernaryRuntime.create();
  private static final CudaStream STREAM = CudaStream.create(RUNTIME);

  private final Random random = new Random(11);

  @AfterAll
  static void close() {
    STREAM.close();
    RUNTIME.close();
  }

  private static void assertRejected(ThrowingCallable call, String... parts) {
    assertThatThrownBy(call)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(parts);
  }

  private static void assertClosed(ThrowingCallable call, String... parts) {
    assertThatThrownBy(call)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContainingAll(parts)
        .hasMessageContaining("closed, must be open");
  }

  private static TernaryBuffer read(DeviceBuffer buffer) {
    TernaryBuffer host = TernaryBuffer.allocate(buffer.dataType(), buffer.elements());
    buffer.copyTo(host, STREAM);
    STREAM.synchronize();
    return host;
  }

  @ParameterizedTest
  @EnumSource(DataType.class)
  void newMemoryIsZeroedAndWhatIsCopiedComesBack(DataType type) {
    TernaryBuffer values = Problems.activations(random, type, 1001);
    try (DeviceBuffer buffer = DeviceBuffer.allocate(RUNTIME, type, 1001)) {
      assertThat(buffer.dataType()).isEqualTo(type);
      assertThat(buffer.elements()).isEqualTo(1001);
      assertThat(buffer.byteSize()).isEqualTo(1001L * type.bytes());
      assertThat(buffer.address() % 256).isZero();
      assertThat(buffer.device()).isEqualTo(RUNTIME.device().ordinal());
      assertThat(read(buffer).toArray()).containsOnly(0f);
      buffer.copyFrom(values, STREAM);
      Problems.assertSameBits(read(buffer), values);
      try (DeviceBuffer copy = DeviceBuffer.copyOf(RUNTIME, values)) {
        Problems.assertSameBits(read(copy), values);
      }
    }
  }

  @Test
  void directBuffersComeAndGoFromTheirPosition() {
    ByteBuffer from = ByteBuffer.allocateDirect(20).order(ByteOrder.nativeOrder());
    from.putFloat(4, 1.5f).putFloat(8, -2).position(4).limit(12);
    ByteBuffer to = ByteBuffer.allocateDirect(8).order(ByteOrder.nativeOrder());
    try (DeviceBuffer buffer = DeviceBuffer.allocate(RUNTIME, DataType.F32, 2)) {
      buffer.copyFrom(from, STREAM);
      buffer.copyTo(to, STREAM);
      STREAM.synchronize();
      assertThat(to.getFloat(0)).isEqualTo(1.5f);
      assertThat(to.getFloat(4)).isEqualTo(-2);
      assertRejected(
          () -> buffer.copyFrom(ByteBuffer.allocate(8), STREAM), "on the heap", "direct");
      assertRejected(
          () -> buffer.copyTo(to.asReadOnlyBuffer().order(ByteOrder.nativeOrder()), STREAM),
          "host",
          "read-only");
    }
  }

  @Test
  void viewsShareTheMemory() {
    TernaryBuffer values = TernaryBuffer.copyOf(DataType.F32, 0, 1, 2, 3, 4, 5);
    DeviceBuffer whole = DeviceBuffer.copyOf(RUNTIME, values);
    DeviceBuffer part = whole.slice(2, 3);
    DeviceBuffer inner = part.slice(1, 1);
    assertThat(part.address()).isEqualTo(whole.address() + 8);
    assertThat(read(part).toArray()).containsExactly(2, 3, 4);
    inner.copyFrom(TernaryBuffer.copyOf(DataType.F32, 9), STREAM);
    assertThat(read(whole).toArray()).containsExactly(0, 1, 2, 9, 4, 5);
    assertRejected(() -> whole.slice(4, 3), "elements 4 to 7", "0 to 6");
    assertRejected(() -> whole.slice(-1, 1), "elements -1");
    assertRejected(() -> whole.slice(0, 0), "elements is 0");
    part.close();
    assertClosed(() -> read(part), "device buffer");
    assertClosed(() -> part.slice(0, 1), "buffer");
    assertThat(read(whole).get(3)).isEqualTo(9);
    whole.close();
    whole.close();
    assertClosed(() -> read(inner), "device buffer");
    assertClosed(() -> whole.copyFrom(values, STREAM), "device buffer");
  }

  @Test
  void copiesBetweenBuffersRunInTheStreamsOrder() {
    TernaryBuffer values = Problems.activations(random, DataType.BF16, 300);
    try (DeviceBuffer a = DeviceBuffer.copyOf(RUNTIME, values);
        DeviceBuffer b = DeviceBuffer.allocate(RUNTIME, DataType.BF16, 300);
        DeviceBuffer c = DeviceBuffer.allocate(RUNTIME, DataType.BF16, 300)) {
      b.copyFrom(a, STREAM);
      c.copyFrom(b, STREAM);
      b.copyFrom(TernaryBuffer.allocate(DataType.BF16, 300), STREAM);
      Problems.assertSameBits(read(c), values);
      assertThat(read(b).toArray()).containsOnly(0f);
      assertRejected(() -> a.slice(0, 200).copyFrom(a.slice(100, 200), STREAM), "overlaps");
    }
  }

  @Test
  void copiesThatDoNotFitAreRefused() {
    TernaryBuffer floats = TernaryBuffer.allocate(DataType.F32, 4);
    try (DeviceBuffer buffer = DeviceBuffer.allocate(RUNTIME, DataType.F32, 5)) {
      assertRejected(
          () -> buffer.copyFrom(floats, STREAM),
          "host has 4 elements of type F32",
          "5 of type F32");
      assertRejected(() -> buffer.copyTo(floats, STREAM), "host has 4 elements");
      assertRejected(
          () -> buffer.copyFrom(TernaryBuffer.allocate(DataType.F16, 5), STREAM), "of type F16");
      assertRejected(() -> buffer.copyFrom(buffer.slice(0, 1), STREAM), "source has 1 elements");
      assertRejected(() -> buffer.copyFrom((TernaryBuffer) null, STREAM), "host is null");
      assertRejected(
          () -> buffer.copyTo(TernaryBuffer.allocate(DataType.F32, 5), null), "stream is null");
      FloatPointer pointer = new FloatPointer(5);
      TernaryBuffer view = TernaryBuffer.of(pointer, DataType.F32);
      pointer.close();
      assertThatThrownBy(() -> buffer.copyFrom(view, STREAM))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("pointer that is closed");
    }
  }

  @Test
  void sizesAndRuntimesThatCannotBeAreRefused() {
    assertRejected(() -> DeviceBuffer.allocate(null, DataType.F32, 1), "runtime is null");
    assertRejected(() -> DeviceBuffer.allocate(RUNTIME, null, 1), "type is null");
    assertRejected(() -> DeviceBuffer.allocate(RUNTIME, DataType.F32, 0), "elements is 0");
    assertRejected(() -> DeviceBuffer.allocate(RUNTIME, DataType.F32, Long.MAX_VALUE), "2^63");
    assertThatThrownBy(() -> DeviceBuffer.allocate(RUNTIME, DataType.I8, 1L << 50))
        .isInstanceOf(TernaryException.class)
        .hasMessageContainingAll(
            "cannot allocate " + (1L << 50) + " bytes", "cudaErrorMemoryAllocation");
    try (DeviceBuffer after = DeviceBuffer.allocate(RUNTIME, DataType.I8, 1)) {
      assertThat(read(after).get(0)).as("that error is not told again").isZero();
    }
    try (TernaryRuntime cpu = TestDevice.onCpu().build()) {
      assertRejected(
          () -> DeviceBuffer.allocate(cpu, DataType.F32, 1), "is the CPU", "must be a GPU");
      assertRejected(() -> CudaStream.create(cpu), "is the CPU");
    }
  }

  @Test
  void memoryOfOtherCodeIsTakenOnlyIfItIsTheDevices() {
    TernaryBuffer values = Problems.activations(random, DataType.F32, 64);
    try (DeviceBuffer owner = DeviceBuffer.copyOf(RUNTIME, values)) {
      DeviceBuffer view =
          DeviceBuffer.ofAddress(RUNTIME, owner.address(), 256, DataType.F32, owner);
      Problems.assertSameBits(read(view), values);
      view.close();
      assertClosed(() -> read(view), "device buffer");
      Problems.assertSameBits(read(owner), values);
      assertRejected(
          () -> DeviceBuffer.ofAddress(RUNTIME, values.address(), 256, DataType.F32, values),
          "not memory of a GPU");
      assertRejected(
          () -> DeviceBuffer.ofAddress(RUNTIME, 0, 256, DataType.F32, null), "address is 0");
      assertRejected(
          () -> DeviceBuffer.ofAddress(RUNTIME, owner.address() + 2, 8, DataType.F32, owner),
          "misaligned");
      assertRejected(
          () -> DeviceBuffer.ofAddress(RUNTIME, owner.address(), 3, DataType.F32, owner),
          "size is 3 bytes");
      assertRejected(
          () -> DeviceBuffer.ofAddress(RUNTIME, owner.address(), -1, DataType.F32, owner),
          "size is -1");
    }
  }

  @Test
  void aBufferOutlivesItsRuntimeAndSaysWhatItIs() {
    TernaryRuntime runtime = TernaryRuntime.create();
    DeviceBuffer buffer = DeviceBuffer.copyOf(runtime, TernaryBuffer.copyOf(DataType.F32, 4, 5));
    runtime.close();
    assertThat(read(buffer).toArray()).containsExactly(4, 5);
    assertThat(buffer.toString()).startsWith("DeviceBuffer[2 x F32 at 0x").endsWith(" of cuda:0]");
    buffer.close();
    assertThatThrownBy(() -> DeviceBuffer.allocate(runtime, DataType.F32, 1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("the runtime is closed");
  }

  @Test
  void whatIsForgottenIsFreed() throws InterruptedException {
    long free = freeBytes();
    for (int i = 0; i < 4; i++) {
      DeviceBuffer.allocate(RUNTIME, DataType.I8, 64 << 20);
    }
    for (int i = 0; i < 300 && freeBytes() < free - (32 << 20); i++) {
      System.gc();
      Thread.sleep(10);
    }
    assertThat(freeBytes()).isGreaterThanOrEqualTo(free - (32 << 20));
  }

  private static long freeBytes() {
    return Cuda.freeBytes(RUNTIME.device().ordinal());
  }
}
