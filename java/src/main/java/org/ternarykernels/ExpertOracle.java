package org.ternarykernels;

import org.jspecify.annotations.Nullable;
import org.ternarykernels.internal.Checks;
import org.ternarykernels.internal.StackReserve;

/**
 * The slow reference of routers and layers of experts, as {@link Oracle} is that of layers: plain
 * C++ that follows the numerics contract line by line, on the calling thread. With activations A8,
 * and for routers, every kernel must give exactly these bits (NaNs compared as a class).
 *
 * @since 0.2.0
 */
public final class ExpertOracle {
  private ExpertOracle() {}

  /**
   * What a layer of experts must give. Parameters and errors as for {@link
   * MoeLayer#apply(TernaryBuffer, long, TernaryBuffer, Routing, TernaryBuffer, TernaryBuffer, long,
   * TernaryBuffer, long, long)}, but for its runtime, which is not used.
   *
   * @param layer to apply
   * @param x as there
   * @param ldx as there
   * @param xScale as there
   * @param routing as there
   * @param residual as there
   * @param residualOut as there
   * @param ldResidual as there
   * @param y as there
   * @param ldy as there
   * @param m as there
   */
  public static void moe(
      MoeLayer layer,
      TernaryBuffer x,
      long ldx,
      @Nullable TernaryBuffer xScale,
      Routing routing,
      @Nullable TernaryBuffer residual,
      @Nullable TernaryBuffer residualOut,
      long ldResidual,
      TernaryBuffer y,
      long ldy,
      long m) {
    Checks.notNull("layer", layer)
        .state()
        .applyOracle(x, ldx, xScale, routing, residual, residualOut, ldResidual, y, ldy, m);
  }

  /**
   * What {@link Experts#route(Router, TernaryBuffer, long, Routing, long)} must give. Parameters
   * and errors as there.
   *
   * @param router as there
   * @param x as there
   * @param ldx as there
   * @param routing as there
   * @param m as there
   */
  public static void route(Router router, TernaryBuffer x, long ldx, Routing routing, long m) {
    Checks.notNull("router", router).check(x, ldx, routing, false, m);
    StackReserve.forCall();
    NativeRouteCall.route(NativeCall.ORACLE, router, x, ldx, routing, m);
  }

  /**
   * What {@link Experts#align} must give. Parameters and errors as there.
   *
   * @param routing as there
   * @param experts as there
   * @param slots as there
   * @param offsets as there
   * @param m as there
   */
  public static void align(
      Routing routing, long experts, TernaryBuffer slots, TernaryBuffer offsets, long m) {
    ExpertChecks.align(routing, experts, slots, offsets, false, m);
    StackReserve.forCall();
    NativeRouteCall.align(NativeCall.ORACLE, routing, experts, slots, offsets, m);
  }

  /**
   * What {@link Experts#combine} must give. Parameters and errors as there.
   *
   * @param d as there
   * @param ldd as there
   * @param routing as there
   * @param experts as there
   * @param h as there
   * @param scaling as there
   * @param residual as there
   * @param residualOut as there
   * @param ldResidual as there
   * @param y as there
   * @param ldy as there
   * @param m as there
   */
  public static void combine(
      TernaryBuffer d,
      long ldd,
      Routing routing,
      long experts,
      long h,
      float scaling,
      @Nullable TernaryBuffer residual,
      @Nullable TernaryBuffer residualOut,
      long ldResidual,
      TernaryBuffer y,
      long ldy,
      long m) {
    ExpertChecks.combine(
        d, ldd, routing, experts, h, residual, residualOut, ldResidual, y, ldy, false, m);
    StackReserve.forCall();
    NativeCombineCall.combine(
        NativeCall.ORACLE,
        d,
        ldd,
        routing,
        experts,
        h,
        scaling,
        residual,
        residualOut,
        ldResidual,
        y,
        ldy,
        m);
  }
}
