import java.nio.file.Files;
import java.nio.file.Path;
import org.ternarykernels.DataType;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryRuntime;

/** A report whose name has a letter that is one byte in Latin-1 and two in UTF-8. */
public final class Report {
  private Report() {}

  public static void main(String[] arguments) {
    System.out.println("names are " + System.getProperty("sun.jnu.encoding"));
    Path folder = Path.of(arguments[0]);
    Path every = folder.resolve("caf\u00e9.json");
    Path once = folder.resolve("th\u00e9.json");
    try (TernaryRuntime runtime =
        TernaryRuntime.builder().pathReport(every).pathReportEvery(1).build()) {
      TernaryBuffer x = TernaryBuffer.copyOf(DataType.F32, 1, 2, 3, 4, 5, 6, 7, 8);
      TernaryBuffer q = TernaryBuffer.allocate(DataType.I8, 8);
      TernaryBuffer scale = TernaryBuffer.allocate(DataType.F32, 1);
      runtime.quantise(x, null, null, q, scale, 1, 8);
      TernaryRuntime.writeReport(once);
    }
    System.out.println("while it ran: " + Files.exists(every));
    System.out.println("written: " + Files.exists(once));
  }
}
