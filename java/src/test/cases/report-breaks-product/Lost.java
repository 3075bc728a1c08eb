import java.nio.file.Files;
import java.nio.file.Path;
import org.ternarykernels.Alpha;
import org.ternarykernels.TernaryLinear;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.TernaryWeights;

/** Products while the folder of the report goes away. */
public final class Lost {
  private Lost() {}

  public static void main(String[] arguments) throws Exception {
    Path folder = Files.createDirectory(Path.of(arguments[0]));
    Path report = folder.resolve("report.json");
    try (TernaryRuntime runtime =
            TernaryRuntime.builder().pathReport(report).pathReportEvery(2).build();
        TernaryWeights weights =
            TernaryWeights.pack(new byte[] {1, -1, 1, 0}, 1, 4, Alpha.tensor(1));
        TernaryLinear linear = TernaryLinear.builder(runtime, weights).build()) {
      for (int i = 0; i < 8; i++) {
        if (i == 4) {
          Files.delete(report);
          Files.delete(folder);
        }
        System.out.println("product " + linear.apply(new float[] {1, 2, 3, 4}, 1)[0]);
      }
    }
  }
}
