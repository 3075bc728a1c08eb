package org.ternarykernels.loading;

import java.lang.ref.WeakReference;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import jdk.jfr.Recording;
import org.ternarykernels.jvm.ProcessState;

/**
 * The programs of {@link ClassLoadersTest} and {@link FailuresHealTest}, run in JVMs of their own:
 * the first argument names one. The property {@code lib} is the library's class path, {@code other}
 * that of another version.
 */
public final class LoadingProbe {
  private static final int ROUNDS = 20;

  private LoadingProbe() {}

  public static void main(String[] arguments) throws Exception {
    switch (arguments[0]) {
      case "redeploy":
        redeploy();
        break;
      case "recorded":
        recorded(Path.of(arguments[1]));
        break;
      case "left":
        left();
        break;
      case "together":
        together();
        break;
      case "heal":
        heal(arguments[1]);
        break;
      case "interrupted":
        interrupted();
        break;
      default:
        one(arguments[0]);
    }
  }

  /** Two applications and another version of the library, again and again, by one thread. */
  private static void redeploy() throws Exception {
    long resident = 0;
    long threads = 0;
    long descriptors = 0;
    for (int round = 0; round < ROUNDS; round++) {
      List<WeakReference<ClassLoader>> loaders = round();
      if (!Deployment.collected(loaders)) {
        throw new AssertionError("a class loader of round " + round + " lives on: " + loaders);
      }
      if (round == ROUNDS / 4) {
        resident = ProcessState.residentKilobytes();
        threads = ProcessState.threads();
        descriptors = ProcessState.descriptors();
      }
    }
    // The JVM closes libraries some time after it has cleared the references.
    for (int wait = 0; wait < 50 && ProcessState.mapped("libjniternary") > 1; wait++) {
      System.gc();
      Thread.sleep(100);
    }
    System.out.println("grown by KB: " + (ProcessState.residentKilobytes() - resident));
    System.out.println("more threads: " + (ProcessState.threads() - threads));
    System.out.println("more descriptors: " + (ProcessState.descriptors() - descriptors));
    System.out.println("mapped copies: " + ProcessState.mapped("libjniternary"));
    System.out.println("mapped backends: " + ProcessState.mapped("libternary_cpu"));
  }

  private static List<WeakReference<ClassLoader>> round() throws Exception {
    List<WeakReference<ClassLoader>> loaders = new ArrayList<>();
    try (Deployment a = new Deployment(System.getProperty("lib"));
        Deployment b = new Deployment(System.getProperty("lib"));
        Deployment c = new Deployment(System.getProperty("other"))) {
      for (Deployment deployment : List.of(a, b, c)) {
        loaders.add(deployment.reference());
        deployment.call(deployment == b ? "avx2" : "portable");
      }
      String expected = a.call("apply");
      for (Deployment deployment : List.of(b, c)) {
        String result = deployment.call("apply");
        if (!result.equals(expected) || !deployment.call("counts").endsWith("=1}")) {
          throw new AssertionError(result + " by " + deployment.call("counts"));
        }
      }
      for (Deployment deployment : List.of(a, b, c)) {
        deployment.call("close");
      }
    }
    return loaders;
  }

  /**
   * Applications that come and go while the flight recorder runs, one of which forgets to close its
   * runtime: none is kept, and what each has counted is in the recording.
   */
  private static void recorded(Path file) throws Exception {
    try (Recording recording = new Recording()) {
      recording.enable("org.ternarykernels.Call").withThreshold(Duration.ZERO);
      recording.start();
      List<WeakReference<ClassLoader>> loaders = new ArrayList<>();
      for (String end : List.of("close", "forget", "close")) {
        try (Deployment deployment = new Deployment(System.getProperty("lib"))) {
          loaders.add(deployment.reference());
          deployment.call("portable");
          deployment.call("apply");
          deployment.call(end);
        }
      }
      System.out.println("collected: " + Deployment.collected(loaders));
      recording.dump(file);
    }
  }

  /** Each with its own version, settings and counters. */
  private static void together() throws Exception {
    try (Deployment a = new Deployment(System.getProperty("lib"));
        Deployment b = new Deployment(System.getProperty("lib"));
        Deployment c = new Deployment(System.getProperty("other"))) {
      a.call("portable");
      System.out.println("a " + a.call("apply"));
      String before = a.call("counts");
      b.call("avx2");
      c.call("portable");
      System.out.println("b " + b.call("apply") + b.call("apply") + b.call("counts"));
      System.out.println("c " + c.call("apply") + c.call("counts"));
      System.out.println("a unchanged: " + before.equals(a.call("counts")) + " " + before);
      System.out.println("versions " + a.call("version") + " " + c.call("version"));
      for (Deployment deployment : List.of(a, b, c)) {
        deployment.call("close");
      }
    }
  }

  /** Fails twice for want of a cache, then has one. */
  private static void heal(String cache) {
    Product product = new Product();
    for (int attempt = 0; attempt < 2; attempt++) {
      try {
        product.apply("version");
        System.out.println("no error");
      } catch (UnsatisfiedLinkError e) {
        System.out.println("refused: " + e.getMessage() + " cause " + (e.getCause() != null));
      }
    }
    System.out.println("available " + product.apply("available"));
    System.setProperty("ternary.cache.dir", cache);
    System.out.println("available " + product.apply("available"));
    one("portable");
  }

  /** Ends the process with the runtime open. */
  private static void left() {
    Product product = new Product();
    product.apply("portable");
    System.out.println(product.apply("apply"));
  }

  private static void interrupted() {
    Thread.currentThread().interrupt();
    one("portable");
    System.out.println("interrupted " + Thread.currentThread().isInterrupted());
  }

  private static void one(String isa) {
    Product product = new Product();
    product.apply(isa);
    System.out.println(product.apply("apply"));
    product.apply("close");
  }
}
