/**
 * @file topology.h
 * @brief How many cores this process may use.
 */
#ifndef TERNARY_CORE_TOPOLOGY_H_
#define TERNARY_CORE_TOPOLOGY_H_

namespace ternary {

/**
 * Physical cores among the CPUs of the process's affinity mask, at most the CPU quota of its cgroup (v1 or v2, the
 * strictest of its ancestors) rounded up; at least 1. Two hyperthreads count once: they share the vector units.
 */
int available_cores();

}  // namespace ternary

#endif  // TERNARY_CORE_TOPOLOGY_H_
