import java.nio.file.Path;
import org.ternarykernels.Alpha;
import org.ternarykernels.TernaryWeights;

/** Saves weights at a path. */
public final class Save {
  private Save() {}

  public static void main(String[] arguments) {
    try (TernaryWeights weights = TernaryWeights.pack(new byte[16], 1, 16, Alpha.tensor(1))) {
      weights.save(Path.of(arguments[0]));
    }
    System.out.println("saved");
  }
}
