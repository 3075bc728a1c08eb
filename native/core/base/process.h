/**
 * @file process.h
 * @brief What one copy of the core knows of its place in the process, which may hold several: one a Java class loader.
 */
#ifndef TERNARY_CORE_BASE_PROCESS_H_
#define TERNARY_CORE_BASE_PROCESS_H_

#include <cstdint>
#include <string>

#include "core/base/mutex.h"

namespace ternary {

/** Guards what belongs to this copy as a whole; fork() waits for it, so that a child finds it free. */
extern Mutex process_mutex;

/** ternary_configure_process(); `folder` null: the folder of the library that the core is in. Takes the mutex. */
void configure_process(const char* folder, int32_t copy);

/** The folder of the backends, with a slash at its end; empty if it cannot be told. The mutex is held. */
std::string backend_folder(const MutexLock& lock);

/** From now on the configuration stays as it is. The mutex is held. */
void fix_process(const MutexLock& lock);

/** Forks that led to this process. What threads or a GPU made before the last of them is of no use here. */
int forks();

/** In the child of a fork, before anything else of this copy runs. */
void count_fork();

/** `path` with `{pid}` expanded and, in the n-th copy of the process, "-n" before its extension. */
std::string report_file(const std::string& path);

}  // namespace ternary

#endif  // TERNARY_CORE_BASE_PROCESS_H_
