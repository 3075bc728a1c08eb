import org.ternarykernels.TernaryRuntime;

/** Loads three times, the first time where no natives can be put. */
public final class Retry {
  private Retry() {}

  private static void load(int time) {
    try (TernaryRuntime runtime = TernaryRuntime.create()) {
      System.out.println(time + ": " + runtime.pathCounts());
    } catch (UnsatisfiedLinkError e) {
      System.out.println(time + ": UnsatisfiedLinkError: " + e.getMessage());
    }
  }

  public static void main(String[] arguments) {
    System.setProperty("ternary.cache.dir", "/proc/nowhere");
    load(1);
    System.setProperty("ternary.cache.dir", arguments[0]);
    load(2);
    load(3);
  }
}
