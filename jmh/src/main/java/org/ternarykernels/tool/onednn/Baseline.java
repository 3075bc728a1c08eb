package org.ternarykernels.tool.onednn;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.ternarykernels.tool.measure.Interleaved;
import org.ternarykernels.tool.onednn.OneDnnMatmul.Types;
import org.ternarykernels.tool.problem.Shape;
import org.ternarykernels.tool.rival.Rival;

/**
 * oneDNN's dense product, the fastest way that it has here: for floats bf16 where it has kernels
 * for it (AVX-512 and newer), else f32; for int8 the fastest of signed and unsigned activations,
 * int32 and f32 results; each with one thread or all, whichever is faster. On a machine that others
 * use too, oneDNN's threads wait a scheduler's tick for each other (8 ms where 0.1 ms is needed),
 * and one thread then wins.
 */
public final class Baseline implements AutoCloseable {
  private static final long ESTIMATE_NANOS = 5_000_000;
  private static final List<Types> INT8 =
      List.of(Types.S8_S32, Types.U8_S32, Types.S8_F32, Types.U8_F32);

  /** The rivals of one problem. {@code f32} is the same as {@code best} where there is no bf16. */
  public record Rivals(Rival best, Rival f32, Rival int8) {}

  /** What the present rivals are for. */
  private record Problem(Shape shape, long seed, int m, long weightBytes) {}

  private final List<OneDnnServer> servers;
  private final boolean withInt8;
  private Problem problem;
  private Rivals rivals;

  /**
   * Starts the processes.
   *
   * @param threads the most that oneDNN may use
   * @param withInt8 false: {@link Rivals#int8} is not prepared
   */
  public Baseline(int threads, boolean withInt8) {
    this(
        threads == 1
            ? List.of(new OneDnnServer(1))
            : List.of(new OneDnnServer(1), new OneDnnServer(threads)),
        withInt8);
  }

  Baseline(List<OneDnnServer> servers, boolean withInt8) {
    this.servers = servers;
    this.withInt8 = withInt8;
  }

  /**
   * The fastest products for a problem. They stay ready until other ones are asked for.
   *
   * @param weightBytes of all copies of the weights together; 0 for one copy
   */
  public Rivals rivals(Shape shape, long seed, int m, long weightBytes) {
    Problem wanted = new Problem(shape, seed, m, weightBytes);
    if (wanted.equals(problem)) {
      return rivals;
    }
    boolean sameLayer = problem != null && problem.shape.equals(shape) && problem.seed == seed;
    for (OneDnnServer server : servers) {
      if (sameLayer) {
        server.drop();
      } else {
        server.layer(shape, seed);
      }
    }
    problem = wanted;
    Rival f32 = fastestServer(Types.F32, m, weightBytes);
    Rival bf16 = fastestServer(Types.BF16, m, weightBytes);
    rivals =
        new Rivals(
            bf16.present() ? bf16 : f32,
            f32,
            withInt8 ? int8(m, weightBytes) : Rival.missing("not asked for"));
    return rivals;
  }

  private Rival int8(int m, long weightBytes) {
    Types fastest = null;
    String reason = null;
    double least = Double.POSITIVE_INFINITY;
    OneDnnServer server = servers.get(servers.size() - 1);
    for (Types types : INT8) { // one copy of the weights each: what differs is the arithmetic
      String why = server.prepare(types, m, 0);
      double nanos =
          why == null ? Interleaved.estimate(server.contender(types), ESTIMATE_NANOS) : Double.NaN;
      reason = Objects.requireNonNullElse(why, reason == null ? "" : reason);
      if (nanos < least) {
        least = nanos;
        fastest = types;
      }
    }
    return fastest == null
        ? Rival.missing(server.failure() != null ? server.failure() : reason)
        : fastestServer(fastest, m, weightBytes);
  }

  /** With one thread or with all. */
  private Rival fastestServer(Types types, int m, long weightBytes) {
    Rival fastest = null;
    String reason = null;
    double least = Double.POSITIVE_INFINITY;
    for (OneDnnServer server : servers) {
      String why = server.prepare(types, m, weightBytes);
      if (why != null) {
        reason = why;
        continue;
      }
      Interleaved.Contender contender = server.contender(types);
      double nanos = Interleaved.estimate(contender, ESTIMATE_NANOS);
      if (nanos < least) {
        least = nanos;
        fastest = new Rival(types.text(), server.threads(), null, contender, this::failure);
      }
    }
    return fastest == null
        ? Rival.missing(reason == null ? servers.get(0).failure() : reason)
        : fastest;
  }

  /** Why a process does not answer any more, or null. */
  public String failure() {
    List<String> failures = new ArrayList<>();
    servers.stream()
        .map(OneDnnServer::failure)
        .filter(Objects::nonNull)
        .distinct()
        .forEach(failures::add);
    return failures.isEmpty() ? null : String.join("; ", failures);
  }

  @Override
  public void close() {
    servers.forEach(OneDnnServer::close);
  }
}
