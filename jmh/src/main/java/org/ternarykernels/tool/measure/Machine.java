package org.ternarykernels.tool.measure;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.ternarykernels.TernaryRuntime;

/**
 * What Linux says of the machine: caches, governor, memory. What it does not say is null or 0,
 * never a guess.
 */
public final class Machine {
  private static final Path CPUS = Path.of("/sys/devices/system/cpu");

  /** One cache. */
  private record Cache(int level, String type, long bytes, String cpus) {}

  private final Set<Cache> caches = new LinkedHashSet<>();

  public Machine() {
    for (int cpu = 0; Files.isDirectory(CPUS.resolve("cpu" + cpu)); cpu++) {
      Path folder = CPUS.resolve("cpu" + cpu).resolve("cache");
      for (int i = 0; Files.isDirectory(folder.resolve("index" + i)); i++) {
        Path index = folder.resolve("index" + i);
        caches.add(
            new Cache(
                (int) number(line(index.resolve("level"))),
                line(index.resolve("type")),
                size(line(index.resolve("size"))),
                line(index.resolve("shared_cpu_list"))));
      }
    }
  }

  /** Bytes of one core's data cache of a level; 0 if unknown. */
  long cacheBytes(int level) {
    return caches.stream()
        .filter(cache -> cache.level == level && !"Instruction".equals(cache.type))
        .mapToLong(Cache::bytes)
        .max()
        .orElse(0);
  }

  /** Bytes of all caches of the last level together. */
  public long lastLevelBytes() {
    int last = caches.stream().mapToInt(Cache::level).max().orElse(0);
    return caches.stream().filter(cache -> cache.level == last).mapToLong(Cache::bytes).sum();
  }

  /** Bytes that programs can still have; Long.MAX_VALUE if unknown. */
  public static long availableMemory() {
    try {
      for (String line : Files.readAllLines(Path.of("/proc/meminfo"))) {
        if (line.startsWith("MemAvailable:")) {
          return number(line.replaceAll("\\D", "")) << 10;
        }
      }
    } catch (IOException e) {
      // no such file: not Linux
    }
    return Long.MAX_VALUE;
  }

  /** The environment block of a result. */
  public Map<String, Object> environment(TernaryRuntime runtime) throws IOException {
    JsonNode info = new ObjectMapper().readTree(runtime.infoJson());
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("cpu_model", info.get("device").asText());
    json.put("cpu_family_model_stepping", family());
    List<String> isas = new ArrayList<>();
    info.get("isas")
        .forEach(
            isa -> {
              if (isa.get("available").asBoolean()) {
                isas.add(isa.get("name").asText());
              }
            });
    json.put("isa", isas);
    json.put(
        "caches",
        caches.stream()
            .map(
                cache ->
                    "L"
                        + cache.level
                        + " "
                        + cache.type
                        + " "
                        + (cache.bytes >> 10)
                        + " KB, CPUs "
                        + cache.cpus)
            .distinct()
            .toList());
    json.put("cores", Runtime.getRuntime().availableProcessors());
    json.put("threads", info.get("threads").asInt());
    json.put("governor", line(CPUS.resolve("cpu0/cpufreq/scaling_governor")));
    json.put("huge_pages", line(Path.of("/sys/kernel/mm/transparent_hugepage/enabled")));
    json.put("memory_available_bytes", availableMemory());
    json.put("load_average", line(Path.of("/proc/loadavg")));
    json.put("os", System.getProperty("os.name") + " " + System.getProperty("os.version"));
    json.put(
        "jdk",
        System.getProperty("java.vm.name") + " " + System.getProperty("java.runtime.version"));
    json.put("version", info.get("version").asText());
    Map<String, String> knobs = new LinkedHashMap<>();
    info.get("settings")
        .forEach(
            setting -> {
              if (!setting.get("origin").asText().equals("default")) {
                knobs.put(setting.get("name").asText(), setting.get("value").asText());
              }
            });
    json.put("knobs", knobs);
    if (runtime.device().isCuda()) {
      json.put(
          "gpu",
          Map.of("name", runtime.device().name(), "capability", runtime.device().capability()));
      json.put("device_times", DeviceClock.tellsTime(runtime.device()));
    }
    json.put("tuning", new ObjectMapper().convertValue(info.path("tuning"), Object.class));
    return json;
  }

  private static String family() {
    try {
      String[] fields = new String[3];
      for (String line : Files.readAllLines(Path.of("/proc/cpuinfo"))) {
        String[] words = line.split("\\s*:\\s*", 2);
        int place = List.of("cpu family", "model", "stepping").indexOf(words[0].strip());
        if (place >= 0 && fields[place] == null && words.length > 1) {
          fields[place] = words[1];
        }
      }
      return String.join("/", fields[0], fields[1], fields[2]);
    } catch (IOException e) {
      return null;
    }
  }

  private static String line(Path file) {
    try {
      return Files.readString(file).strip();
    } catch (IOException e) {
      return null;
    }
  }

  private static long number(String digits) {
    return digits == null || digits.isEmpty() ? 0 : Long.parseLong(digits);
  }

  /** {@code 32768K}, {@code 1M}. */
  static long size(String text) {
    if (text == null || text.isEmpty()) {
      return 0;
    }
    int shift =
        switch (text.charAt(text.length() - 1)) {
          case 'K' -> 10;
          case 'M' -> 20;
          case 'G' -> 30;
          default -> 0;
        };
    return number(shift == 0 ? text : text.substring(0, text.length() - 1)) << shift;
  }
}
