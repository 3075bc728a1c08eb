package org.ternarykernels.binding;

final class NativeLibraries {
  static void load() { throw new UnsatisfiedLinkError("todo"); }
}
