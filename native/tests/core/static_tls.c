/* Preloaded by tests: takes BYTES out of every thread's stack, as a profiler or an allocator may. */
#include <stddef.h>

__thread char taken[BYTES] __attribute__((tls_model("initial-exec")));

char* touch(void);
char* touch(void) { return taken; }

#ifdef HIDES_MINIMUM /* as a C library that does not tell what it takes */
size_t __pthread_get_minstack(const void* attributes);
size_t __pthread_get_minstack(const void* attributes) { return attributes == NULL; }
#endif
