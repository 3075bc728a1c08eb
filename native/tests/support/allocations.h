/**
 * @file allocations.h
 * @brief Counts what a program allocates: linked into it, allocations.cc replaces every function that gives memory.
 */
#ifndef TERNARY_TESTS_SUPPORT_ALLOCATIONS_H_
#define TERNARY_TESTS_SUPPORT_ALLOCATIONS_H_

#include <cstdint>

namespace ternary::test {

/** Of all threads, from the start of the process. */
int64_t allocations();

/** Of the calling thread, but for those while `ignored` said so. */
int64_t allocations_of_thread();

/** Whether what the calling thread allocates now is not to be counted as its own; null: everything is. */
extern int (*ignored)();

}  // namespace ternary::test

#endif  // TERNARY_TESTS_SUPPORT_ALLOCATIONS_H_
