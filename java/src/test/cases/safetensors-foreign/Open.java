import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.ternarykernels.io.SafetensorsFile;

/** Files with more in them than the one tensor that somebody asks for. */
public final class Open {
  private Open() {}

  private static final String WANTED =
      "\"w\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}";

  private static void open(String what, String header, int bytes) {
    byte[] text = header.getBytes(StandardCharsets.UTF_8);
    ByteBuffer file = ByteBuffer.allocate(8 + text.length + bytes).order(ByteOrder.LITTLE_ENDIAN);
    file.putLong(text.length).put(text).rewind();
    try (SafetensorsFile tensors = SafetensorsFile.of(file)) {
      System.out.println(what + ": ok " + tensors.tensor("w").shape()[0]);
    }
  }

  private static void beside(String type, int bytes, int elements) {
    String other =
        String.format(
            "\"other\":{\"dtype\":\"%s\",\"shape\":[%d],\"data_offsets\":[4,%d]}",
            type, elements, 4 + bytes);
    open(type, "{" + WANTED + "," + other + "}", 4 + bytes);
  }

  public static void main(String[] arguments) {
    beside("C64", 8, 1);
    beside("F8_E8M0", 1, 1);
    beside("F4", 1, 2);
    beside("F6_E2M3", 3, 4);
    beside("F8_E4M3FNUZ", 1, 1);
    beside("F8_E5M2FNUZ", 1, 1);
    String text = "x".repeat(21_000_000);
    open("long text", "{\"__metadata__\":{\"a\":\"" + text + "\"}," + WANTED + "}", 4);
    String empty = "\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},";
    open("long name", "{\"" + "n".repeat(60_000) + empty + WANTED + "}", 4);
  }
}
