import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.ternarykernels.Activation;
import org.ternarykernels.Alpha;
import org.ternarykernels.DataType;
import org.ternarykernels.ExpertAlpha;
import org.ternarykernels.ExpertOracle;
import org.ternarykernels.ExpertWeights;
import org.ternarykernels.Heads;
import org.ternarykernels.Layout;
import org.ternarykernels.MoeLayer;
import org.ternarykernels.Oracle;
import org.ternarykernels.RmsNormLinear;
import org.ternarykernels.Router;
import org.ternarykernels.Routing;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryLinear;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.TernaryWeights;

/**
 * Memory segments as operands, on a JDK that has them. The tests are compiled for 17, so {@code
 * ForeignMemoryTest} has this file run from its source.
 */
public final class SegmentProbe {
  private static final int N = 40;
  private static final int K = 96;
  private static final int M = 3;

  private static final TernaryRuntime RUNTIME = TernaryRuntime.builder().threads(2).build();
  private static final TernaryWeights WEIGHTS = weights(N, K);
  private static final TernaryLinear LINEAR = TernaryLinear.builder(RUNTIME, WEIGHTS).build();

  public static void main(String[] arguments) throws Exception {
    refusesWhatIsNoMemoryForIt();
    givesTheSameBits();
    everyUseAfterACloseIsTold();
    aConfinedArenaIsItsOwners();
    anArenaStaysOpenDuringACall();
    arenasCloseAtRandom();
    System.out.println("every check held");
  }

  private static TernaryWeights weights(int n, int k) {
    byte[] w = new byte[n * k];
    for (int i = 0; i < w.length; i++) {
      w[i] = (byte) (i * 7 % 3 - 1);
    }
    return TernaryWeights.pack(w, n, k, Alpha.tensor(0.5f));
  }

