/**
 * @file backend.h
 * @brief Finds and loads the backend libraries of this copy's folder (process.h).
 */
#ifndef TERNARY_CORE_RUNTIME_BACKEND_H_
#define TERNARY_CORE_RUNTIME_BACKEND_H_

#include <string>

#include "abi/cuda_kernel.h"
#include "abi/kernel.h"

namespace ternary {

/** The CPU backend, loaded by the first call that can, and kept; throws a Failure if it is missing or of another version. */
const Backend& cpu_backend();

/** "libternary_bitnet_sm90a.so": the library `name` of GPU kernels for an architecture. */
std::string cuda_backend_file(const char* name, const std::string& arch);

/** Whether it lies in the folder of the backends. */
bool has_cuda_backend(const std::string& file);

/** That backend, loaded at the first call and kept; throws a Failure as cpu_backend() does. */
const CudaBackend& cuda_backend(const std::string& file);

}  // namespace ternary

#endif  // TERNARY_CORE_RUNTIME_BACKEND_H_
