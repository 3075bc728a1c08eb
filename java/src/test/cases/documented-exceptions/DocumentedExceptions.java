import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.Callable;
import org.ternarykernels.Activation;
import org.ternarykernels.Alpha;
import org.ternarykernels.AlphaKind;
import org.ternarykernels.CudaEvent;
import org.ternarykernels.CudaStream;
import org.ternarykernels.DataType;
import org.ternarykernels.DeviceBuffer;
import org.ternarykernels.Isa;
import org.ternarykernels.Layout;
import org.ternarykernels.Limit;
import org.ternarykernels.TernariseMethod;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryException;
import org.ternarykernels.TernaryLinear;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.TernaryWeights;
import org.ternarykernels.io.BitNetCheckpoint;
import org.ternarykernels.io.SafetensorsFile;
import org.ternarykernels.io.SafetensorsWriter;
import org.ternarykernels.io.Tensor;
import org.ternarykernels.io.TensorType;

/** Calls that must be refused, each by an exception that Javadoc names and with a sentence. */
public final class DocumentedExceptions {
  private static final Set<Class<?>> DOCUMENTED =
      Set.of(
          IllegalArgumentException.class,
          IllegalStateException.class,
          UncheckedIOException.class,
          TernaryException.class);

  private final Path folder;
  private final TernaryRuntime runtime = TernaryRuntime.builder().device("cpu").build();

  private DocumentedExceptions(Path folder) {
    this.folder = folder;
  }

  private static void refused(String call, Callable<?> body) {
    try {
      System.out.println("NOT REFUSED " + call + ": " + body.call());
    } catch (Throwable e) {
      boolean said = e.getMessage() != null && !e.getMessage().isBlank();
      String verdict = !DOCUMENTED.contains(e.getClass()) ? "UNDOCUMENTED" : said ? "ok" : "MUTE";
      System.out.println(verdict + " " + call + ": " + e);
    }
  }

  private static void refused(String call, Runnable body) {
    refused(
        call,
        () -> {
          body.run();
          return "returned";
        });
  }

  private Path checkpoint() throws IOException {
    Path model = Files.createDirectories(folder.resolve("model"));
    Files.writeString(
        model.resolve("config.json"),
        "{\"quantization_config\":{\"quant_method\":\"bitnet\",\"linear_class\":\"autobitlinear\"},"
            + "\"x\":1.5,\"big\":1e999999999}");
    new SafetensorsWriter()
        .put("a.weight", TensorType.U8, new byte[16], 1, 16)
        .put("a.weight_scale", new float[] {1}, 1)
        .put("b.weight", TensorType.U8, new byte[16], 1, 16)
        .put("b.weight_scale", TensorType.F32, new byte[0], 0)
        .put("i", TensorType.I64, new byte[8], 1)
        .write(model.resolve("model.safetensors"));
    return model;
  }

  private void models() throws IOException {
    Path path = checkpoint();
    BitNetCheckpoint model = BitNetCheckpoint.open(path);
    refused("stack()", () -> model.stack());
    refused("stack(null)", () -> model.stack((BitNetCheckpoint.Matrix) null));
    refused("stack(unnamed)", () -> model.stack(new BitNetCheckpoint.Matrix(null, 4)));
    refused("weights(null)", () -> model.weights(null, 4));
    for (long n : new long[] {0, 5, Long.MIN_VALUE, Long.MAX_VALUE}) {
      refused("weights(" + n + ")", () -> model.weights("a", n));
    }
    refused("weights without a scale", () -> model.weights("b", 4));
    refused("floats(null)", () -> model.floats(null));
    refused("configInt(null)", () -> model.configInt(null));
    refused("configInt of 1.5", () -> model.configInt("x"));
    refused("configDouble of 1e999999999", () -> model.configDouble("big"));
    Tensor tensor = model.tensors().tensor("i");
    refused("copyTo(null)", () -> tensor.copyTo(0, null));
    refused("copyTo(read-only)", () -> tensor.copyTo(0, ByteBuffer.allocate(8).asReadOnlyBuffer()));
    model.close();
    refused("a closed model", () -> model.weights("a", 4));
    refused("TensorType.of(null)", () -> TensorType.of(null));
    refused("a model that is a file", () -> BitNetCheckpoint.open(path.resolve("config.json")));
    Files.delete(path.resolve("config.json"));
    Files.createSymbolicLink(path.resolve("config.json"), Path.of("/dev/zero"));
    refused("config.json without end", () -> BitNetCheckpoint.open(path));
  }

  private void files() {
    refused("a name of half a character", () -> written("half", "\ud800"));
    refused(
        "metadata beyond the header",
        () -> new SafetensorsWriter().metadata("k", "v".repeat(110_000_000)).write(file("large")));
    for (String path : new String[] {"", "/", folder.toString(), "x".repeat(256)}) {
      try (TernaryWeights weights = TernaryWeights.pack(new byte[16], 1, 16, Alpha.tensor(1))) {
        refused("save(" + path + ")", () -> weights.save(Path.of(path)));
      }
      refused("writeReport(" + path + ")", () -> TernaryRuntime.writeReport(Path.of(path)));
    }
    for (String path : new String[] {folder.toString(), "/dev/zero", "/proc/self/mem"}) {
      refused("load(" + path + ")", () -> TernaryWeights.load(Path.of(path)));
      refused("open(" + path + ")", () -> SafetensorsFile.open(Path.of(path)));
    }
    refused("open(/proc/self/maps)", () -> SafetensorsFile.open(Path.of("/proc/self/maps")));
    refused("a report that is a folder", () -> TernaryRuntime.builder().pathReport(folder).build());
    refused(
        "a report of two lines",
        () -> TernaryRuntime.builder().pathReport(Path.of("a\nb")).build());
  }

