import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.function.IntFunction;
import org.ternarykernels.io.SafetensorsFile;

/** Headers of 90 MB; the format allows 100. */
public final class LargeHeaders {
  private LargeHeaders() {}

  private static final int SIZE = 90_000_000;

  /** {@code begin}, as many parts as there is room for, {@code end}. */
  private static byte[] header(String begin, IntFunction<String> part, String end) {
    StringBuilder text = new StringBuilder(SIZE + 1000).append(begin);
    for (int i = 0; text.length() < SIZE; i++) {
      text.append(part.apply(i));
    }
    return text.append(end).toString().getBytes(StandardCharsets.ISO_8859_1);
  }

  private static void open(String what, byte[] header) {
    ByteBuffer file = ByteBuffer.allocate(8 + header.length).order(ByteOrder.LITTLE_ENDIAN);
    file.putLong(header.length).put(header).rewind();
    long start = System.nanoTime();
    String outcome;
    try (SafetensorsFile tensors = SafetensorsFile.of(file)) {
      outcome = "read, tensors " + tensors.names().size();
    } catch (IllegalArgumentException e) {
      outcome = "refused, characters " + e.getMessage().length();
    }
    long milliseconds = (System.nanoTime() - start) / 1_000_000;
    System.out.println(what + ": " + outcome + ", ms " + milliseconds);
  }

  public static void main(String[] arguments) {
    String shape = "{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,0],\"shape\":[";
    String tensor = "\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}";
    IntFunction<String> comma = i -> i > 0 ? "," : "";
    open("spaces", header("{", i -> "          ", "}"));
    open("shape", header(shape + "0", i -> ",999", "]}}"));
    open("overflow", header(shape + "9", i -> ",999", "]}}"));
    open("digits", header(shape, i -> "9", "]}}"));
    open("deep", header("", i -> "{\"a\":", ""));
    open("tensors", header("{", i -> comma.apply(i) + "\"" + i + tensor, "}"));
    open(
        "metadata",
        header("{\"__metadata__\":{", i -> comma.apply(i) + "\"" + i + "\":\"\"", "}}"));
  }
}
