package org.ternarykernels.tool.peer;

import java.io.IOException;
import org.ternarykernels.DataType;
import org.ternarykernels.tool.measure.Interleaved;
import org.ternarykernels.tool.problem.RandomProblem;
import org.ternarykernels.tool.problem.Shape;
import org.ternarykernels.tool.rival.RivalAnswers;

/**
 * The process that {@link PeerServer} starts, with a library and a number of threads, and talks to
 * by lines. A refusal with the reason may answer each.
 *
 * <pre>
 *   describe                   what the library is called in tables
 *   prepare N K seed bytes M seed
 *                              ok; bytes: of all copies of the weights; the seeds: of W and of X
 *   run nanoseconds            ns a call
 * </pre>
 */
final class PeerProcess {
  /** What the present product was made of. */
  private record Weights(Shape shape, long seed, long bytes) {}

  private final String path;
  private final int threads;
  private PeerLibrary library;
  private Weights weights;
  private PeerProduct product;
  private Interleaved.Contender contender;

  private PeerProcess(String path, int threads) {
    this.path = path;
    this.threads = threads;
  }

  /**
   * Serves until its input ends.
   *
   * @param arguments the library's path, the number of threads
   */
  public static void main(String[] arguments) throws IOException {
    RivalAnswers.serve(new PeerProcess(arguments[0], Integer.parseInt(arguments[1]))::answer);
  }

  private String answer(String[] words) {
    try {
      switch (words[0]) {
        case "describe":
          library = new PeerLibrary(path);
          return library.description();
        case "prepare":
          Shape shape = new Shape(Integer.parseInt(words[1]), Integer.parseInt(words[2]), "layer");
          makeProduct(new Weights(shape, Long.parseLong(words[3]), Long.parseLong(words[4])));
          return takeRows(Integer.parseInt(words[5]), Long.parseLong(words[6]));
        case "run":
          return Double.toString(contender.slice(Long.parseLong(words[1])));
        default:
          throw new IllegalArgumentException("no such request: " + words[0]);
      }
    } catch (PeerLibrary.Refusal e) {
      return RivalAnswers.no(e.getMessage());
    }
  }

  private void makeProduct(Weights wanted) {
    if (wanted.equals(weights)) {
      return;
    }
    if (product != null) {
      product.close();
      weights = null; // should the next line throw
    }
    product = new PeerProduct(library, wanted.shape, wanted.seed, threads, wanted.bytes);
    weights = wanted;
  }

  private String takeRows(int m, long seed) {
    String complaint =
        product.rows(
            new RandomProblem(seed).activations(DataType.BF16, m, weights.shape.k()).toArray());
    contender = Interleaved.of(product::run);
    return complaint == null ? RivalAnswers.OK : RivalAnswers.no(complaint);
  }
}