  private Path file(String name) {
    return folder.resolve(name);
  }

  private Object written(String file, String tensor) {
    new SafetensorsWriter().put(tensor, new float[0], 0).write(file(file));
    return SafetensorsFile.open(file(file)).names();
  }

  private void runtimes() {
    for (String device : new String[] {"cpu\0", "cpu\u0085", "\ud800", "x".repeat(1 << 20)}) {
      refused("a device of its own", () -> TernaryRuntime.builder().device(device).build());
    }
    for (int threads : new int[] {0, -1, Integer.MIN_VALUE, Integer.MAX_VALUE}) {
      refused("threads " + threads, () -> TernaryRuntime.builder().threads(threads).build());
    }
    refused("Isa.of(null)", () -> Isa.of(null));
    refused("Isa.of(\"\")", () -> Isa.of(""));
    refused(
        "predict without a model", () -> runtime.predict(null, Layout.I2S, Activation.A8, 1, 1, 1));
    refused("a layout for -1 rows", () -> runtime.chooseLayout(Activation.A8, 16, 16, -1));
    refused("a limit of 2^40", () -> runtime.measureLimit(Limit.READ, 1, 1L << 40, 1));
    refused("a stream of the CPU", () -> CudaStream.create(runtime));
    refused("a stream of null", () -> CudaStream.create(null));
    refused("an event of the CPU", () -> CudaEvent.create(runtime));
    refused("memory of a GPU on the CPU", () -> DeviceBuffer.allocate(runtime, DataType.F32, 1));
    try (TernaryWeights weights = TernaryWeights.pack(new byte[16], 1, 16, Alpha.tensor(1));
        TernaryLinear linear = TernaryLinear.builder(runtime, weights).build()) {
      refused("no operands", () -> linear.apply((DeviceBuffer) null, null, 1, null));
      refused("2^31-1 rows", () -> linear.apply(new float[16], Integer.MAX_VALUE));
    }
  }

  private void scales() {
    int most = Integer.MAX_VALUE;
    refused("segments too long", () -> Alpha.segments(new int[] {most, most}, new float[2]));
    refused("segments of nothing", () -> Alpha.segments(new int[0], new float[0]));
    refused("a segment of nothing", () -> Alpha.segments(new int[] {0}, new float[] {1}));
    refused("a group of 2^63-1", () -> Alpha.group(Long.MAX_VALUE, 1f));
    TernaryBuffer dense = TernaryBuffer.allocate(DataType.F32, 16);
    for (long group : new long[] {0, -32, 33, Long.MIN_VALUE}) {
      refused("a group of " + group, () -> Alpha.group(group, 1f));
      refused(
          "ternarise by " + group,
          () ->
              TernaryWeights.ternarise(
                  dense, 1, 16, TernariseMethod.ABSMEAN, AlphaKind.GROUP, group));
    }
  }

  private static void buffers() {
    for (long size : new long[] {-1, 1L << 44, (1L << 61) - 1, 1L << 62}) {
      refused("allocate(" + size + ")", () -> TernaryBuffer.allocate(DataType.F32, size));
    }
    refused("a length of -1", () -> TernaryBuffer.ofAddress(16, -1, DataType.I8, null));
    refused("an address of -1", () -> TernaryBuffer.ofAddress(-1, 5, DataType.I8, null));
    ByteBuffer bytes = ByteBuffer.allocateDirect(8);
    refused("characters", () -> TernaryBuffer.of(bytes.asCharBuffer(), DataType.F16));
    refused("longs", () -> TernaryBuffer.of(bytes.asLongBuffer(), DataType.I8));
    TernaryBuffer four = TernaryBuffer.allocate(DataType.F32, 4);
    refused("a slice from 2^63-1", () -> four.slice(Long.MAX_VALUE, 1));
    refused("a slice of 2^63-1", () -> four.slice(2, Long.MAX_VALUE));
    for (long index : new long[] {-1, 4, Long.MIN_VALUE, Long.MAX_VALUE}) {
      refused("get(" + index + ")", () -> four.get(index));
    }
    TernaryBuffer codes = TernaryBuffer.allocate(DataType.I8, 4);
    refused("NaN in I8", () -> codes.put(0, Float.NaN));
    refused("300 in I8", () -> codes.put(0, new float[] {1, 2, 300, 4}));
    refused("0.5 in I8", () -> TernaryBuffer.copyOf(DataType.I8, 0.5f));
    refused("F8 from floats", () -> TernaryBuffer.copyOf(DataType.F8_E4M3, 0.5f));
  }

  public static void main(String[] arguments) throws IOException {
    DocumentedExceptions calls = new DocumentedExceptions(Path.of(arguments[0]));
    calls.models();
    calls.files();
    calls.runtimes();
    calls.scales();
    buffers();
  }
}
