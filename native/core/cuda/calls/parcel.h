/**
 * @file parcel.h
 * @brief The operands of one call on host memory, and their way to a GPU and back.
 */
#ifndef TERNARY_CORE_CUDA_CALLS_PARCEL_H_
#define TERNARY_CORE_CUDA_CALLS_PARCEL_H_

#include "abi/dtype.h"
#include "core/cuda/runtime.h"

namespace ternary {

/** A matrix of the caller's, which may have gaps between its rows. */
struct HostMatrix {
  const void* data;
  int64_t rows, row_bytes, stride_bytes;

  int64_t bytes() const { return (rows - 1) * stride_bytes + row_bytes; }
};

inline HostMatrix matrix(const void* data, ternary_dtype dtype, int64_t rows, int64_t columns, int64_t ld) {
  return {data, rows, columns * dtype_bytes(dtype), ld * dtype_bytes(dtype)};
}

inline HostMatrix vector(const void* data, int64_t count) { return {data, 1, count * 4, count * 4}; }

/**
 * Where the operands of one call lie in device memory and, at the same offsets, in a buffer of the host: inputs first,
 * then outputs. Operands keep their strides and their place modulo 16 bytes, so that kernels meet what they would meet
 * if the caller had used device memory.
 */
class Parcel {
 public:
  static constexpr int64_t kNone = -1;

  /** The operand's offset; kNone if there is none. */
  int64_t input(const HostMatrix& operand) { return add(operand, true, false); }
  int64_t output(const HostMatrix& operand) { return add(operand, false, true); }
  /** Read and written; after the last input and before the first output. */
  int64_t in_place(const HostMatrix& operand) { return add(operand, true, true); }
  int64_t bytes() const { return round_up(end_, kWorkspaceAlignment); }

  void send(const CudaLane& lane, uint8_t* buffer) const;
  /** Waits before it writes anything of the caller's: a fault of the device leaves that alone. */
  void fetch(const CudaLane& lane, uint8_t* buffer) const;

 private:
  struct Part {
    HostMatrix operand;
    int64_t offset;
  };

  /** No call has more; a list, so that calls allocate nothing. */
  struct Parts {
    static constexpr int kMost = 5;
    void add(const Part& part) { list[count++] = part; }
    const Part* begin() const { return list; }
    const Part* end() const { return list + count; }
    const Part& front() const { return list[0]; }
    const Part& back() const { return list[count - 1]; }

    int count = 0;
    Part list[kMost];
  };

  int64_t add(const HostMatrix& operand, bool input, bool output);

  Parts inputs_, outputs_;
  int64_t end_ = 0;
};

/** The device's address of what lies at an offset, or null; `like` gives the type. */
template <typename T>
void set_address(T*& like, uint8_t* device, int64_t offset) {
  like = offset == Parcel::kNone ? nullptr : reinterpret_cast<T*>(device + offset);
}

/** A residual and where its sum goes: two matrices, or one. */
class ResidualParts {
 public:
  /** The last input. */
  template <typename Operands>
  ResidualParts(Parcel& parcel, const Operands& o, int64_t columns) : in_place_(o.residual == o.residual_out) {
    const HostMatrix residual = matrix(o.residual, o.residual_dtype, o.M, columns, o.ld_residual);
    sum_ = matrix(o.residual_out, o.residual_dtype, o.M, columns, o.ld_residual);
    residual_at_ = sum_at_ = in_place_ ? parcel.in_place(residual) : parcel.input(residual);
  }
  /** Once all inputs are there. */
  void add_output(Parcel& parcel) {
    if (!in_place_) sum_at_ = parcel.output(sum_);
  }
  template <typename Operands>
  void set_addresses(Operands& there, uint8_t* device) const {
    set_address(there.residual, device, residual_at_);
    set_address(there.residual_out, device, sum_at_);
  }

 private:
  const bool in_place_;
  HostMatrix sum_;
  int64_t residual_at_, sum_at_;
};

/** A lane for a scope. One whose call failed is not used again: its stream may still hold work. */
class LaneLease {
 public:
  LaneLease(CudaRuntime& cuda, int64_t bytes) : cuda_(cuda), lane_(cuda.lanes.take()) {
    lane_->grow(cuda.device, bytes);
  }
  ~LaneLease() {
    lane_->stream.settle();
    if (done_) cuda_.lanes.give(std::move(lane_));
  }
  LaneLease(const LaneLease&) = delete;
  LaneLease& operator=(const LaneLease&) = delete;
  CudaLane& operator*() const { return *lane_; }
  void done() { done_ = true; }

 private:
  CudaRuntime& cuda_;
  std::unique_ptr<CudaLane> lane_;
  bool done_ = false;
};

/** Copies in, starts what `start(device memory of the operands, call)` starts, copies out. */
template <typename Start>
void run_parcel(CudaRuntime& cuda, const Parcel& parcel, Start start) {
  const CudaDeviceScope scope(cuda.device);
  LaneLease lease(cuda, parcel.bytes());
  CudaLane& lane = *lease;
  parcel.send(lane, lane.buffer.get());
  start(lane.memory.get(), ternary_cuda_call{lane.stream.get(), nullptr, 0});
  parcel.fetch(lane, lane.buffer.get());
  lease.done();
}

}  // namespace ternary

#endif  // TERNARY_CORE_CUDA_CALLS_PARCEL_H_
