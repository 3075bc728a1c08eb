package org.ternarykernels.tool.rival;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.ternarykernels.tool.measure.Interleaved;

/**
 * A rival in a process of its own that stays up, so that it can take turns with our kernels, with a
 * fixed number of threads. A process of its own, because OpenMP's number of threads is the
 * process's, because a library that does not load or dies must be a reason in a table and not the
 * end of it, and because of its threads' waiting: see {@link #SPINS}.
 */
public final class RivalServer implements AutoCloseable {
  /**
   * How often an idle thread of libgomp looks for work before it sleeps. libgomp's own choice is
   * never to sleep (waiting actively: it then spins beside the kernels that are timed next) or to
   * sleep at once (passively: each call then waits for the system to wake it, 50 us and more, which
   * would flatter us). So many looks are about a millisecond on an AMD EPYC, where a look is a
   * pause of some 20 ns, two or three on Intel: far more than the gap between two calls of a slice,
   * and over when {@link Interleaved} lets the next one begin.
   */
  private static final int SPINS = 50_000;

  /** The same for LLVM's OpenMP, which would look for 200 ms. */
  private static final int BLOCK_MILLIS = 1;

  private static final long PATIENCE_SECONDS = 120;
  private static final String GONE = "";

  /**
   * What the process has answered.
   *
   * @param text null if it has not done what it was asked
   * @param refusal why not, else null
   */
  public record Answer(String text, String refusal) {}

  private final String name;
  private final int threads;
  private final Process process;
  private final PrintWriter requests;
  private final BlockingQueue<String> answers = new LinkedBlockingQueue<>();
  private final LastWords lastWords = new LastWords();
  private String failure;

  /**
   * Starts a process.
   *
   * @param name of the rival in reasons
   * @param threads that a call of it uses
   * @param main class of the process, which calls {@link RivalAnswers#serve}
   * @param arguments of the process
   */
  public RivalServer(String name, int threads, String main, String... arguments) {
    this.name = name;
    this.threads = threads;
    Process started = null;
    try {
      started = builder(threads, main, arguments).start();
    } catch (IOException e) {
      failure = name + ": its process does not start: " + e.getMessage();
    }
    process = started;
    requests =
        started == null
            ? null
            : new PrintWriter(started.getOutputStream(), true, StandardCharsets.UTF_8);
    if (started != null) {
      Thread reader = new Thread(this::read, "answers of " + name);
      reader.setDaemon(true);
      reader.start();
    }
  }

  private static ProcessBuilder builder(int threads, String main, String... arguments) {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-XX:+UseSerialGC",
                // A crash of the rival's is one line of a table, no file in the user's folder.
                "-XX:ErrorFile=/dev/null",
                "-XX:-CreateCoredumpOnCrash",
                "-cp",
                System.getProperty("java.class.path"),
                main));
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("OMP_NUM_THREADS", Integer.toString(threads));
    builder.environment().put("GOMP_SPINCOUNT", Integer.toString(SPINS));
    builder.environment().put("KMP_BLOCKTIME", Integer.toString(BLOCK_MILLIS));
    builder.environment().remove("OMP_WAIT_POLICY");
    return builder;
  }

  private void read() {
    try (BufferedReader in =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        int mark = line.indexOf(RivalAnswers.MARK);
        lastWords.add(mark < 0 ? line : line.substring(0, mark));
        if (mark >= 0) {
          answers.add(line.substring(mark + RivalAnswers.MARK.length()));
        }
      }
    } catch (IOException e) {
      lastWords.add(e.getMessage());
    }
    answers.add(GONE);
  }

  public int threads() {
    return threads;
  }

  public long pid() {
    return process.pid();
  }

  /** Why it does not answer any more, or null. */
  public String failure() {
    return failure;
  }

  /**
   * Something that is timed: each slice is a request, the words and the nanoseconds, whose answer
   * is the nanoseconds of a call. NaN once the process is gone or refuses.
   */
  public Interleaved.Contender contender(Object... words) {
    return Interleaved.on(
        threads,
        nanos -> {
          Answer answer = ask(join(words), nanos);
          if (answer.text != null) {
            return Double.parseDouble(answer.text);
          }
          if (failure == null) {
            fail(answer.refusal);
          }
          return Double.NaN;
        });
  }

  private static String join(Object... words) {
    return Arrays.stream(words).map(Object::toString).collect(Collectors.joining(" "));
  }

  /** Asks, and waits for the answer; once the process has failed, that is a refusal. */
  public Answer ask(Object... words) {
    if (failure == null) {
      requests.println(join(words));
      String answer = nextAnswer();
      if (answer == null) {
        fail("did not answer within " + PATIENCE_SECONDS + " s");
      } else if (answer.equals(GONE)) {
        fail(lastWords.sentence(exitCode()));
      } else {
        return answer.startsWith(RivalAnswers.NO)
            ? new Answer(null, answer.substring(RivalAnswers.NO.length()))
            : new Answer(answer, null);
      }
    }
    return new Answer(null, failure);
  }

  private String nextAnswer() {
    try {
      return answers.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return null;
    }
  }

  private void fail(String reason) {
    failure = name + ": " + reason;
    process.destroyForcibly();
  }

  /** Of a process that has closed its output, so it is about to end; -1 if it does not. */
  private int exitCode() {
    try {
      return process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS) ? process.exitValue() : -1;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return -1;
    }
  }

  @Override
  public void close() {
    if (process != null) {
      requests.close();
      process.destroyForcibly();
    }
  }
}
