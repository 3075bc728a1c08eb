package org.ternarykernels.tool.sweep;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.ternarykernels.TernaryRuntime;

/**
 * What profiles need to know of where they will run.
 *
 * @param knobs names of the settings that the library has
 * @param isas names of the instruction sets that the machine has
 * @param threads that a call has without a setting: the process's physical cores
 * @param capability of the GPU, as "9.0"; empty where the CPU computes
 */
record SweepMachine(List<String> knobs, List<String> isas, int threads, String capability) {
  static SweepMachine of(TernaryRuntime runtime) throws IOException {
    JsonNode info = new ObjectMapper().readTree(runtime.infoJson());
    List<String> knobs = new ArrayList<>();
    info.get("settings").forEach(setting -> knobs.add(setting.get("name").asText()));
    List<String> isas = new ArrayList<>();
    for (JsonNode isa : info.get("isas")) {
      if (isa.get("available").asBoolean()) {
        isas.add(isa.get("name").asText());
      }
    }
    JsonNode gpu = info.get("cuda");
    return new SweepMachine(
        knobs,
        isas,
        info.get("threads").asInt(),
        gpu.get("used").asBoolean() ? gpu.get("capability").asText() : "");
  }

  boolean hasGpu() {
    return !capability.isEmpty();
  }

  /** 1, 2, 4 and so on, and at last all. */
  List<String> threadCounts() {
    List<String> counts = new ArrayList<>();
    for (int count = 1; count < threads; count *= 2) {
      counts.add(Integer.toString(count));
    }
    counts.add(Integer.toString(threads));
    return counts;
  }
}
