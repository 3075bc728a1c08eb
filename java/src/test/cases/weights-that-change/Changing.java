import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import org.ternarykernels.Alpha;
import org.ternarykernels.TernaryWeights;

/** A weight file that another thread truncates and writes again while it is loaded. */
public final class Changing {
  private Changing() {}

  private static void change(Path file, byte[] whole) {
    Random random = new Random(1);
    while (true) {
      try (RandomAccessFile access = new RandomAccessFile(file.toFile(), "rw")) {
        access.setLength(random.nextInt(whole.length));
        for (int i = random.nextInt(20_000); i > 0; i--) {
          Thread.onSpinWait();
        }
        access.write(whole);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      // Without a rest the file is hardly ever whole for as long as a load takes.
      LockSupport.parkNanos(random.nextInt(4_000_000));
    }
  }

  public static void main(String[] arguments) throws IOException {
    Path file = Path.of(arguments[0]);
    byte[] codes = new byte[1 << 20];
    for (int i = 0; i < codes.length; i++) {
      codes[i] = (byte) (i % 3 - 1);
    }
    try (TernaryWeights weights = TernaryWeights.pack(codes, 1024, 1024, Alpha.tensor(1))) {
      weights.save(file);
    }
    byte[] whole = Files.readAllBytes(file);
    Thread changing = new Thread(() -> change(file, whole));
    changing.setDaemon(true);
    changing.start();
    int right = 0;
    int wrong = 0;
    int refused = 0;
    // 400 loads, and more where the machine's scheduler has not yet shown both outcomes.
    long end = System.nanoTime() + 60_000_000_000L;
    for (int i = 0; i < 400 || right == 0 || refused == 0; i++) {
      if (System.nanoTime() > end) {
        break;
      }
      try (TernaryWeights weights = TernaryWeights.load(file)) {
        if (Arrays.equals(weights.unpack(), codes)) {
          right++;
        } else {
          wrong++;
        }
      } catch (IllegalArgumentException | UncheckedIOException e) {
        refused++;
      }
    }
    System.out.println("right " + (right > 0) + ", refused " + (refused > 0) + ", wrong " + wrong);
  }
}
