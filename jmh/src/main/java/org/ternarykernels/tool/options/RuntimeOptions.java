package org.ternarykernels.tool.options;

import java.util.Arrays;
import java.util.Iterator;
import org.ternarykernels.Activation;
import org.ternarykernels.Isa;
import org.ternarykernels.TernaryRuntime;
import picocli.CommandLine;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** Options of the commands that compute. */
public final class RuntimeOptions {
  private static final int MOST_THREADS = 1024;

  /** What {@code --device} may be. */
  public static final String DEVICES = "cpu|auto|cuda(:\\d{1,2})?";

  /** Names of instruction sets as in {@code TERNARY_MAX_ISA}. */
  public static final class IsaName implements ITypeConverter<Isa> {
    @Override
    public Isa convert(String value) {
      try {
        return Isa.of(value);
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(e.getMessage());
      }
    }
  }

  /** An activation by its text. */
  public static final class ActivationName implements ITypeConverter<Activation> {
    @Override
    public Activation convert(String value) {
      try {
        return Activation.parse(value);
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(e.getMessage());
      }
    }
  }

  /** Every name, for help. */
  public static final class IsaNames implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return Arrays.stream(Isa.values()).map(Isa::id).iterator();
    }
  }

  @Option(
      names = "--isa",
      paramLabel = "NAME",
      converter = IsaName.class,
      completionCandidates = IsaNames.class,
      description =
          "Highest instruction set to use: ${COMPLETION-CANDIDATES}. "
              + "One that this machine lacks is an error. The result has the same bits with each.")
  public Isa isa;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description =
          "Threads of a call (default: the process's physical cores). Same bits with any number.")
  public Integer threads;

  @Option(
      names = "--device",
      paramLabel = "DEVICE",
      description =
          "Where the ternary layers are computed: cpu (default), cuda or cuda:N (a GPU by number),"
              + " auto (a GPU if one can serve). What lies between layers, attention included,"
              + " stays on the CPU. A8 has the same bits on each.")
  public String device;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  public TernaryRuntime open() {
    return openCapped(isa);
  }

  /**
   * @param cap highest instruction set, or null for any
   */
  public TernaryRuntime openCapped(Isa cap) {
    try {
      return builder(cap).build();
    } catch (IllegalArgumentException e) { // a setting, perhaps of the environment
      throw new CommandLine.ParameterException(command.commandLine(), e.getMessage(), e);
    }
  }

  /**
   * @param cap highest instruction set, or null for any
   */
  public TernaryRuntime.Builder builder(Isa cap) {
    TernaryRuntime.Builder builder = TernaryRuntime.builder();
    if (cap != null) {
      builder.maxIsa(cap);
    }
    if (device != null) {
      require(
          device.matches(DEVICES),
          command.commandLine(),
          "--device",
          "\"" + device + "\"",
          "cpu, cuda, cuda:N or auto");
      builder.device(device);
    }
    if (threads != null) {
      require(
          threads >= 1 && threads <= MOST_THREADS,
          command.commandLine(),
          "--threads",
          threads,
          "1 to " + MOST_THREADS);
      builder.threads(threads);
    }
    return builder;
  }

  /** Refuses an option's value that is out of range, as wrong usage. */
  public static void require(
      boolean valid, CommandLine command, String option, Object value, String rule) {
    if (!valid) {
      throw new CommandLine.ParameterException(
          command, option + " is " + value + ", must be " + rule);
    }
  }
}
