import java.io.UncheckedIOException;
import java.nio.file.Path;
import org.ternarykernels.Alpha;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.TernaryWeights;
import org.ternarykernels.io.SafetensorsWriter;

/** Everything that the library writes, to the same target. */
public final class Save {
  private Save() {}

  private static void write(String what, Runnable writing) {
    try {
      writing.run();
      System.out.println(what + ": written");
    } catch (UncheckedIOException e) {
      System.out.println(what + ": " + e.getMessage());
    }
  }

  public static void main(String[] arguments) {
    Path target = Path.of(arguments[0]);
    try (TernaryWeights weights = TernaryWeights.pack(new byte[16], 1, 16, Alpha.tensor(1))) {
      write("weights", () -> weights.save(target));
    }
    write("tensors", () -> new SafetensorsWriter().put("a", new float[1], 1).write(target));
    write("report", () -> TernaryRuntime.writeReport(target));
  }
}
