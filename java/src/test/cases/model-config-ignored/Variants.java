import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.example.Model;
import org.ternarykernels.example.Sampler;
import org.ternarykernels.example.TextGenerator;

/** The text of each model in a folder, or why it is refused. */
public final class Variants {
  private Variants() {}

  private static String text(TernaryRuntime runtime, Path folder) {
    try (Model model = Model.load(runtime, folder)) {
      StringBuilder text = new StringBuilder();
      int[] prompt = "def f".chars().toArray();
      new TextGenerator(model, 8)
          .generate(prompt, 12, new Sampler(0, 1), token -> text.append((char) token));
      return "text " + text;
    } catch (IllegalArgumentException e) {
      return "refused: " + e.getMessage();
    }
  }

  public static void main(String[] arguments) throws Exception {
    try (TernaryRuntime runtime = TernaryRuntime.create();
        Stream<Path> folders = Files.list(Path.of(arguments[0]))) {
      for (Path folder : (Iterable<Path>) folders.sorted()::iterator) {
        System.out.println(folder.getFileName() + " " + text(runtime, folder));
      }
    }
  }
}
