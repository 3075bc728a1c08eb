package org.ternarykernels.tool.load;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.IntSupplier;
import org.ternarykernels.tool.measure.GpuMeter;
import org.ternarykernels.tool.output.RunFolder;

/**
 * Writes every half second what the process takes of the machine: CPU, memory, memory and power of
 * the GPU. A sample that cannot be written ends the samples and nothing else.
 */
final class ResourceSamples implements AutoCloseable {
  static final String FILE = "samples.jsonl";

  private static final long EVERY_MILLIS = 500;
  private static final Path STATUS = Path.of("/proc/self/status");

  private final RunFolder folder;
  private final GpuMeter gpu;
  private final int users;
  private final IntSupplier depth;
  private final long begin = System.nanoTime();
  private final Thread thread;
  private long lastNanos = begin;
  private Duration lastCpu = cpu();
  private final CountDownLatch ended = new CountDownLatch(1);

  /**
   * @param folder receives the samples; null: nothing is sampled
   */
  ResourceSamples(RunFolder folder, GpuMeter gpu, int users, IntSupplier depth) {
    this.folder = folder;
    this.gpu = gpu;
    this.users = users;
    this.depth = depth;
    thread = new Thread(this::sample, "samples resources");
    thread.setDaemon(true);
    if (folder != null) {
      thread.start();
    }
  }

  private void sample() {
    try {
      while (!ended.await(EVERY_MILLIS, TimeUnit.MILLISECONDS)) {
        folder.append(FILE, next());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IOException e) {
      ended.countDown(); // the rows will say that the folder cannot be written
    }
  }

  private Map<String, Object> next() throws IOException {
    long now = System.nanoTime();
    Duration used = cpu();
    Map<String, Object> sample = new LinkedHashMap<>();
    sample.put("seconds", (now - begin) / 1e9);
    sample.put("users", users);
    sample.put("cpu_percent", 100.0 * used.minus(lastCpu).toNanos() / (now - lastNanos));
    sample.put("memory_bytes", memory());
    sample.put("gpu_memory_bytes", gpu.memoryBytes());
    sample.put("gpu_watts", gpu.watts());
    sample.put("queue_depth", depth.getAsInt());
    lastNanos = now;
    lastCpu = used;
    return sample;
  }

  private static Duration cpu() {
    return ProcessHandle.current().info().totalCpuDuration().orElse(Duration.ZERO);
  }

  /** Bytes of memory that the process has in use; null if the system does not say. */
  private static Long memory() throws IOException {
    if (!Files.exists(STATUS)) {
      return null;
    }
    return Files.readAllLines(STATUS).stream()
        .filter(line -> line.startsWith("VmRSS:"))
        .map(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
        .findFirst()
        .orElse(null);
  }

  @Override
  public void close() {
    ended.countDown(); // no interrupt: it would cut the line off that is being written
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
