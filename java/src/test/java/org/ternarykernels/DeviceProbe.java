package org.ternarykernels;

/**
 * Run by {@link CudaMissingTest} in a JVM of its own: opens devices and says what came of it, a
 * line each.
 */
public final class DeviceProbe {
  private DeviceProbe() {}

  /**
   * @param actions each {@code open:DEVICE}, {@code product:DEVICE}, {@code buffer:DEVICE} or
   *     {@code mixed:DEVICE,DEVICE}
   */
  public static void main(String[] actions) {
    for (String action : actions) {
      int colon = action.indexOf(':');
      String device = action.substring(colon + 1);
      try {
        System.out.println(
            action
                + " gives "
                + switch (action.substring(0, colon)) {
                  case "open" -> open(device);
                  case "product" -> product(device);
                  case "buffer" -> buffer(device);
                  case "mixed" -> mixed(device.split(",")[0], device.split(",")[1]);
                  default -> throw new IllegalArgumentException("unknown action " + action);
                });
      } catch (RuntimeException | LinkageError e) {
        System.out.println(
            action + " throws " + e.getClass().getSimpleName() + ": " + e.getMessage());
      }
    }
  }

  private static TernaryRuntime runtime(String device) {
    return TernaryRuntime.builder().device(device).build();
  }

  private static String open(String device) {
    try (TernaryRuntime runtime = runtime(device)) {
      Device found = runtime.device();
      return (found.isCuda() ? "cuda:" + found.ordinal() : "cpu") + " because " + found.reason();
    }
  }

  private static String product(String device) {
    try (TernaryRuntime runtime = runtime(device);
        TernaryWeights weights =
            TernaryWeights.pack(new byte[] {1, -1, 0, 1}, 1, 4, Alpha.tensor(1));
        TernaryLinear linear = TernaryLinear.builder(runtime, weights).bias(0.5f).build()) {
      return "about " + Math.round(linear.apply(new float[] {1, 2, 3, 4}, 1)[0] * 10);
    }
  }

  private static String buffer(String device) {
    try (TernaryRuntime runtime = runtime(device);
        DeviceBuffer buffer = DeviceBuffer.allocate(runtime, DataType.F32, 4)) {
      return buffer.elements() + " elements of cuda:" + buffer.device();
    }
  }

  /** A layer of one device is given buffers of another. */
  private static String mixed(String device, String other) {
    try (TernaryRuntime runtime = runtime(device);
        TernaryRuntime otherRuntime = runtime(other);
        CudaStream stream = CudaStream.create(runtime);
        CudaStream otherStream = CudaStream.create(otherRuntime);
        DeviceBuffer x = DeviceBuffer.allocate(otherRuntime, DataType.F32, 4);
        DeviceBuffer y = DeviceBuffer.allocate(runtime, DataType.F32, 1);
        DeviceBuffer ownX = DeviceBuffer.allocate(runtime, DataType.F32, 4);
        TernaryWeights weights = TernaryWeights.pack(new byte[4], 1, 4, Alpha.tensor(1));
        TernaryLinear linear = TernaryLinear.builder(runtime, weights).build()) {
      linear.apply(ownX, y, 1, stream);
      stream.synchronize();
      try {
        linear.apply(ownX, y, 1, otherStream);
        return "a call on another device's stream";
      } catch (IllegalArgumentException e) {
        if (!e.getMessage().equals("the stream is of cuda:1, must be of cuda:0")) {
          throw e;
        }
      }
      linear.apply(x, y, 1, stream);
      return "a call on another device's buffer";
    }
  }
}
