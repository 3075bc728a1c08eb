/**
 * @file backend.h
 * @brief Finds and loads a backend library from the folder this library lies in.
 */
#ifndef TERNARY_CORE_BACKEND_H_
#define TERNARY_CORE_BACKEND_H_

#include "core/kernel.h"

namespace ternary {

/** The CPU backend, loaded at the first call and kept; throws a Failure if it is missing or of another version. */
const Backend& cpu_backend();

}  // namespace ternary

#endif  // TERNARY_CORE_BACKEND_H_
