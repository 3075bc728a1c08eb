package org.ternarykernels.cuda;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import org.ternarykernels.natives.NativeFiles;

/**
 * The GPU kernels of every architecture that the build was asked for, and the CUDA runtime they
 * need.
 */
public final class CudaNatives implements NativeFiles {
  private static final String PLATFORM = "linux-x86_64";

  /** For {@link java.util.ServiceLoader}. */
  public CudaNatives() {}

  @Override
  public String platform() {
    return PLATFORM;
  }

  @Override
  public String contents() throws IOException {
    try (InputStream in = open("natives.txt")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  @Override
  public InputStream open(String name) throws IOException {
    InputStream in = CudaNatives.class.getResourceAsStream(PLATFORM + "/" + name);
    if (in == null) {
      throw new FileNotFoundException(name + " is not in the jar with the CUDA libraries");
    }
    return in;
  }
}
