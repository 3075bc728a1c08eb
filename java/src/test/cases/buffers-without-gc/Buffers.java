import java.nio.ByteBuffer;
import org.ternarykernels.DataType;
import org.ternarykernels.TernaryBuffer;

/** Buffers of 20 MB that nobody closes nor keeps, 12 GB in all. */
public final class Buffers {
  private Buffers() {}

  private static final int BYTES = 20 << 20;

  public static void main(String[] arguments) {
    boolean ours = arguments[0].equals("ternary");
    for (int i = 0; i < 600; i++) {
      if (ours) {
        TernaryBuffer.allocate(DataType.I8, BYTES);
      } else {
        ByteBuffer.allocateDirect(BYTES);
      }
    }
    System.out.println(arguments[0] + ": done");
  }
}
