import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.ternarykernels.Alpha;
import org.ternarykernels.DataType;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryLinear;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.TernaryWeights;

/** Child processes, while two threads compute and two make and end runtimes and write reports. */
public final class Forks {
  private Forks() {}

  private static void start(Runnable round) {
    Thread thread =
        new Thread(
            () -> {
              while (true) {
                round.run();
              }
            });
    thread.setDaemon(true);
    thread.start();
  }

  public static void main(String[] arguments) throws Exception {
    Path report = Path.of(arguments[0]);
    TernaryRuntime shared = TernaryRuntime.builder().threads(2).build();
    TernaryWeights weights = TernaryWeights.pack(new byte[1 << 18], 256, 1024, Alpha.tensor(1));
    TernaryLinear linear = TernaryLinear.builder(shared, weights).build();
    for (int i = 0; i < 2; i++) {
      TernaryBuffer x = TernaryBuffer.allocate(DataType.F32, 8 * 1024);
      TernaryBuffer y = TernaryBuffer.allocate(DataType.F32, 8 * 256);
      start(() -> linear.apply(x, y, 8));
      start(
          () -> {
            try (TernaryRuntime runtime = TernaryRuntime.builder().threads(3).build()) {
              runtime.pathCounts();
              TernaryRuntime.writeReport(report);
            }
          });
    }
    int ended = 0;
    for (int i = 0; i < 150; i++) {
      Process child = new ProcessBuilder("/bin/true").start();
      if (child.waitFor(20, TimeUnit.SECONDS) && child.exitValue() == 0) {
        ended++;
      }
      child.destroyForcibly();
    }
    System.out.println("children that ended well: " + ended);
    System.exit(0);
  }
}
