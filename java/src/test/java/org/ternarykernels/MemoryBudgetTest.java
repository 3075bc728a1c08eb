package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.ternarykernels.internal.MemoryBudget;

/** What buffers hold of native memory, and what ends it. */
class MemoryBudgetTest {
  private static final String PROPERTY = "ternary.max.memory";
  private static final int MEBIBYTE = 1 << 20;

  @AfterEach
  void noLimit() {
    System.clearProperty(PROPERTY);
  }

  private static TernaryBuffer allocate(int bytes) {
    return TernaryBuffer.allocate(DataType.I8, bytes);
  }

  /** A limit that leaves room for so many bytes. */
  private static void leave(long bytes) throws InterruptedException {
    for (int i = 0; i < 3; i++) { // what other tests forgot
      System.gc();
      Thread.sleep(50);
    }
    System.setProperty(PROPERTY, Long.toString(MemoryBudget.held() + bytes));
  }

  @Test
  void theBufferThatAllocatedFreesAtOnce() {
    long before = MemoryBudget.held();
    TernaryBuffer buffer = allocate(3 * MEBIBYTE);
    TernaryBuffer slice = buffer.slice(7, 5);
    assertThat(MemoryBudget.held() - before).isEqualTo(3 * MEBIBYTE);
    buffer.close();
    buffer.close();
    assertThat(MemoryBudget.held()).isEqualTo(before);
    for (TernaryBuffer closed : List.of(buffer, slice)) {
      assertClosed(() -> closed.get(0));
      assertClosed(() -> closed.put(0, 1));
      assertClosed(closed::toArray);
      assertClosed(closed::asByteBuffer);
      assertClosed(() -> closed.slice(0, 1));
    }
  }

  private static void assertClosed(Runnable use) {
    assertThatThrownBy(use::run)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed, must be open");
  }

  @Test
  void closingAViewDetachesItAndFreesNothing() {
    try (TernaryBuffer buffer = TernaryBuffer.copyOf(DataType.F32, 1, 2, 3)) {
      TernaryBuffer slice = buffer.slice(1, 2);
      long held = MemoryBudget.held();
      slice.close();
      assertThat(MemoryBudget.held()).isEqualTo(held);
      assertClosed(() -> slice.get(0));
      assertThat(buffer.get(1)).isEqualTo(2);
      slice.set(buffer.address(), buffer.byteSize(), DataType.F32, buffer);
      assertThat(slice.toArray()).containsExactly(1, 2, 3);
    }
  }

  @Test
  void aCallThatUsesMemoryEndsBeforeItIsFreed() {
    long before = MemoryBudget.held();
    TernaryBuffer buffer = allocate(MEBIBYTE);
    buffer.acquire();
    buffer.close();
    assertThat(MemoryBudget.held() - before).isEqualTo(MEBIBYTE);
    assertClosed(buffer::acquire);
    buffer.release();
    assertThat(MemoryBudget.held()).isEqualTo(before);
  }

  @Test
  void aByteBufferKeepsTheMemory() throws Exception {
    long before = MemoryBudget.held();
    TernaryBuffer buffer = allocate(MEBIBYTE);
    ByteBuffer part = buffer.asByteBuffer().slice(5, 10);
    buffer.close();
    System.gc();
    Thread.sleep(50);
    assertThat(MemoryBudget.held() - before).isEqualTo(MEBIBYTE);
    part.put(3, (byte) 9);
    assertThat(part.get(3)).isEqualTo((byte) 9);
    part = null;
    awaitHeld(before);
  }

  private static void awaitHeld(long bytes) throws InterruptedException {
    for (int i = 0; i < 100 && MemoryBudget.held() > bytes; i++) {
      System.gc();
      Thread.sleep(20);
    }
    assertThat(MemoryBudget.held()).isLessThanOrEqualTo(bytes);
  }

  @Test
  void forgottenBuffersMakeRoomAtTheLimit() throws Exception {
    leave(4 * MEBIBYTE);
    for (int i = 0; i < 40; i++) {
      allocate(MEBIBYTE).put(0, 1);
    }
  }

