/**
 * Keeps the shipped libraries loadable on glibc 2.18 and later, though they are linked on a newer one.
 *
 * GCC 12's static libstdc++ and libgcc ask for _dl_find_object (glibc 2.35) and __libc_single_threaded (2.32); both are
 * defined here, hidden. Functions that moved into libc.so.6 with glibc 2.32 and 2.34 got new symbol versions there; the
 * linker sends our and libstdc++'s calls of them to __wrap_NAME (-Wl,--wrap, cmake/Portability.cmake), which calls the
 * version that every x86-64 glibc has. The library's users (a JVM among them) have libpthread and libdl loaded where
 * these are still separate.
 */
#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>

#include <cstdint>

/** NAME_old is NAME as of glibc 2.2.5; __wrap_NAME forwards to it. */
#define TERNARY_OLD(result, name, parameters, arguments)  \
  extern "C" result name##_old parameters;                \
  __asm__(".symver " #name "_old," #name "@GLIBC_2.2.5"); \
  extern "C" __attribute__((visibility("hidden"))) result __wrap_##name parameters { return name##_old arguments; }

TERNARY_OLD(int, pthread_create,
            (pthread_t * thread, const pthread_attr_t* attributes, void* (*start)(void*), void* data),
            (thread, attributes, start, data))
TERNARY_OLD(int, pthread_join, (pthread_t thread, void** result), (thread, result))
TERNARY_OLD(int, pthread_once, (pthread_once_t * once, void (*start)()), (once, start))
TERNARY_OLD(int, pthread_sigmask, (int how, const sigset_t* set, sigset_t* before), (how, set, before))
TERNARY_OLD(int, pthread_attr_setstacksize, (pthread_attr_t * attributes, size_t bytes), (attributes, bytes))
TERNARY_OLD(int, __pthread_key_create, (pthread_key_t * key, void (*destroy)(void*)), (key, destroy))
TERNARY_OLD(int, pthread_key_create, (pthread_key_t * key, void (*destroy)(void*)), (key, destroy))
TERNARY_OLD(void*, dlopen, (const char* file, int mode), (file, mode))
TERNARY_OLD(void*, dlsym, (void* library, const char* name), (library, name))
TERNARY_OLD(int, dladdr, (const void* address, Dl_info* info), (address, info))
TERNARY_OLD(int, dlclose, (void* library), (library))
TERNARY_OLD(char*, dlerror, (), ())

extern "C" {

/** libstdc++ skips atomic reference counts when this is not 0. */
__attribute__((visibility("hidden"))) char __libc_single_threaded = 0;

/** What libgcc's unwinder reads (dlfcn.h of glibc 2.35). */
struct FoundObject {
  unsigned long long flags;
  void* map_start;
  void* map_end;
  void* link_map;
  void* eh_frame;
  unsigned long long reserved[7];
};

static int find_object(dl_phdr_info* info, size_t, void* data) {
  auto* query = static_cast<FoundObject*>(data);
  const uintptr_t pc = reinterpret_cast<uintptr_t>(query->map_start);
  uintptr_t eh_frame = 0, start = 0, end = 0;
  bool inside = false;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr) & header = info->dlpi_phdr[i];
    const uintptr_t from = info->dlpi_addr + header.p_vaddr;
    if (header.p_type == PT_GNU_EH_FRAME) eh_frame = from;
    if (header.p_type != PT_LOAD) continue;
    if (end == 0) start = from;
    end = from + header.p_memsz;
    inside |= from <= pc && pc < end;
  }
  if (!inside || eh_frame == 0) return 0;
  query->map_start = reinterpret_cast<void*>(start);
  query->map_end = reinterpret_cast<void*>(end);
  query->link_map = nullptr;
  query->eh_frame = reinterpret_cast<void*>(eh_frame);
  return 1;
}

/** Defined under another C++ name: newer headers declare _dl_find_object with a type that older ones lack. */
__attribute__((visibility("hidden"))) int find_unwind_table(void* pc, FoundObject* result) __asm__("_dl_find_object");

int find_unwind_table(void* pc, FoundObject* result) {
  result->map_start = pc;
  result->flags = 0;
  return dl_iterate_phdr(find_object, result) == 1 ? 0 : -1;
}

}  // extern "C"
