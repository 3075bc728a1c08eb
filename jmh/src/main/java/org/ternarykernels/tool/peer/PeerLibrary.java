package org.ternarykernels.tool.peer;

import org.bytedeco.javacpp.BytePointer;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.tool.problem.Shape;

/** A peer's library that is open, and its products. Used by one thread; never closed. */
final class PeerLibrary {
  /** The library cannot do what it was asked; the message says why, as the library has it. */
  static final class Refusal extends RuntimeException {
    private static final long serialVersionUID = 1;

    Refusal(String why) {
      super(why.isBlank() ? "refused without a reason" : why);
    }
  }

  private final long library;

  /**
   * @throws Refusal if it does not load or lacks a function
   */
  PeerLibrary(String path) {
    library = PeerBinding.peer_library_open(path);
    if (library == 0) {
      throw new Refusal(PeerBinding.peer_library_problem());
    }
  }

  /** What it is called in tables. */
  String description() {
    String text = PeerBinding.peer_library_description(library);
    return text.isBlank() ? "(no description)" : text;
  }

  /**
   * Makes a product.
   *
   * @param w {@code [n, k]} of I8
   * @return its address, for {@link #run} and {@link #free}
   */
  long create(TernaryBuffer w, Shape shape, float alpha, int threads) {
    long product =
        PeerBinding.peer_library_create(library, address(w), shape.n(), shape.k(), alpha, threads);
    if (product == 0) {
      throw new Refusal(PeerBinding.peer_library_error(library));
    }
    return product;
  }

  /**
   * @param x address of {@code [m, k]}
   * @param y address of {@code [m, n]}
   */
  void run(long product, long x, long m, long y) {
    if (PeerBinding.peer_library_run(library, product, x, m, y) != 0) {
      throw new Refusal(PeerBinding.peer_library_error(library));
    }
  }

  void free(long product) {
    PeerBinding.peer_library_free(library, product);
  }

  /** Valid while the buffer is reachable. */
  static long address(TernaryBuffer buffer) {
    return new BytePointer(buffer.asByteBuffer()).address();
  }
}
