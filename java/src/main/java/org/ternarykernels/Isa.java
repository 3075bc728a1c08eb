package org.ternarykernels;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;
import org.ternarykernels.internal.Checks;

/** Instruction sets that kernels are written for: of two that a machine has, the later serves. */
public enum Isa {
  /** Plain C++. */
  PORTABLE,
  /** AVX2 with FMA and F16C. */
  AVX2,
  /** AVX-VNNI on 256-bit registers. */
  AVXVNNI,
  /** AVX-512 with VNNI. */
  AVX512VNNI,
  /** AMX-INT8. */
  AMX;

  /**
   * The name used by {@code TERNARY_MAX_ISA}, the counters and the command line.
   *
   * @return for example {@code "avx2"}
   */
  public String id() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * The instruction set of a name.
   *
   * @param id the {@link #id()} of one of them
   * @return the instruction set
   * @throws IllegalArgumentException if there is none of this name
   */
  public static Isa of(String id) {
    Checks.notNull("id", id);
    for (Isa isa : values()) {
      if (isa.id().equals(id)) {
        return isa;
      }
    }
    throw new IllegalArgumentException(
        "isa is \""
            + id
            + "\", must be one of "
            + Arrays.stream(values()).map(Isa::id).collect(Collectors.joining(", ")));
  }
}
