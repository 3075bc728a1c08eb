/**
 * @file backend.h
 * @brief Finds and loads a backend library from the folder this library lies in.
 */
#ifndef TERNARY_CORE_BACKEND_H_
#define TERNARY_CORE_BACKEND_H_

#include <string>

#include "core/cuda_kernel.h"
#include "core/kernel.h"

namespace ternary {

/** The CPU backend, loaded at the first call and kept; throws a Failure if it is missing or of another version. */
const Backend& cpu_backend();

/** The folder this library lies in, with a slash at its end; empty if that cannot be told. */
std::string own_folder();

/** Whether the GPU backend of an architecture ("sm90a") lies beside this library. */
bool has_cuda_backend(const std::string& arch);

/** That backend, loaded at the first call and kept; throws a Failure as cpu_backend() does. */
const CudaBackend& cuda_backend(const std::string& arch);

}  // namespace ternary

#endif  // TERNARY_CORE_BACKEND_H_
