package org.ternarykernels;

import java.lang.ref.Cleaner;

/** What both kinds of layer hold: addresses that a call passes on, and the handles that keep them valid. */
final class LayerState {
  final TernaryRuntime runtime;
  final long weights;
  final long n;
  final long k;
  final AlphaKind alpha;
  final Activation activation;
  /** Address of N floats, or 0. */
  final long bias;
  /** Address of K floats, or 0. */
  final long norm;
  private final NativeHandle handle;
  private final Cleaner.Cleanable close;

  private LayerState(Object owner, TernaryRuntime runtime, TernaryWeights weights, Activation activation, float[] bias,
      float[] norm) {
    this.runtime = runtime;
    this.weights = weights.address();
    this.n = weights.n();
    this.k = weights.k();
    this.alpha = weights.alpha().kind();
    this.activation = activation;
    checkVector("bias", bias, n, "N");
    checkVector("the norm weight", norm, k, "K");
    runtime.checkOpen();
    NativeHandle shared = weights.handle();
    shared.acquire();
    NativeMemory biasMemory = null;
    NativeMemory normMemory = null;
    try {
      biasMemory = copy(bias);
      normMemory = copy(norm);
    } catch (TernaryException e) { // no memory
      free(biasMemory);
      shared.release();
      throw e;
    }
    this.bias = biasMemory == null ? 0 : biasMemory.address();
    this.norm = normMemory == null ? 0 : normMemory.address();
    NativeHandle.Owned owned = NativeHandle.own(owner, "the layer is", freeing(shared, biasMemory, normMemory));
    this.handle = owned.handle();
    this.close = owned.close();
  }

  /**
   * The state of a layer.
   *
   * @param workingSet null: the weights as they are; else a copy of them in the layout that the runtime chooses for this
   *     many weights, unless that is their own
   */
  static LayerState of(Object owner, TernaryRuntime runtime, TernaryWeights weights, Activation activation,
      float[] bias, float[] norm, Long workingSet) {
    Layout layout = workingSet == null ? weights.layout()
        : runtime.chooseLayout(activation, weights.n(), weights.k(), workingSet);
    if (layout == weights.layout()) {
      return new LayerState(owner, runtime, weights, activation, bias, norm);
    }
    try (TernaryWeights own = weights.repack(layout)) {
      return new LayerState(owner, runtime, own, activation, bias, norm);
    }
  }

  /** Static, so that the cleaning action cannot capture the layer. */
  private static Runnable freeing(NativeHandle weights, NativeMemory bias, NativeMemory norm) {
    return () -> {
      free(bias);
      free(norm);
      weights.release();
    };
  }

  private static void checkVector(String name, float[] values, long length, String rule) {
    if (values != null) {
      Checks.length(name, values.length, length, rule);
      Checks.finite(name, values);
    }
  }

  private static NativeMemory copy(float[] values) {
    return values == null ? null : NativeMemory.of(values);
  }

  private static void free(NativeMemory memory) {
    if (memory != null) {
      memory.free();
    }
  }

  /** Begins a call: neither the layer nor its runtime goes before {@link #release()}. */
  void acquire() {
    handle.acquire();
    try {
      runtime.acquire();
    } catch (IllegalStateException e) {
      handle.release();
      throw e;
    }
  }

  void release() {
    runtime.release();
    handle.release();
  }

  void close() {
    close.clean();
  }
}
