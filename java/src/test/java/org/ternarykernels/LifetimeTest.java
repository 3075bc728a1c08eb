package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.ternarykernels.internal.NativeHandle;
import org.ternarykernels.jvm.ProcessState;

/** Closing, forgetting and sharing. */
@Timeout(120)
class LifetimeTest {
  private static final int THREADS = 32;
  private static final int N = 64;
  private static final int K = 256;

  private final Random random = new Random(4);
  private final byte[] w = Problems.ternary(random, N * K);
  private final float[] x = Problems.floats(random, K);

  private TernaryWeights weights() {
    return TernaryWeights.pack(w, N, K, Alpha.tensor(0.5f));
  }

  private static void assertClosed(Runnable call, String message) {
    assertThatThrownBy(call::run)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(message + " closed, must be open");
  }

  @Test
  void aLayerKeepsItsWeightsWhenTheirHandleIsClosed() {
    try (TernaryRuntime runtime = TernaryRuntime.create()) {
      TernaryWeights weights = weights();
      TernaryLinear linear = TernaryLinear.builder(runtime, weights).build();
      float[] before = linear.apply(x, 1);
      weights.close();
      weights().close(); // would reuse the memory, had it been freed
      assertThat(linear.apply(x, 1)).isEqualTo(before);
      assertClosed(() -> TernaryLinear.builder(runtime, weights).build(), "the weights are");
      linear.close();
      linear.close();
      assertClosed(() -> linear.apply(x, 1), "the layer is");
    }
  }

  @Test
  void closingARuntimeEndsItsLayersUse() {
    TernaryRuntime runtime = TernaryRuntime.create();
    try (TernaryWeights weights = weights();
        TernaryLinear linear = TernaryLinear.builder(runtime, weights).build()) {
      linear.apply(x, 1);
      runtime.close();
      runtime.close();
      assertClosed(() -> linear.apply(x, 1), "the runtime is");
      assertClosed(() -> TernaryLinear.builder(runtime, weights).build(), "the runtime is");
      assertClosed(runtime::pathCounts, "the runtime is");
      assertClosed(runtime::infoJson, "the runtime is");
      assertClosed(runtime::resetCounters, "the runtime is");
      TernaryBuffer floats = TernaryBuffer.copyOf(DataType.F32, 1);
      assertClosed(
          () ->
              runtime.quantise(
                  floats,
                  null,
                  null,
                  TernaryBuffer.allocate(DataType.I8, 1),
                  TernaryBuffer.allocate(DataType.F32, 1),
                  1,
                  1),
          "the runtime is");
    }
  }

  @Test
  void theLastUserFreesOnce() {
    AtomicInteger freed = new AtomicInteger();
    NativeHandle.Owned owned = NativeHandle.own(new Object(), "it is", freed::incrementAndGet);
    owned.handle().acquire();
    owned.handle().acquire();
    owned.close();
    owned.close();
    assertThat(owned.handle().isOpen()).isFalse();
    assertClosed(owned.handle()::acquire, "it is");
    owned.handle().release();
    assertThat(freed).hasValue(0);
    owned.handle().release();
    assertThat(freed).hasValue(1);
  }

  @Test
  void whatIsForgottenIsFreed() throws InterruptedException {
    AtomicBoolean freed = new AtomicBoolean();
    Object owner = new Object();
    NativeHandle.own(owner, "it is", () -> freed.set(true));
    System.gc();
    Thread.sleep(50);
    assertThat(freed).isFalse();
    Reference.reachabilityFence(owner);
    owner = null;
    for (int i = 0; i < 200 && !freed.get(); i++) {
      System.gc();
      Thread.sleep(10);
    }
    assertThat(freed).isTrue();
  }

  @Test
  void forgottenLayersLetTheirWeightsGo() throws InterruptedException {
    try (TernaryRuntime runtime = TernaryRuntime.create();
        TernaryWeights weights = weights()) {
      TernaryLinear linear = TernaryLinear.builder(runtime, weights).bias(new float[N]).build();
      assertThat(weights.handle().users()).isEqualTo(1);
      linear.apply(x, 1);
      linear = null;
      for (int i = 0; i < 200 && weights.handle().users() > 0; i++) {
        System.gc();
        Thread.sleep(10);
      }
      assertThat(weights.handle().users()).isZero();
    }
  }

