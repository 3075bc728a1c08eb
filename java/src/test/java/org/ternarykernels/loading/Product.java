package org.ternarykernels.loading;

import java.util.Arrays;
import java.util.Map;
import java.util.function.Function;
import org.ternarykernels.Alpha;
import org.ternarykernels.DataType;
import org.ternarykernels.Isa;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryLinear;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.TernaryWeights;

/**
 * What an application does with the library, each in a class loader of its own: {@code open} a
 * runtime for an instruction set, {@code apply} a product, {@code close}. Known to the others by
 * JDK types alone.
 */
public final class Product implements Function<String, String> {
  private static final byte[] W = {1, 0, -1, 1, -1, 1, 1, 0, 0, 0, 1, -1};

  private TernaryRuntime runtime;

  @Override
  public String apply(String command) {
    switch (command) {
      case "version":
        return TernaryRuntime.version();
      case "available":
        return TernaryRuntime.isAvailable() + TernaryRuntime.unavailableReason();
      case "counts":
        Map<String, Long> counts = runtime.pathCounts();
        return counts.toString();
      case "apply":
        return product();
      case "close":
        runtime.close();
        return "";
      case "forget":
        return "";
      default:
        runtime = TernaryRuntime.builder().maxIsa(Isa.of(command)).threads(2).build();
        return "";
    }
  }

  private String product() {
    try (TernaryWeights weights = TernaryWeights.pack(W, 3, 4, Alpha.tensor(0.5f));
        TernaryLinear linear = TernaryLinear.builder(runtime, weights).build()) {
      TernaryBuffer y = TernaryBuffer.allocate(DataType.F32, 3);
      linear.apply(TernaryBuffer.copyOf(DataType.F32, 1f, 2f, 3f, 4f), y, 1);
      return Arrays.toString(y.toArray());
    }
  }
}
