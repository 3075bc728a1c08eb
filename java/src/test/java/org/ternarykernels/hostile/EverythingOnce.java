package org.ternarykernels.hostile;

import java.nio.file.Path;
import org.ternarykernels.Alpha;
import org.ternarykernels.Limit;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.TernaryWeights;
import org.ternarykernels.io.SafetensorsFile;
import org.ternarykernels.io.SafetensorsWriter;
import org.ternarykernels.jvm.ProcessState;

/** Every native function that a CPU serves: {@code EverythingOnce FOLDER}. */
public final class EverythingOnce {
  private EverythingOnce() {}

  public static void main(String[] arguments) throws Exception {
    Path folder = Path.of(arguments[0]);
    Workload workload = new Workload();
    Path file = folder.resolve("weights");
    try (TernaryRuntime runtime =
            TernaryRuntime.builder().pathReport(folder.resolve("report.json")).build();
        TernaryWeights weights = TernaryWeights.pack(new byte[64], 4, 16, Alpha.tensor(1))) {
      weights.save(file);
      TernaryWeights.load(file).close();
      weights.unpack();
      runtime.measureLimit(Limit.READ, 1, 4096, 1000);
      runtime.resetCounters();
      TernaryRuntime.writeReport(folder.resolve("now.json"));
    }
    Path tensors = folder.resolve("tensors");
    new SafetensorsWriter().put("x", new float[4], 4).write(tensors);
    try (SafetensorsFile read = SafetensorsFile.open(tensors)) {
      read.tensor("x").toBuffer();
    }
    try {
      TernaryRuntime.builder().device("none").build();
    } catch (IllegalArgumentException e) {
      System.out.println(e.getMessage());
    }
    Workload.report(workload, ProcessState.residentKilobytes(), ProcessState.threads());
  }
}
