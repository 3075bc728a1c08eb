import org.ternarykernels.TernaryRuntime;

/** The library's first use is in a thread that was interrupted. */
public final class Interrupted {
  private Interrupted() {}

  private static void load(String who) {
    try (TernaryRuntime runtime = TernaryRuntime.create()) {
      System.out.println(who + ": " + runtime.pathCounts());
    }
  }

  public static void main(String[] arguments) throws InterruptedException {
    Thread thread =
        new Thread(
            () -> {
              Thread.currentThread().interrupt();
              load("interrupted");
              System.out.println("still interrupted: " + Thread.currentThread().isInterrupted());
            });
    thread.start();
    thread.join();
    load("fresh");
  }
}
