package org.ternarykernels.loading;

import org.ternarykernels.TernaryRuntime;

/** Says why the library cannot be used. */
public final class AvailabilityProbe {
  private AvailabilityProbe() {}

  public static void main(String[] arguments) {
    System.out.println(TernaryRuntime.unavailableReason());
  }
}
