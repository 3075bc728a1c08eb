import java.util.Arrays;
import org.ternarykernels.Alpha;
import org.ternarykernels.DataType;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryLinear;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.TernaryWeights;

/** What an application does with the library; several cases use it. */
public final class Product {
  private Product() {}

  public static String result() {
    byte[] w = {1, 0, -1, 1, -1, 1, 1, 0, 0, 0, 1, -1};
    try (TernaryRuntime runtime = TernaryRuntime.create();
        TernaryWeights weights = TernaryWeights.pack(w, 3, 4, Alpha.tensor(0.5f));
        TernaryLinear linear = TernaryLinear.builder(runtime, weights).build()) {
      TernaryBuffer x = TernaryBuffer.copyOf(DataType.F32, 1f, 2f, 3f, 4f);
      TernaryBuffer y = TernaryBuffer.allocate(DataType.F32, 3);
      linear.apply(x, y, 1);
      return Arrays.toString(y.toArray());
    }
  }

  public static void main(String[] arguments) {
    try {
      System.out.println(result());
    } catch (UnsatisfiedLinkError e) {
      System.out.println("as documented: " + e.getMessage());
    }
  }
}
