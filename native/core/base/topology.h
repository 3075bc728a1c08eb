/**
 * @file topology.h
 * @brief How many cores and how much memory this process may use.
 */
#ifndef TERNARY_CORE_BASE_TOPOLOGY_H_
#define TERNARY_CORE_BASE_TOPOLOGY_H_

#include <sched.h>

#include <cstdint>
#include <vector>

namespace ternary {

/** A set of CPUs of any size, for sched_setaffinity(); empty if the system does not tell. */
using CpuMask = std::vector<cpu_set_t>;

/** The CPUs that a thread of this process may run on; 0 is the calling thread. */
CpuMask affinity_of(pid_t thread);

/**
 * The CPUs that the process may run on: those of its first thread, whichever thread asks. A caller may be pinned to one
 * CPU, and workers that had to share it with their caller would help nobody.
 */
CpuMask process_affinity();

/** Whether two masks name the same CPUs, whatever their sizes. */
bool same_cpus(const CpuMask& one, const CpuMask& other);

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

/** Bytes of the machine's memory, at most the limit of the process's cgroup (v1 or v2, the strictest of its ancestors). */
int64_t available_memory();

}  // namespace ternary

#endif  // TERNARY_CORE_BASE_TOPOLOGY_H_
