package org.ternarykernels.tool.sweep;

/** The knobs that do nothing on some devices: where a profile of nothing else is not run. */
enum KnobTarget {
  TERNARY_MAX_ISA(0),
  TERNARY_NUM_THREADS(0),
  TERNARY_MAX_SCRATCH(0),
  TERNARY_TUNING(0),
  TERNARY_I2S_SPLITS(8),
  TERNARY_PREFILL_SKIP_M(8),
  TERNARY_COST_RESIDUALS(8),
  TERNARY_ENABLE_PDL(9),
  TERNARY_CUTLASS(10);

  /** Least compute capability of a GPU that it is for; 0: it is for CPUs. */
  private final int capability;

  KnobTarget(int capability) {
    this.capability = capability;
  }

  /**
   * @return why a knob does nothing there; empty if it may do something
   */
  static String idle(String knob, SweepMachine machine) {
    for (KnobTarget target : values()) {
      if (target.name().equals(knob)) {
        return target.idle(machine);
      }
    }
    return "";
  }

  private String idle(SweepMachine machine) {
    if (capability == 0) {
      return machine.hasGpu() ? "needs the CPU as device" : "";
    }
    if (!machine.hasGpu()) {
      return "needs a GPU";
    }
    int has = Integer.parseInt(machine.capability().split("\\.")[0]);
    return has >= capability ? "" : "needs a GPU of capability " + capability + ".0";
  }
}
