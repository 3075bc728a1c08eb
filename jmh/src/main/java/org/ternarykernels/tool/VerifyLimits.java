package org.ternarykernels.tool;

/**
 * What passes: errors within the derived bound, or within limits that the user gave instead.
 *
 * @param maxAbs null for none
 * @param maxRel null for none
 */
record VerifyLimits(Double maxAbs, Double maxRel) {
  boolean derived() {
    return maxAbs == null && maxRel == null;
  }

  boolean accept(ErrorStatistics errors) {
    return errors.nonFinite == 0
        && (!derived() || errors.maxOfBound <= 1)
        && (maxAbs == null || errors.maxAbs <= maxAbs)
        && (maxRel == null || errors.maxRel <= maxRel);
  }
}