  private static float[] values(int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) Math.sin(i) * (i % 17);
    }
    return values;
  }

  private static MemorySegment floats(Arena arena, float... values) {
    return arena.allocateFrom(ValueLayout.JAVA_FLOAT, values);
  }

  private static TernaryBuffer view(MemorySegment segment) {
    return TernaryBuffer.ofSegment(segment, DataType.F32);
  }

  private static void check(boolean holds, String what) {
    if (!holds) {
      throw new AssertionError(what);
    }
  }

  private static void refused(Class<? extends RuntimeException> type, String part, Runnable code) {
    try {
      code.run();
    } catch (RuntimeException e) {
      check(type == e.getClass() && e.getMessage().contains(part), "it says " + e);
      return;
    }
    throw new AssertionError("not refused: " + part);
  }

  private static void refusesWhatIsNoMemoryForIt() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(64, 64);
      Class<IllegalArgumentException> argument = IllegalArgumentException.class;
      refused(argument, "on the heap", () -> view(MemorySegment.ofArray(new float[4])));
      refused(argument, "misaligned", () -> view(memory.asSlice(2, 8)));
      refused(argument, "address is 0", () -> view(MemorySegment.NULL));
      refused(argument, "read-only", () -> view(memory.asReadOnly()).put(0, 1));
      refused(argument, "0 to 16", () -> view(memory).get(16));
      refused(
          argument,
          "must lie within its segment",
          () -> TernaryBuffer.ofAddress(memory.address(), 128, DataType.F32, memory));
    }
  }

  /** Confined, shared, automatic and global arenas, segments as buffers, mixed with our memory. */
  private static void givesTheSameBits() {
    float[] x = values(M * K);
    float[] right = LINEAR.apply(x, M);
    for (Arena arena :
        new Arena[] {Arena.ofConfined(), Arena.ofShared(), Arena.ofAuto(), Arena.global()}) {
      MemorySegment from = floats(arena, x);
      MemorySegment to = arena.allocate(4L * M * N, 64);
      LINEAR.apply(view(from), view(to), M);
      check(Arrays.equals(view(to).toArray(), right), "bits of segments");
      try (TernaryBuffer own = TernaryBuffer.allocate(DataType.F32, M * N)) {
        LINEAR.apply(view(from), own, M);
        check(Arrays.equals(own.toArray(), right), "bits from a segment");
        own.put(0, new float[M * N]);
        ByteBuffer bytes = from.asByteBuffer().order(ByteOrder.nativeOrder());
        LINEAR.apply(TernaryBuffer.of(bytes, DataType.F32, bytes.order()), own, M);
        check(Arrays.equals(own.toArray(), right), "bits from a segment's buffer");
        TernaryBuffer second = view(from).slice(K, K);
        LINEAR.apply(second, own, 1);
        check(own.get(0) == right[N] && second.get(1) == x[K + 1], "a slice's offset");
        Oracle.linear(WEIGHTS, Activation.A8, null, view(from), K, null, own, N, M);
        check(Arrays.equals(own.toArray(), right), "the oracle's bits");
      }
    }
    everyFunctionTakesShared();
  }

  private static void blocksAndHeads(Arena arena, float[] x) {
    TernaryBuffer rows = view(floats(arena, x));
    TernaryBuffer signs = view(floats(arena, new float[] {1, -1, -1, 1}));
    TernaryBuffer q = TernaryBuffer.ofSegment(arena.allocate(M * K, 64), DataType.I8);
    TernaryBuffer s = view(arena.allocate(4L * M * ((K + 31) / 32), 64));
    RUNTIME.quantise(rows, null, 0, null, null, Activation.a8(32), q, s, M, K);
    float[] codes = q.toArray();
    Oracle.quantise(rows, null, 0, null, null, Activation.a8(32), q, s, M, K);
    check(Arrays.equals(q.toArray(), codes), "bits of quantise by block");
    TernaryBuffer rotated = view(arena.allocate(4L * M * K, 64));
    RUNTIME.rotate(rows, null, 32, null, false, rotated, M, K);
    float[] turned = rotated.toArray();
    Oracle.rotate(rows, null, 32, null, false, rotated, M, K);
    check(Arrays.equals(rotated.toArray(), turned), "bits of rotate");
    RUNTIME.qkNorm(Heads.of(rows, K, 2, signs, 1), null, 4, M);
    Oracle.qkNorm(Heads.of(rotated, K, 2, signs, 1), null, 4, M);
    check(rows.get(K) != x[K] && rotated.get(0) != turned[0], "heads of segments");
  }

  private static void experts(Arena arena, float[] x) {
    byte[] w = new byte[2 * K * 2];
    Arrays.fill(w, (byte) 1);
    try (ExpertWeights w13 = ExpertWeights.pack(w, 2, 2, K, ExpertAlpha.expert(1, 2));
        ExpertWeights w2 =
            ExpertWeights.pack(Arrays.copyOf(w, 2 * K), 2, K, 1, ExpertAlpha.expert(1, -1));
        MoeLayer layer = MoeLayer.builder(RUNTIME, w13, w2).build()) {
      TernaryBuffer rows = view(floats(arena, x));
      TernaryBuffer ids = TernaryBuffer.ofSegment(arena.allocate(4L * M * 2, 64), DataType.I32);
      Routing routing = Routing.of(ids, view(arena.allocate(4L * M * 2, 64)), 2);
      TernaryBuffer logits = view(floats(arena, values(M * 2)));
      Router router = Router.builder(2, 2).build();
      RUNTIME.experts().route(router, logits, routing, M);
      int[] chosen = ids.toInts();
      ids.putInts(0, new int[M * 2]);
      ExpertOracle.route(router, logits, 2, routing, M);
      check(Arrays.equals(ids.toInts(), chosen), "experts that segments' logits choose");
      TernaryBuffer y = view(arena.allocate(4L * M * K, 64));
      layer.apply(rows, routing, y, M);
      float[] right = y.toArray();
      ExpertOracle.moe(layer, rows, K, null, routing, null, null, 0, y, K, M);
      check(Arrays.equals(y.toArray(), right) && right[0] != 0, "bits of experts");
      TernaryBuffer slots = TernaryBuffer.ofSegment(arena.allocate(4L * M * 2, 64), DataType.I32);
      TernaryBuffer offsets = TernaryBuffer.ofSegment(arena.allocate(12, 64), DataType.I32);
      RUNTIME.experts().align(routing, 2, slots, offsets, M);
      check(offsets.toInts()[2] == 2 * M, "slots of segments");
      TernaryBuffer d = view(floats(arena, values(M * 2 * K)));
      RUNTIME.experts().combine(d, 2 * K, routing, 2, K, 1, null, null, 0, y, K, M);
      right = y.toArray();
      ExpertOracle.combine(d, 2 * K, routing, 2, K, 1, null, null, 0, y, K, M);
      check(Arrays.equals(y.toArray(), right), "bits of combine");
    }
  }

  private static void everyFunctionTakesShared() {
    float[] norm = new float[K];
    Arrays.fill(norm, 1.5f);
    float[] x = values(M * K);
    try (Arena arena = Arena.ofShared();
        RmsNormLinear layer = RmsNormLinear.builder(RUNTIME, WEIGHTS).norm(norm, 1e-5f).build();
        TernaryBuffer ownX = TernaryBuffer.copyOf(DataType.F32, x);
        TernaryBuffer ownResidual = TernaryBuffer.copyOf(DataType.F32, x);
        TernaryBuffer ownOut = TernaryBuffer.allocate(DataType.F32, M * K);
        TernaryBuffer ownY = TernaryBuffer.allocate(DataType.F32, M * N)) {
      layer.apply(ownX, ownResidual, ownOut, ownY, M);
      TernaryBuffer sx = view(floats(arena, x));
      TernaryBuffer out = view(arena.allocate(4L * M * K, 64));
      TernaryBuffer y = view(arena.allocate(4L * M * N, 64));
      layer.apply(sx, view(floats(arena, x)), out, y, M);
      check(Arrays.equals(y.toArray(), ownY.toArray()), "bits of rmsnorm_linear");
      check(Arrays.equals(out.toArray(), ownOut.toArray()), "bits of the residual");
      Oracle.rmsNormLinear(
          WEIGHTS,
          Activation.A8,
          norm,
          1e-5f,
          null,
          sx,
          K,
          null,
          view(floats(arena, x)),
          out,
          K,
          y,
          N,
          M);
      check(Arrays.equals(y.toArray(), ownY.toArray()), "bits of the oracle's rmsnorm_linear");

      TernaryBuffer q = TernaryBuffer.ofSegment(arena.allocate(M * K, 64), DataType.I8);
      TernaryBuffer s = view(arena.allocate(4L * M, 64));
      RUNTIME.quantise(sx, null, null, q, s, M, K);
      float[] codes = q.toArray();
      Oracle.quantise(sx, null, null, q, s, M, K);
      check(Arrays.equals(q.toArray(), codes), "bits of quantise");
      blocksAndHeads(arena, x);
      experts(arena, x);
      LINEAR.apply(q, K, s, y, N, M);
      check(Arrays.equals(y.toArray(), LINEAR.apply(x, M)), "bits of I8 with scales");

      MemorySegment packed =
          arena.allocate(N * K / 4, 64).copyFrom(MemorySegment.ofArray(WEIGHTS.codes()));
      try (TernaryWeights read =
          TernaryWeights.ofI2s(
              TernaryBuffer.ofSegment(packed, DataType.I8), N, K, Alpha.tensor(1), Layout.I2S)) {
        check(Arrays.equals(read.codes(), WEIGHTS.codes()), "codes of a segment");
      }
    }
  }

  private static void everyUseAfterACloseIsTold() {
    for (boolean shared : new boolean[] {false, true}) {
      Arena arena = shared ? Arena.ofShared() : Arena.ofConfined();
      MemorySegment memory = floats(arena, values(K));
      TernaryBuffer x = view(memory);
      TernaryBuffer slice = x.slice(1, 2);
      TernaryBuffer ofBytes =
          TernaryBuffer.of(
              memory.asByteBuffer().order(ByteOrder.nativeOrder()),
              DataType.F32,
              ByteOrder.nativeOrder());
      TernaryBuffer ofAddress =
          TernaryBuffer.ofAddress(memory.address(), memory.byteSize(), DataType.F32, memory);
      TernaryBuffer codes = TernaryBuffer.ofSegment(arena.allocate(N * K / 4, 64), DataType.I8);
      ByteBuffer buffer = x.asByteBuffer();
      x.get(3); // its window is made before the close
      arena.close();
      try (TernaryBuffer y = TernaryBuffer.allocate(DataType.F32, N)) {
        Class<IllegalStateException> state = IllegalStateException.class;
        for (TernaryBuffer gone : new TernaryBuffer[] {x, ofBytes, ofAddress}) {
          refused(state, "closed", () -> LINEAR.apply(gone, y, 1));
          refused(state, "closed", () -> gone.get(3));
          refused(state, "closed", () -> gone.put(3, 1));
          refused(state, "closed", gone::toArray);
          refused(state, "closed", gone::asByteBuffer);
          refused(state, "closed", () -> gone.slice(0, 1));
        }
        refused(state, "closed", () -> slice.get(0));
        refused(state, "closed", () -> view(memory));
        refused(
            state, "closed", () -> TernaryWeights.ofI2s(codes, N, K, Alpha.tensor(1), Layout.I2S));
        refused(state, "losed", () -> buffer.get(0));
      }
    }
  }

  private static void aConfinedArenaIsItsOwners() throws Exception {
    try (Arena arena = Arena.ofConfined();
        TernaryBuffer y = TernaryBuffer.allocate(DataType.F32, N)) {
      TernaryBuffer x = view(floats(arena, values(K)));
      AtomicReference<Throwable> thrown = new AtomicReference<>();
      Thread other =
          new Thread(
              () ->
                  refused(
                      IllegalStateException.class,
                      "another thread's confined arena",
                      () -> LINEAR.apply(x, y, 1)));
      other.setUncaughtExceptionHandler((thread, e) -> thrown.set(e));
      other.start();
      other.join();
      check(thrown.get() == null, "another thread: " + thrown.get());
    }
  }

  /** A call that takes long: close() in another thread is refused until it has ended. */
  private static void anArenaStaysOpenDuringACall() throws Exception {
    int n = 2048;
    int k = 2048;
    int m = 2048; // some 40 ms
    float[] x = values(m * k);
    try (TernaryWeights weights = weights(n, k);
        TernaryLinear linear = TernaryLinear.builder(RUNTIME, weights).build();
        TernaryBuffer y = TernaryBuffer.allocate(DataType.F32, (long) m * n)) {
      float[] right = linear.apply(x, m);
      for (int round = 0; round < 50; round++) {
        Arena arena = Arena.ofShared();
        TernaryBuffer from = view(floats(arena, x));
        y.put(0, new float[m * n]);
        CountDownLatch begins = new CountDownLatch(1);
        Thread caller =
            new Thread(
                () -> {
                  begins.countDown();
                  try {
                    linear.apply(from, y, m);
                  } catch (IllegalStateException e) {
                    // The arena was closed before the call had begun.
                  }
                });
        caller.start();
        begins.await();
        Thread.sleep(round); // the thread may have to wait for a core
        boolean refused = false;
        for (boolean open = true; open; ) {
          try {
            arena.close();
            open = false;
          } catch (IllegalStateException e) {
            refused = true;
            Thread.sleep(1);
          }
        }
        caller.join();
        if (refused) {
          check(Arrays.equals(y.toArray(), right), "bits beside a close");
          return;
        }
      }
      throw new AssertionError("close() was never refused");
    }
  }

  private static void arenasCloseAtRandom() throws Exception {
    AtomicInteger told = new AtomicInteger();
    int rounds = 300;
    for (int round = 0; round < rounds; round++) {
      Arena arena = Arena.ofShared();
      TernaryBuffer x = view(floats(arena, values(K)));
      Thread caller =
          new Thread(
              () -> {
                try (TernaryBuffer y = TernaryBuffer.allocate(DataType.F32, N)) {
                  while (true) {
                    LINEAR.apply(x, y, 1);
                    x.get(K - 1);
                    x.toArray();
                  }
                } catch (IllegalStateException e) {
                  told.incrementAndGet();
                }
              });
      caller.start();
      Thread.sleep(0, round * 1000);
      for (boolean open = true; open; ) {
        try {
          arena.close();
          open = false;
        } catch (IllegalStateException e) {
          Thread.onSpinWait(); // a call holds it
        }
      }
      caller.join();
    }
    check(told.get() == rounds, told + " of " + rounds + " callers were told of the close");
  }
}
