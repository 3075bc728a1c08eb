// A library with much static thread-local memory, as profilers and allocators have; glibc takes it out of every stack.
__thread char large[300 * 1024] __attribute__((tls_model("initial-exec")));
char* touch(void) { return large; }
