package org.ternarykernels.tool.verify;

/**
 * What passes: errors within the derived bound, or within limits that the user gave instead.
 *
 * @param maxAbs null for none
 * @param maxRel null for none
 */
public record VerifyLimits(Double maxAbs, Double maxRel) {
  public boolean derived() {
    return maxAbs == null && maxRel == null;
  }

  boolean accept(ErrorStatistics errors) {
    return errors.nonFinite == 0
        && (!derived() || errors.maxOfBound <= 1)
        && (maxAbs == null || errors.maxAbs <= maxAbs)
        && (maxRel == null || errors.maxRel <= maxRel);
  }
}
