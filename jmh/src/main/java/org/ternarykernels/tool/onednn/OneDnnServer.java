package org.ternarykernels.tool.onednn;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.ternarykernels.tool.measure.Interleaved;
import org.ternarykernels.tool.onednn.OneDnnMatmul.Types;
import org.ternarykernels.tool.problem.Shape;

/**
 * oneDNN in a process of its own that stays up, so that it can take turns with our kernels, with a
 * fixed number of OpenMP threads. A process of its own, because OpenMP's number of threads is the
 * process's, because a library that does not load or dies must be a reason in a table and not the
 * end of it, and because of its threads' waiting: see {@link #SPINS}.
 */
final class OneDnnServer implements AutoCloseable {
  /**
   * How often an idle OpenMP thread looks for work before it sleeps. libgomp's own choice is never
   * to sleep (waiting actively: it then spins beside the kernels that are timed next) or to sleep
   * at once (passively: each call then waits for the system to wake it, 50 us and more, which would
   * flatter us). So many looks are about a millisecond on an AMD EPYC, where a look is a pause of
   * some 20 ns, two or three on Intel: far more than the gap between two calls of a slice, and over
   * when {@link #SETTLE_MILLIS} have passed after it.
   */
  private static final int SPINS = 50_000;

  private static final int SETTLE_MILLIS = 4;
  private static final long PATIENCE_SECONDS = 120;
  private static final String GONE = "";

  private final Process process;
  private final PrintWriter requests;
  private final BlockingQueue<String> answers = new LinkedBlockingQueue<>();
  private final int threads;
  private volatile String lastWords = "its process said nothing";
  private String failure;

  /** Starts a process. */
  OneDnnServer(int threads) {
    this(threads, OneDnnProcess.class.getName());
  }

  /**
   * @param main class of the process; tests have others
   */
  OneDnnServer(int threads, String main) {
    this.threads = threads;
    ProcessBuilder builder =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                main)
            .redirectErrorStream(true);
    builder.environment().put("OMP_NUM_THREADS", Integer.toString(threads));
    builder.environment().put("GOMP_SPINCOUNT", Integer.toString(SPINS));
    builder.environment().remove("OMP_WAIT_POLICY");
    Process started = null;
    try {
      started = builder.start();
    } catch (IOException e) {
      failure = "oneDNN's process does not start: " + e.getMessage();
    }
    process = started;
    requests =
        started == null
            ? null
            : new PrintWriter(started.getOutputStream(), true, StandardCharsets.UTF_8);
    if (started != null) {
      Thread reader = new Thread(this::read, "oneDNN's answers");
      reader.setDaemon(true);
      reader.start();
    }
  }

  private void read() {
    try (BufferedReader in =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        if (line.startsWith(OneDnnProcess.ANSWER)) {
          answers.add(line.substring(OneDnnProcess.ANSWER.length()));
        } else if (!line.isBlank()) {
          lastWords = line.strip();
        }
      }
    } catch (IOException e) {
      lastWords = e.getMessage();
    }
    answers.add(GONE);
  }

  int threads() {
    return threads;
  }

  long pid() {
    return process.pid();
  }

  /** The weights of a layer; forgets what was prepared. */
  void layer(Shape shape, long seed) {
    ask("layer " + shape.n() + " " + shape.k() + " " + seed);
  }

  /** Frees what was prepared. */
  void drop() {
    ask("drop");
  }

  /**
   * Prepares a product with weights of so many bytes, copies included.
   *
   * @return null, or why there is none
   */
  String prepare(Types types, int m, long bytes) {
    String answer = ask("prepare " + types + " " + m + " " + bytes);
    return answer == null ? failure : answer.startsWith("no\t") ? answer.substring(3) : null;
  }

  /** What was prepared, as something that is timed: NaN once the process is gone. */
  Interleaved.Contender contender(Types types) {
    return nanos -> {
      String answer = ask("run " + types + " " + nanos);
      if (threads > 1) {
        settle();
      }
      return answer == null ? Double.NaN : Double.parseDouble(answer);
    };
  }

  /** Until its threads sleep. */
  private static void settle() {
    try {
      Thread.sleep(SETTLE_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Why it does not answer any more, or null. */
  String failure() {
    return failure;
  }

  /** Null once the process has failed; {@link #failure()} then says why. */
  private String ask(String request) {
    if (failure != null) {
      return null;
    }
    requests.println(request);
    String answer;
    try {
      answer = answers.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      answer = null;
    }
    if (answer == null) {
      failure = "oneDNN did not answer within " + PATIENCE_SECONDS + " s";
    } else if (answer.equals(GONE)) {
      failure = "oneDNN: " + lastWords;
      answer = null;
    }
    if (failure != null) {
      process.destroyForcibly();
    }
    return answer;
  }

  @Override
  public void close() {
    if (process != null) {
      requests.close();
      process.destroyForcibly();
    }
  }
}