  /** Native layers hold the weights, whatever Java's handles say. */
  @Test
  void layersThatAreClosedGiveTheirMemoryBack() throws Exception {
    byte[] codes = new byte[1 << 18];
    // The software GPU keeps 0.2 MB a round for itself: what is freed there is never used again.
    try (TernaryRuntime runtime = TernaryRuntime.builder().device("cpu").build();
        TernaryBuffer zeros = TernaryBuffer.allocate(DataType.F32, 1024)) {
      Runnable round =
          () -> {
            try (TernaryWeights weights =
                    TernaryWeights.ofI2s(codes, 1024, 1024, Alpha.tensor(1), Layout.I2S_TILED);
                TernaryLinear linear = TernaryLinear.builder(runtime, weights).build();
                TernaryBuffer y = TernaryBuffer.allocate(DataType.F32, 1024)) {
              linear.apply(zeros, y, 1);
              Oracle.linear(weights, Activation.A8, null, zeros, 1024, null, y, 1024, 1);
            }
          };
      for (int i = 0; i < 20; i++) {
        round.run();
      }
      long before = ProcessState.residentKilobytes();
      for (int i = 0; i < 400; i++) { // of 256 KB each, which makes 100 MB if they stay
        round.run();
      }
      assertThat(ProcessState.residentKilobytes() - before).isLessThan(50 << 10);
    }
  }

  @Test
  void thirtyTwoThreadsOnOneLayerGetTheOraclesBits() throws Exception {
    int rounds = TestDevice.repetitions(50, 3);
    try (TernaryRuntime runtime = TernaryRuntime.create();
        TernaryWeights weights = weights();
        TernaryLinear linear = TernaryLinear.builder(runtime, weights).build()) {
      inParallel(
          thread -> {
            Random own = new Random(thread);
            for (int i = 0; i < rounds; i++) {
              int m = 1 + own.nextInt(4);
              TernaryBuffer input = Problems.activations(own, DataType.F32, m * K);
              TernaryBuffer y = TernaryBuffer.allocate(DataType.F32, m * N);
              TernaryBuffer expected = TernaryBuffer.allocate(DataType.F32, m * N);
              linear.apply(input, y, m);
              Oracle.linear(weights, Activation.A8, null, input, K, null, expected, N, m);
              Problems.assertSameBits(y, expected);
            }
          });
      long calls = runtime.pathCounts().values().stream().mapToLong(Long::longValue).sum();
      assertThat(calls).isEqualTo((long) THREADS * rounds);
    }
  }

  @Test
  void closingDuringCallsEndsThemWithAnExceptionOrTheRightResult() throws Exception {
    for (String closed : List.of("layer", "runtime", "both")) {
      TernaryRuntime runtime = TernaryRuntime.create();
      TernaryWeights weights = weights();
      TernaryLinear linear = TernaryLinear.builder(runtime, weights).bias(new float[N]).build();
      weights.close();
      float[] expected = linear.apply(x, 1);
      AtomicInteger calls = new AtomicInteger();
      inParallel(
          thread -> {
            if (thread == 0) {
              while (calls.get() < TestDevice.repetitions(200, 40)) {
                Thread.onSpinWait();
              }
              if (!closed.equals("runtime")) {
                linear.close();
              }
              if (!closed.equals("layer")) {
                runtime.close();
              }
              return;
            }
            while (true) {
              float[] y;
              try {
                y = linear.apply(x, 1);
              } catch (IllegalStateException e) {
                return;
              }
              assertThat(y).isEqualTo(expected);
              calls.incrementAndGet();
            }
          });
      linear.close();
      runtime.close();
    }
  }

  /** What a thread of a given number does. */
  private interface Task {
    void run(int thread);
  }

  /** Starts all threads at once and waits for them; rethrows what one of them threw. */
  private static void inParallel(Task task) throws Exception {
    ExecutorService executor = Executors.newFixedThreadPool(THREADS);
    try {
      CountDownLatch start = new CountDownLatch(THREADS);
      List<Future<?>> futures = new ArrayList<>();
      for (int i = 0; i < THREADS; i++) {
        int thread = i;
        futures.add(
            executor.submit(
                () -> {
                  start.countDown();
                  start.await();
                  task.run(thread);
                  return null;
                }));
      }
      for (Future<?> future : futures) {
        future.get(60, TimeUnit.SECONDS);
      }
    } finally {
      executor.shutdownNow();
    }
  }
}
