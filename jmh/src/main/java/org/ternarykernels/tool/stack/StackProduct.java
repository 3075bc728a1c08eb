package org.ternarykernels.tool.stack;

import org.ternarykernels.Activation;
import org.ternarykernels.Alpha;
import org.ternarykernels.Layout;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.tool.problem.Shape;

/**
 * What the layers of one shape compute, and where their rows lie.
 *
 * @param codes -1, 0 and +1, row by row
 * @param norm weights of the norm before the product; null where there is none
 * @param eps of that norm
 * @param x rows of K
 * @param residual is added to x before the norm; null where there is none
 * @param y rows of N
 */
public record StackProduct(
    Shape shape,
    Layout layout,
    Activation activation,
    byte[] codes,
    Alpha alpha,
    float[] norm,
    float eps,
    TernaryBuffer x,
    TernaryBuffer residual,
    TernaryBuffer y) {
  /** Whether a residual and a norm come before the product. */
  public boolean normed() {
    return norm != null;
  }
}
