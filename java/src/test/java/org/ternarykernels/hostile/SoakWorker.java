package org.ternarykernels.hostile;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.ternarykernels.DataType;
import org.ternarykernels.Layout;
import org.ternarykernels.Limit;
import org.ternarykernels.Oracle;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryLinear;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.TernaryWeights;
import org.ternarykernels.io.SafetensorsFile;
import org.ternarykernels.io.SafetensorsWriter;

/** One thread of the {@link Soak}: products for the most part, and everything else between. */
final class SoakWorker implements Runnable {
  private final Soak soak;
  private final int id;
  private final Random random;
  private final TernaryBuffer input = TernaryBuffer.allocate(DataType.F32, 1);
  private final TernaryBuffer output = TernaryBuffer.allocate(DataType.F32, 1);
  private final ByteBuffer inputBytes = floats(SoakLayers.MOST_ROWS * 800);
  private final ByteBuffer outputBytes = floats(SoakLayers.MOST_ROWS * 400);

  /** When the last call began, for whoever looks whether this thread is stuck. */
  volatile long beat = System.nanoTime();

  SoakWorker(Soak soak, int id) {
    this.soak = soak;
    this.id = id;
    this.random = new Random(id * 31L + 5);
  }

  private static ByteBuffer floats(int count) {
    return ByteBuffer.allocateDirect(count * Float.BYTES).order(ByteOrder.nativeOrder());
  }

  @Override
  public void run() {
    while (!soak.isOver()) {
      beat = System.nanoTime();
      soak.calls.increment();
      try {
        step(soak.layers[random.nextInt(soak.layers.length)], 1 + random.nextInt(3));
      } catch (IllegalStateException e) {
        soak.closed(e);
      } catch (Throwable e) { // an error is a finding too
        soak.wrong(e.toString());
      }
    }
  }

  private void step(SoakLayers layers, int m) throws Exception {
    switch (random.nextInt(32)) {
      case 0 -> soak.replaceRuntime(random);
      case 1, 2 -> soak.replaceLayer(random);
      case 3 -> counters(soak.runtime(random));
      case 4 -> files(layers, m);
      case 5 -> ownLayer(layers, m);
      case 6 -> refused(layers);
      case 7 -> interrupted(layers, m);
      case 8 -> quantise(layers, m);
      case 9 -> soak.runtime(random).measureLimit(Limit.READ, 1, 8192, 1000);
      case 10, 11, 12, 13, 14, 15 -> replaced(m);
      case 16, 17, 18 -> normed(layers, m);
      case 19 -> check(layers.linear.apply(layers.x[m], m), layers.y[m], "arrays");
      default -> shared(layers, m);
    }
  }

  private void check(float[] actual, float[] expected, String what) {
    if (!Arrays.equals(actual, expected)) {
      soak.wrong("other bits by " + what);
    }
  }

  private void bind(SoakLayers layers, int m) {
    inputBytes.clear();
    inputBytes.asFloatBuffer().put(layers.x[m]);
    input.set(inputBytes.limit(Float.BYTES * m * layers.k), DataType.F32);
    outputBytes.clear();
    output.set(outputBytes.limit(Float.BYTES * m * layers.n), DataType.F32);
  }

  private void shared(SoakLayers layers, int m) {
    bind(layers, m);
    for (int i = 0; i < 10; i++) {
      layers.linear.apply(input, output, m);
      soak.calls.increment();
    }
    check(output.toArray(), layers.y[m], "a shared layer");
  }

  private void normed(SoakLayers layers, int m) {
    bind(layers, m);
    layers.normed.apply(input, null, null, output, m);
    check(output.toArray(), layers.normedY[m], "a shared layer with norm");
  }

  /** A layer whose runtime may be closed, and it itself too, at any moment. */
  private void replaced(int m) {
    Soak.Replaceable replaceable = soak.replaceable(random);
    for (int i = 0; i < 5; i++) {
      float[] y = replaceable.layer().apply(replaceable.of().x[m], m);
      check(y, replaceable.of().y[m], "a layer that comes and goes");
    }
  }

  private void ownLayer(SoakLayers layers, int m) {
    Layout layout = Layout.values()[random.nextInt(Layout.values().length)];
    try (TernaryWeights weights = layers.weights.repack(layout);
        TernaryLinear layer =
            TernaryLinear.builder(soak.runtime(random), weights).bias(layers.bias).build()) {
      check(layer.apply(layers.x[m], m), layers.y[m], "a layer of this thread's own");
    }
  }

  private void refused(SoakLayers layers) {
    try {
      layers.linear.apply(input, input, -1);
      soak.wrong("-1 rows are taken");
    } catch (IllegalArgumentException e) {
      if (!e.getMessage().contains("-1")) {
        soak.wrong("another call's sentence: " + e.getMessage());
      }
    }
  }

  private void interrupted(SoakLayers layers, int m) {
    Thread.currentThread().interrupt();
    check(layers.linear.apply(layers.x[m], m), layers.y[m], "an interrupted thread");
    if (!Thread.interrupted()) {
      soak.wrong("an interrupt is lost");
    }
  }

  private void quantise(SoakLayers layers, int m) {
    bind(layers, m);
    long count = (long) m * layers.k;
    TernaryBuffer q = TernaryBuffer.allocate(DataType.I8, count);
    TernaryBuffer s = TernaryBuffer.allocate(DataType.F32, m);
    soak.runtime(random).quantise(input, null, null, q, s, m, layers.k);
    TernaryBuffer expectedQ = TernaryBuffer.allocate(DataType.I8, count);
    TernaryBuffer expectedS = TernaryBuffer.allocate(DataType.F32, m);
    Oracle.quantise(input, null, null, expectedQ, expectedS, m, layers.k);
    check(q.toArray(), expectedQ.toArray(), "quantise");
    check(s.toArray(), expectedS.toArray(), "quantise's scales");
  }

  private void counters(TernaryRuntime runtime) {
    runtime.pathCounts();
    runtime.fallbackCounts();
    if (!runtime.infoJson().endsWith("}")) {
      soak.wrong("a cut info");
    }
    if (random.nextInt(4) == 0) {
      runtime.resetCounters();
    }
  }

  private void files(SoakLayers layers, int m) throws Exception {
    switch (random.nextInt(4)) {
      case 0 -> TernaryRuntime.writeReport(soak.folder.resolve("now" + random.nextInt(3)));
      case 1 -> {
        Path file = soak.folder.resolve("weights" + id);
        layers.weights.save(file);
        try (TernaryWeights loaded = TernaryWeights.load(file)) {
          if (!Arrays.equals(loaded.codes(), layers.weights.codes())) {
            soak.wrong("other weights from a file");
          }
        }
      }
      case 2 -> {
        Path file = soak.folder.resolve("tensors" + id);
        new SafetensorsWriter().put("x", layers.x[m], m, layers.k).write(file);
        try (SafetensorsFile read = SafetensorsFile.open(file)) {
          check(read.tensor("x").toFloats(), layers.x[m], "a safetensors file");
        }
      }
      default -> { // one that others write meanwhile
        Path file = soak.folder.resolve("weights" + random.nextInt(8));
        if (Files.exists(file)) {
          TernaryWeights.load(file).close();
        }
      }
    }
  }
}
