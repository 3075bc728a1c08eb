package org.ternarykernels.internal;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class CudaPresetsTest {
  @Test
  void presetsOfAnotherClassLoaderAreNamedAsSuch() {
    Error taken =
        new UnsatisfiedLinkError(
            "Native Library /x/libjnicudart.so already loaded in another classloader");
    assertThat(CudaPresets.advice(new ExceptionInInitializerError(taken)))
        .contains("another class loader of this process has them", "one only");
    assertThat(CudaPresets.advice(new ClassNotFoundException("org.bytedeco.cuda.global.cudart")))
        .contains("must be on the class path");
  }
}
