import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.ternarykernels.TernaryRuntime;

/** Runtimes that a thread makes which may run on one CPU only. */
public final class Pin {
  private Pin() {}

  private static String threads(TernaryRuntime runtime) {
    return "threads " + runtime.infoJson().replaceAll("(?s).*\"threads\":(\\d+).*", "$1");
  }

  private static String status(Path task, String field) throws Exception {
    try (Stream<String> lines = Files.lines(task.resolve("status"))) {
      String line = lines.filter(l -> l.startsWith(field + ":")).findFirst().orElseThrow();
      return line.substring(field.length() + 1).strip();
    }
  }

  private static void pinned(String cpu) throws Exception {
    Path task = Path.of("/proc/thread-self").toRealPath();
    String thread = task.getFileName().toString();
    int pinned = new ProcessBuilder("taskset", "-pc", cpu, thread).start().waitFor();
    try (TernaryRuntime byDefault = TernaryRuntime.create();
        TernaryRuntime two = TernaryRuntime.builder().threads(2).build();
        Stream<Path> tasks = Files.list(Path.of("/proc/self/task"))) {
      System.out.println("taskset: " + pinned + " " + status(task, "Cpus_allowed_list"));
      System.out.println("pinned: " + threads(byDefault));
      for (Path other : (Iterable<Path>) tasks::iterator) {
        if (status(other, "Cpus_allowed_list").equals(cpu)) {
          System.out.println("on one CPU: " + other.getFileName().toString().equals(thread));
          System.out.println("  " + status(other, "Name") + " " + two.id());
        }
      }
    }
  }

  public static void main(String[] arguments) throws Exception {
    try (TernaryRuntime runtime = TernaryRuntime.create()) {
      System.out.println("free: " + threads(runtime));
    }
    Exception[] failure = {null};
    Thread creator =
        new Thread(
            () -> {
              try {
                pinned(arguments[0]);
              } catch (Exception e) {
                failure[0] = e;
              }
            },
            "creator");
    creator.start();
    creator.join();
    if (failure[0] != null) {
      throw failure[0];
    }
  }
}
