/**
 * @file failure.h
 * @brief What a function of the runtime throws inside; the C interface turns it into its error code.
 */
#ifndef TERNARY_SOFTGPU_RUNTIME_FAILURE_H_
#define TERNARY_SOFTGPU_RUNTIME_FAILURE_H_

#include <cuda_runtime_api.h>

#include <stdexcept>
#include <string>

namespace ternary::softgpu {

/** With a sentence where CUDA's own text for the code does not say enough; it goes to stderr. */
class CudaFailure : public std::runtime_error {
 public:
  explicit CudaFailure(cudaError_t of_code, const std::string& sentence = "")
      : std::runtime_error(sentence), code(of_code) {}
  cudaError_t code;
};

inline void require(bool condition, cudaError_t otherwise, const char* sentence = "") {
  if (!condition) throw CudaFailure(otherwise, sentence);
}

/** One line on stderr, never on stdout: "softgpu: ...". */
void say(const std::string& sentence);

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_RUNTIME_FAILURE_H_
