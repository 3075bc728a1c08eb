/**
 * @file device_problem.h
 * @brief A generated problem in a GPU's memory, run by the asynchronous functions.
 */
#ifndef TERNARY_TESTS_SUPPORT_CUDA_DEVICE_PROBLEM_H_
#define TERNARY_TESTS_SUPPORT_CUDA_DEVICE_PROBLEM_H_

#include <cuda_runtime.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "support/operands.h"
#include "support/problem.h"

namespace ternary::test {

/** These tests are on_gpu() however they were started; before main(), so that no thread reads the environment yet. */
inline const bool kDeviceIsSet = setenv("TERNARY_DEVICE", "cuda", 0) == 0;

/** The library that serves a GPU runtime: "sm90a". */
inline std::string arch_of(const ternary_runtime* runtime) {
  const std::string info = info_of(runtime), key = "\"library\":\"";
  const size_t at = info.find(key, info.find("\"cuda\":")) + key.size();
  return info.substr(at, info.find('"', at) - at);
}

/** Whether the device has the library that serves with the second arrangement of weights. */
inline bool has_cutlass(const ternary_runtime* runtime) {
  return info_of(runtime).find("\"cutlass_a8.cuda.") != std::string::npos;
}

/** Ends the process with a sentence: a test cannot go on after a device fault, which is sticky. */
inline void must(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  std::fprintf(stderr, "%s: %s\n", what, cudaGetErrorString(error));
  std::exit(EXIT_FAILURE);
}

/** Copies to the device and waits: where the host's memory is pageable cudaMemcpy() may return before the bytes are
 *  there, and only the default stream and those that wait for it would find them. */
inline void upload(void* target, const void* host, int64_t bytes) {
  if (bytes == 0) return;
  must(cudaMemcpy(target, host, static_cast<size_t>(bytes), cudaMemcpyHostToDevice), "copy in");
  must(cudaStreamSynchronize(nullptr), "copy in");
}

/** Device memory whose last byte is the allocation's last; may be empty. */
class DeviceBytes {
 public:
  DeviceBytes() = default;
  explicit DeviceBytes(int64_t bytes) : bytes_(bytes) {
    if (bytes > 0) must(cudaMalloc(&memory_, static_cast<size_t>(bytes)), "cudaMalloc");
  }
  DeviceBytes(const void* host, int64_t bytes) : DeviceBytes(bytes) { write(host); }
  ~DeviceBytes() {
    if (memory_ != nullptr) cudaFree(memory_);
  }
  DeviceBytes(DeviceBytes&& other) noexcept { *this = std::move(other); }
  DeviceBytes& operator=(DeviceBytes&& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  void write(const void* host) { upload(memory_, host, bytes_); }
  void read(void* host) const {
    if (bytes_ > 0) must(cudaMemcpy(host, memory_, static_cast<size_t>(bytes_), cudaMemcpyDeviceToHost), "copy out");
  }
  void* get() const { return memory_; }
  template <typename T>
  T* as() const {
    return static_cast<T*>(memory_);
  }
  int64_t bytes() const { return bytes_; }

 private:
  void* memory_ = nullptr;
  int64_t bytes_ = 0;
};

class Stream {
 public:
  Stream() { must(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "stream"); }
  ~Stream() { cudaStreamDestroy(stream_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  cudaStream_t get() const { return stream_; }
  void wait() const { must(cudaStreamSynchronize(stream_), "the stream"); }

 private:
  cudaStream_t stream_ = nullptr;
};

/** The problem's operands on the device; outputs poisoned as output() has them. */
class DeviceProblem {
 public:
  explicit DeviceProblem(const Problem& problem)
      : problem_(problem),
        x_(problem.x.data(), problem.x.bytes()),
        x_scale_(problem.x_scale.data(), problem.x_scale.bytes()),
        residual_(problem.residual.data(), problem.residual.bytes()),
        out_(problem.output()),
        y_(out_.y.data(), bytes_of(out_.y)),
        residual_out_(out_.residual_out.empty() ? nullptr : out_.residual_out.data(), bytes_of(out_.residual_out)) {}

  /** Rows 0 ... rows - 1. */
  ternary_operands operands(int64_t rows) const {
    const ProblemSpec& s = problem_.spec();
    ternary_operands o = product_of(x_.get(), s.x_dtype, problem_.ldx(), y_.get(), s.y_dtype, out_.y.ld(), rows);
    o.x_scale = x_scale_.as<float>();
    if (!s.residual) return o;
    o.residual = s.in_place ? residual_out_.get() : residual_.get();
    o.residual_out = residual_out_.get();
    o.residual_dtype = *s.residual;
    o.ld_residual = problem_.ld_residual();
    return o;
  }

  /** Starts rows 0 ... rows - 1. */
  ternary_status start(ternary_runtime* runtime, const ternary_layer* layer, const ternary_cuda_call& call,
                       int64_t rows) const {
    ternary_operands o = operands(rows);
    o.call = &call;
    return ternary_apply_async(runtime, layer, &o);
  }
  ternary_status start(ternary_runtime* runtime, const ternary_layer* layer, const ternary_cuda_call& call) const {
    return start(runtime, layer, call, problem_.spec().M);
  }

  /** What the outputs hold now. */
  Output fetch() const {
    Output out = problem_.output();
    y_.read(out.y.data());
    if (!out.residual_out.empty()) residual_out_.read(out.residual_out.data());
    return out;
  }

  /** Outputs as they were made: poison, and the residual where the problem runs in place. */
  void poison() {
    y_.write(out_.y.data());
    if (!out_.residual_out.empty()) residual_out_.write(out_.residual_out.data());
  }

  DeviceBytes& x() { return x_; }
  DeviceBytes& y() { return y_; }

 private:
  static int64_t bytes_of(const OutputMatrix& matrix) {
    if (matrix.empty()) return 0;
    return ((matrix.rows() - 1) * matrix.ld() + matrix.columns()) * (matrix.dtype() == TERNARY_F32 ? 4 : 2);
  }

  const Problem& problem_;
  DeviceBytes x_, x_scale_, residual_;
  Output out_;
  DeviceBytes y_, residual_out_;
};

/** A workspace for up to M rows. */
inline DeviceBytes workspace_for(ternary_runtime* runtime, const ternary_layer* layer, int64_t M) {
  int64_t bytes = 0;
  if (ternary_workspace_bytes(runtime, layer, M, &bytes) != TERNARY_OK) {
    std::fprintf(stderr, "%s\n", ternary_last_error());
    std::exit(EXIT_FAILURE);
  }
  return DeviceBytes(bytes);
}

inline ternary_cuda_call call_of(const Stream& stream, const DeviceBytes& workspace) {
  return {stream.get(), workspace.get(), workspace.bytes()};
}
inline ternary_cuda_call call_of(const Stream& stream) { return {stream.get(), nullptr, 0}; }

}  // namespace ternary::test

#endif  // TERNARY_TESTS_SUPPORT_CUDA_DEVICE_PROBLEM_H_
