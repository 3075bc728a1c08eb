import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/**
 * Puts the functions of a JNI source that JavaCPP has generated in the order of their names.
 * JavaCPP takes them in the order of {@code Class.getDeclaredMethods()}, which Java leaves open,
 * and two builds of one tree must give the same library.
 *
 * <p>Usage: {@code java SortJniFunctions.java FILE...}
 */
final class SortJniFunctions {
  public static void main(String[] arguments) throws IOException {
    for (String file : arguments) {
      sort(Path.of(file));
    }
  }

  private static void sort(Path file) throws IOException {
    List<String> rest = new ArrayList<>();
    TreeMap<String, List<String>> functions = new TreeMap<>();
    List<String> current = rest;
    for (String line : Files.readAllLines(file)) {
      if (line.startsWith("JNIEXPORT ") && line.contains(" Java_") && line.endsWith("{")) {
        current = new ArrayList<>();
        if (functions.put(line, current) != null) {
          throw new IOException(file + " has two functions of the signature " + line);
        }
      }
      current.add(line);
      if (line.equals("}")) {
        current = rest;
      }
    }
    if (functions.isEmpty()) {
      throw new IOException(file + " has no JNI function, must have some");
    }
    int end = rest.lastIndexOf("}"); // of extern "C", after the last function
    List<String> sorted = new ArrayList<>(rest.subList(0, end));
    functions.values().forEach(sorted::addAll);
    sorted.addAll(rest.subList(end, rest.size()));
    Files.write(file, sorted);
  }
}
