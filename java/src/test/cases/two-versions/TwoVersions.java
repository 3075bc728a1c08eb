import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Two releases of the library in one process; each must run its own native code. */
public final class TwoVersions {
  private TwoVersions() {}

  private static void use(String name, String library) throws Exception {
    List<URL> urls = new ArrayList<>();
    for (String entry : (library + ":" + System.getProperty("dependencies")).split(":")) {
      urls.add(Path.of(entry).toUri().toURL());
    }
    // Not closed: both stay for the life of the process.
    URLClassLoader loader =
        new URLClassLoader(urls.toArray(new URL[0]), ClassLoader.getPlatformClassLoader());
    Class<?> runtime = loader.loadClass("org.ternarykernels.TernaryRuntime");
    runtime.getMethod("create").invoke(null);
    System.out.println(name + " runs " + runtime.getMethod("version").invoke(null));
  }

  public static void main(String[] arguments) throws Exception {
    use("A", arguments[0]);
    use("B", arguments[1]);
  }
}
