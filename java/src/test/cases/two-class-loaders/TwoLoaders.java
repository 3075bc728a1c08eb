import java.lang.ref.WeakReference;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Two applications at once, then two deployments one after the other. */
public final class TwoLoaders {
  private TwoLoaders() {}

  private static URLClassLoader use(String name) throws Exception {
    List<URL> urls = new ArrayList<>();
    for (String entry : System.getProperty("lib").split(":")) {
      urls.add(Path.of(entry).toUri().toURL());
    }
    URLClassLoader loader =
        new URLClassLoader(urls.toArray(new URL[0]), ClassLoader.getPlatformClassLoader());
    System.out.println(name + ": " + loader.loadClass("Product").getMethod("result").invoke(null));
    return loader;
  }

  private static boolean collected(WeakReference<?> reference) throws InterruptedException {
    for (int i = 0; i < 30 && reference.get() != null; i++) {
      System.gc();
      Thread.sleep(100);
    }
    return reference.get() == null;
  }

  public static void main(String[] arguments) throws Exception {
    URLClassLoader a = use("application A");
    URLClassLoader b = use("application B");
    for (int i = 1; i <= 2; i++) {
      WeakReference<URLClassLoader> gone = new WeakReference<>(use("deployment " + i));
      System.out.println("deployment " + i + " collected: " + collected(gone));
    }
    a.close();
    b.close();
  }
}
