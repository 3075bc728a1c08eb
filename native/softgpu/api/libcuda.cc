// The stub of the driver: NVIDIA's presets for the JVM need a library of its name, and call nothing of it that our
// tests use. What it lacks fails when it is called, by name.
extern "C" {

int cuInit(unsigned int) { return 0; }

int cuDriverGetVersion(int* version) {
  if (version == nullptr) return 1;  // CUDA_ERROR_INVALID_VALUE
  *version = 13010;
  return 0;
}

}  // extern "C"