  @Test
  void theLimitIsNamedWhenNothingCanBeFreed() throws Exception {
    leave(4 * MEBIBYTE);
    List<TernaryBuffer> held = new ArrayList<>();
    long start = System.nanoTime();
    assertThatThrownBy(
            () -> {
              for (int i = 0; i < 5; i++) {
                held.add(allocate(MEBIBYTE));
              }
            })
        .isInstanceOf(TernaryException.class)
        .hasMessageContainingAll("1048576 bytes", PROPERTY, System.getProperty(PROPERTY), "-Xmx");
    assertThat(System.nanoTime() - start).isLessThan(20_000_000_000L);
    assertThat(held).hasSize(4);
    held.remove(0).close();
    held.add(allocate(MEBIBYTE));
    held.forEach(TernaryBuffer::close);
  }

  @Test
  void whatCanNeverFitIsRefusedWithoutACollection() throws Exception {
    leave(MEBIBYTE);
    long start = System.nanoTime();
    for (int i = 0; i < 100; i++) {
      assertThatThrownBy(() -> TernaryBuffer.allocate(DataType.F32, 1L << 40))
          .isInstanceOf(TernaryException.class)
          .hasMessageContaining("4398046511104 bytes");
    }
    assertThat(System.nanoTime() - start).isLessThan(2_000_000_000L);
  }

  @Test
  void weightsDoNotCount() throws Exception {
    leave(MEBIBYTE);
    try (TernaryWeights weights =
        TernaryWeights.pack(new byte[4 * MEBIBYTE], 4096, 1024, Alpha.tensor(1))) {
      assertThat(weights.unpack()).hasSize(4 * MEBIBYTE);
    }
  }

  @Test
  void anInterruptIsKeptWhileAnAllocationWaits() throws Exception {
    leave(MEBIBYTE / 2);
    try (TernaryBuffer most = allocate(MEBIBYTE / 4)) {
      Thread.currentThread().interrupt();
      assertThatThrownBy(() -> allocate(MEBIBYTE / 2 - 64)).isInstanceOf(TernaryException.class);
      assertThat(Thread.interrupted()).isTrue();
      assertThat(most.get(0)).isZero();
    }
  }

  @Test
  void callsWithArraysHoldOneBlockBetweenThem() throws Exception {
    int n = 300;
    int k = 500;
    try (TernaryRuntime runtime = TernaryRuntime.create();
        TernaryWeights weights = TernaryWeights.pack(new byte[n * k], n, k, Alpha.tensor(1));
        TernaryLinear linear = TernaryLinear.builder(runtime, weights).build()) {
      long before = MemoryBudget.held();
      for (int m : new int[] {1, 64, 3, 64}) {
        linear.apply(new float[m * k], m);
        assertThat(MemoryBudget.held() - before).isLessThan(64 * (n + k + 16) * 4 + 4096);
      }
      long kept = MemoryBudget.held() - before;
      assertThat(kept).isPositive();
      linear.apply(new float[8192 * k], 8192); // 26 MB, more than is kept
      assertThat(MemoryBudget.held() - before).isZero();
      linear.apply(new float[k], 1);
      runtime.close();
      assertThat(MemoryBudget.held()).isEqualTo(before);
    }
  }

  @Test
  void readsSizesAsTheJvmDoes() {
    assertThat(MemoryBudget.parse(PROPERTY, "123")).isEqualTo(123);
    assertThat(MemoryBudget.parse(PROPERTY, " 2K")).isEqualTo(2048);
    assertThat(MemoryBudget.parse(PROPERTY, "3m")).isEqualTo(3 << 20);
    assertThat(MemoryBudget.parse(PROPERTY, "5g")).isEqualTo(5L << 30);
    for (String bad : new String[] {"", "m", "-1", "1.5g", "8589934592g", "1t", "0x10"}) {
      assertThatThrownBy(() -> MemoryBudget.parse(PROPERTY, bad))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContainingAll(PROPERTY, '"' + bad + '"', "512m");
    }
    System.setProperty(PROPERTY, "much");
    assertThatThrownBy(() -> allocate(1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(PROPERTY, "\"much\"");
  }
}
