package org.ternarykernels.fuzz;

import java.lang.reflect.Executable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.ternarykernels.CudaEvent;
import org.ternarykernels.CudaGraph;
import org.ternarykernels.CudaStream;
import org.ternarykernels.DeviceBuffer;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.jvm.ProcessState;

/**
 * Calls every public method at random, by several threads: {@code ApiFuzz SEED CALLS THREADS
 * FOLDER}. Exits with 1 and says what should not have happened.
 */
public final class ApiFuzz {
  private static final int STUCK_SECONDS = 60;

  /** With so many calls a method, one that is never called is a fault of the fuzzer. */
  private static final int ENOUGH_FOR_EACH = 60;

  /** There are none without a GPU, so their methods cannot be called. */
  private static final Set<Class<?>> OF_GPUS =
      Set.of(CudaStream.class, CudaEvent.class, CudaGraph.class, DeviceBuffer.class);

  private ApiFuzz() {}

  public static void main(String[] arguments) throws Exception {
    long seed = Long.parseLong(arguments[0]);
    int calls = Integer.parseInt(arguments[1]);
    int threads = Integer.parseInt(arguments[2]);
    Path folder = Files.createTempDirectory(Path.of(arguments[3]), "fuzz");
    TernaryRuntime.create().close();
    long threadsBefore = ProcessState.threads();
    List<Executable> api = PublicApi.calls();
    List<String> faults = new ArrayList<>(unknownTypes(api));
    Findings findings = new Findings();
    List<Objects> objects = new ArrayList<>(List.of(new Objects()));
    if (faults.isEmpty()) {
      ScratchFiles files = new ScratchFiles(folder);
      List<Caller> callers = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        Objects own = i == 0 ? objects.get(0) : objects.get(0).ofAnotherThread();
        objects.add(own);
        callers.add(new Caller(seed, i, calls / threads, api, own, files, findings));
      }
      run(callers);
    }
    findings.faults().forEach((what, call) -> faults.add(what + "\n    " + call));
    for (Executable call : api) {
      boolean few = calls < ENOUGH_FOR_EACH * api.size() || findings.outcomes().isEmpty();
      if (!few && !findings.wasCalled(call) && !OF_GPUS.contains(call.getDeclaringClass())) {
        faults.add("never called: " + PublicApi.name(call));
      }
    }
    for (Objects kept : objects) {
      faults.addAll(kept.close());
    }
    objects.clear();
    faults.addAll(leftBehind(folder, threadsBefore));
    System.out.println("methods and constructors: " + api.size());
    System.out.println("outcomes: " + findings.outcomes());
    System.out.println("peak MB: " + (ProcessState.peakKilobytes() >> 10));
    faults.forEach(fault -> System.out.println("FAULT " + fault));
    System.exit(faults.isEmpty() ? 0 : 1);
  }

  private static List<String> unknownTypes(List<Executable> api) {
    return api.stream()
        .flatMap(call -> Stream.of(call.getParameterTypes()))
        .filter(type -> !Arguments.knows(type))
        .distinct()
        .map(type -> "the fuzzer has no values of " + type + ": add some to Arguments")
        .toList();
  }

  private static void run(List<Caller> callers) throws Exception {
    List<Thread> threads = new ArrayList<>();
    for (Caller caller : callers) {
      Thread thread = new Thread(caller, "caller " + threads.size());
      thread.start();
      threads.add(thread);
    }
    for (int i = 0; i < threads.size(); i++) {
      while (threads.get(i).isAlive()) {
        threads.get(i).join(1000);
        for (int j = 0; j < callers.size(); j++) {
          String stuck = callers.get(j).stuck(STUCK_SECONDS);
          if (!stuck.isEmpty()) {
            System.out.println("FAULT takes over " + STUCK_SECONDS + " s: " + stuck);
            for (StackTraceElement frame : threads.get(j).getStackTrace()) {
              System.out.println("    at " + frame);
            }
            System.exit(1);
          }
        }
      }
      callers.get(i).check();
      System.out.println("calls of thread " + i + ": " + callers.get(i).checksum());
    }
  }

  /** Temporary files, threads of closed runtimes. */
  private static List<String> leftBehind(Path folder, long threadsBefore) throws Exception {
    List<String> left = new ArrayList<>();
    try (Stream<Path> files = Files.walk(folder)) {
      files
          .filter(file -> file.getFileName().toString().contains(".tmp"))
          .forEach(file -> left.add("left behind: " + file));
    }
    ProcessState.settle();
    long threads = ProcessState.threads() - threadsBefore;
    if (threads > 20) { // the collector, the compilers and JavaCPP start some
      left.add("threads left behind: " + threads);
    }
    return left;
  }
}
