/**
 * @file topology.h
 * @brief How many cores this process may use.
 */
#ifndef TERNARY_CORE_TOPOLOGY_H_
#define TERNARY_CORE_TOPOLOGY_H_

#include <cstdint>

namespace ternary {

/**
 * Physical cores among the CPUs of the process's affinity mask, at most the CPU quota of its cgroup (v1 or v2, the
 * strictest of its ancestors) rounded up; at least 1. Two hyperthreads count once: they share the vector units.
 */
int available_cores();

/**
 * Bytes of the last-level caches next to the CPUs of the process's affinity mask, at most as many of them as `cores`;
 * 0 if the system does not say. Other processes and, in a virtual machine, neighbours may use part of it.
 */
int64_t last_level_cache_bytes(int cores);

}  // namespace ternary

#endif  // TERNARY_CORE_TOPOLOGY_H_
