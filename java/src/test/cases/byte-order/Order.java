import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Supplier;
import org.ternarykernels.DataType;
import org.ternarykernels.TernaryBuffer;

/** The same floats as different buffers. */
public final class Order {
  private Order() {}

  private static void look(String what, Supplier<TernaryBuffer> buffer) {
    try {
      System.out.println(what + ": " + buffer.get().get(0));
    } catch (IllegalArgumentException e) {
      System.out.println(what + ": refused");
    }
  }

  private static ByteBuffer floats(ByteOrder order) {
    ByteBuffer bytes = ByteBuffer.allocateDirect(16).order(order);
    for (int i = 0; i < 4; i++) {
      bytes.putFloat(4 * i, i + 1);
    }
    return bytes;
  }

  public static void main(String[] arguments) {
    ByteBuffer big = floats(ByteOrder.BIG_ENDIAN);
    ByteBuffer own = floats(ByteOrder.nativeOrder());
    look("big floats", () -> TernaryBuffer.of(big.asFloatBuffer(), DataType.F32));
    look("big bytes", () -> TernaryBuffer.of(big, DataType.F32));
    look("native floats", () -> TernaryBuffer.of(own.asFloatBuffer(), DataType.F32));
    look("native bytes", () -> TernaryBuffer.of(own, DataType.F32));
    // Java calls a slice BIG_ENDIAN whatever it is a slice of.
    look("slice", () -> TernaryBuffer.of(own.slice(), DataType.F32));
    look("slice with its order", () -> TernaryBuffer.of(own.slice(), DataType.F32, own.order()));
    look("codes", () -> TernaryBuffer.of(big.put(0, (byte) 7), DataType.I8));
  }
}
