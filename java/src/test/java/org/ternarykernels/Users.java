package org.ternarykernels;

/** How many calls and layers use weights now, for tests in other packages. */
public final class Users {
  private Users() {}

  public static int of(TernaryWeights weights) {
    return weights.handle().users();
  }
}
