package org.ternarykernels.loading;

import java.io.IOException;
import java.lang.ref.WeakReference;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** A {@link Product} and the library in a class loader that shares nothing with this one's. */
final class Deployment implements AutoCloseable {
  private final URLClassLoader loader;
  private final Function<String, String> product;

  /**
   * @param classPath of the library and the tests
   */
  @SuppressWarnings("unchecked")
  Deployment(String classPath) throws Exception {
    List<URL> urls = new ArrayList<>();
    for (String entry : classPath.split(":")) {
      urls.add(Path.of(entry).toUri().toURL());
    }
    loader = new URLClassLoader(urls.toArray(new URL[0]), ClassLoader.getPlatformClassLoader());
    product =
        (Function<String, String>)
            loader.loadClass(Product.class.getName()).getConstructor().newInstance();
  }

  String call(String command) {
    return product.apply(command);
  }

  WeakReference<ClassLoader> reference() {
    return new WeakReference<>(loader);
  }

  @Override
  public void close() throws IOException {
    loader.close();
  }

  /** Whether the collector takes them all within five seconds. */
  static boolean collected(List<WeakReference<ClassLoader>> loaders) throws InterruptedException {
    for (int round = 0; round < 50; round++) {
      System.gc();
      if (loaders.stream().allMatch(loader -> loader.get() == null)) {
        return true;
      }
      Thread.sleep(100);
    }
    return false;
  }
}
