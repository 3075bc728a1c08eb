package org.ternarykernels.binding;

/**
 * Stands in for JavaCPP's class of the same name in the generated {@code Ternary}, whose static
 * initialiser calls {@code Loader.load()}: a class of its own package comes before one imported on
 * demand. JavaCPP's would extract into a cache that other users may share.
 *
 * <p>It loads nothing: what fails in a static initialiser fails for ever. {@link
 * NativeLibraries#require()} loads.
 */
final class Loader {
  private Loader() {}

  static void load() {}
}
