package org.ternarykernels.architecture;

import java.util.List;

/** The order of the packages of all modules, from the top: imports go downward only. */
final class PackageOrder {
  static final String ROOT = "org.ternarykernels";

  private static final List<String> NAMES =
      List.of(
          // The tool and the benchmarks.
          "benchmark",
          "tool.playbook", // tests of whole commands
          "tool.cli",
          "tool.report",
          "tool.sweep",
          "tool.capacity",
          "tool.load",
          "tool.hybrid",
          "tool.shadow",
          "tool.parity",
          "tool.run",
          "tool.gate",
          "tool.jmh",
          "tool.bench",
          "tool.tune",
          "tool.verify",
          "tool.peer",
          "tool.onednn",
          "tool.rival",
          "tool.stack",
          "tool.options",
          "tool.output",
          "tool.problem",
          "tool.measure",
          // The examples.
          "example",
          // The library's tests, from the top too.
          "architecture",
          "fuzz",
          "hostile",
          "loading",
          // The library. What `internal` uses of the public types above it is a rule of its own.
          "micrometer",
          "io",
          "",
          "internal.observation",
          "internal",
          "storage",
          "binding",
          "cuda",
          "natives",
          // Processes that tests start.
          "jvm");

  private PackageOrder() {}

  /** Why a class of a package must not use one of another; empty if it may. */
  static String complaint(String from, String to) {
    return from.equals(to) || place(from) < place(to)
        ? ""
        : from + " is below " + to + " in the order of the packages, must not use it";
  }

  private static int place(String name) {
    int place = NAMES.indexOf(name.equals(ROOT) ? "" : name.substring(ROOT.length() + 1));
    if (place < 0) {
      throw new AssertionError(name + " is a new package, must have a place in PackageOrder");
    }
    return place;
  }

  /** Whether a package is one of those that may use some of the public types above them. */
  static boolean isInternal(String name) {
    return name.startsWith(ROOT + ".internal");
  }
}
