/** Matrix products with ternary weights on CPUs. */
module org.ternarykernels {
  requires transitive org.bytedeco.javacpp; // TernaryBuffer.of(Pointer)
  requires com.fasterxml.jackson.core;
  requires org.slf4j;
  requires jdk.jfr;
  requires static micrometer.core; // optional, and not transitive: a user without it could not compile

  exports org.ternarykernels;
  exports org.ternarykernels.io;
  exports org.ternarykernels.micrometer;
}
