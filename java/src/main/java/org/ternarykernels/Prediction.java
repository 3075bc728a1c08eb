package org.ternarykernels;

import org.ternarykernels.internal.NativeMemory;
import org.ternarykernels.internal.Scratch;

/**
 * What the cost model that chooses a GPU's kernels expects of a product. Times are microseconds; a
 * call takes its launches and the larger of the other two.
 *
 * @param micros of the whole call
 * @param launchMicros of starting the kernels
 * @param byteMicros of reading and writing memory at the device's bandwidth
 * @param instructionMicros of issuing the instructions, of the pipe that needs longest
 * @param splits CTAs (thread blocks) that share K
 * @param kernel that would serve, for example "gemv_a8_i2s"
 * @param device the model's row, for example "H100"
 */
public record Prediction(
    double micros,
    double launchMicros,
    double byteMicros,
    double instructionMicros,
    long splits,
    String kernel,
    String device) {
  /** Bytes of the text members of {@code ternary_prediction}, which follow its five numbers. */
  private static final int KERNEL_BYTES = 64;

  private static final int DEVICE_BYTES = 32;
  private static final int NUMBERS = 5;
  static final int STRUCT_BYTES = NUMBERS * Long.BYTES + KERNEL_BYTES + DEVICE_BYTES;

  /** Reads a {@code ternary_prediction}. */
  static Prediction of(Scratch struct) {
    var numbers = struct.window(0, NUMBERS * Long.BYTES);
    long text = struct.address() + NUMBERS * Long.BYTES;
    return new Prediction(
        numbers.getDouble(0),
        numbers.getDouble(8),
        numbers.getDouble(16),
        numbers.getDouble(24),
        numbers.getLong(32),
        NativeMemory.string(text),
        NativeMemory.string(text + KERNEL_BYTES));
  }
}
