/** Matrix products with ternary weights on CPUs and NVIDIA GPUs. */
@SuppressWarnings("module") // org.ternarykernels.cuda is another jar, which requires this module
module org.ternarykernels {
  requires transitive org.bytedeco.javacpp; // TernaryBuffer.of(Pointer)
  requires com.fasterxml.jackson.core;
  requires org.slf4j;
  requires static jdk.jfr; // trimmed JREs have no flight recorder
  requires static org.jspecify; // annotations, which no one needs to run
  requires static micrometer
      .core; // optional, and not transitive: a user without it could not compile
  requires static org.bytedeco
      .cuda; // DeviceBuffer and CudaStream; the CUDA jar's module requires it

  exports org.ternarykernels;
  exports org.ternarykernels.io;
  exports org.ternarykernels.micrometer;
  exports org.ternarykernels.natives to
      org.ternarykernels.cuda;

  uses org.ternarykernels.natives.NativeFiles;
}
