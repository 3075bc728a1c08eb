#include "core/cuda/staging.h"

#include <algorithm>
#include <cstring>

#include "abi/dtype.h"
#include "core/cuda/dispatch.h"
#include "core/cuda/planning.h"
#include "core/cuda/row_ops.h"

namespace ternary {
namespace {

/** A matrix of the caller's, which may have gaps between its rows. */
struct HostMatrix {
  const void* data;
  int64_t rows, row_bytes, stride_bytes;

  int64_t bytes() const { return (rows - 1) * stride_bytes + row_bytes; }
};

HostMatrix matrix(const void* data, ternary_dtype dtype, int64_t rows, int64_t columns, int64_t ld) {
  return {data, rows, columns * dtype_bytes(dtype), ld * dtype_bytes(dtype)};
}

HostMatrix vector(const void* data, int64_t count) { return {data, 1, count * 4, count * 4}; }

void copy_rows(const HostMatrix& shape, const uint8_t* source, uint8_t* target) {
  for (int64_t row = 0; row < shape.rows; ++row) {
    std::memcpy(target + row * shape.stride_bytes, source + row * shape.stride_bytes,
                static_cast<size_t>(shape.row_bytes));
  }
}

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

  void send(const CudaLane& lane, uint8_t* buffer) const {
    for (const Part& part : inputs_) {
      copy_rows(part.operand, static_cast<const uint8_t*>(part.operand.data), buffer + part.offset);
    }
    lane.stream.send(lane.memory.get(), buffer, inputs_.back().offset + inputs_.back().operand.bytes());
  }

  /** Waits before it writes anything of the caller's: a fault of the device leaves that alone. */
  void fetch(const CudaLane& lane, uint8_t* buffer) const {
    const int64_t begin = outputs_.front().offset;
    lane.stream.fetch(buffer + begin, lane.memory.get() + begin, end_ - begin);
    lane.stream.wait();
    for (const Part& part : outputs_) {
      copy_rows(part.operand, buffer + part.offset, static_cast<uint8_t*>(const_cast<void*>(part.operand.data)));
    }
  }

 private:
  struct Part {
    HostMatrix operand;
    int64_t offset;
  };

  /** No call has more; a list, so that calls allocate nothing. */
  struct Parts {
    static constexpr int kMost = 4;
    void add(const Part& part) { list[count++] = part; }
    const Part* begin() const { return list; }
    const Part* end() const { return list + count; }
    const Part& front() const { return list[0]; }
    const Part& back() const { return list[count - 1]; }

    int count = 0;
    Part list[kMost];
  };

  int64_t add(const HostMatrix& operand, bool input, bool output) {
    if (operand.data == nullptr) return kNone;
    const int64_t misaligned = static_cast<int64_t>(reinterpret_cast<uintptr_t>(operand.data) & 15);
    const int64_t offset = round_up(end_, kWorkspaceAlignment) + misaligned;
    end_ = offset + operand.bytes();
    if (input) inputs_.add({operand, offset});
    if (output) outputs_.add({operand, offset});
    return offset;
  }

  Parts inputs_, outputs_;
  int64_t end_ = 0;
};

/** The device's address of what lies at an offset, or null; `like` gives the type. */
template <typename T>
void set_address(T*& like, uint8_t* device, int64_t offset) {
  like = offset == Parcel::kNone ? nullptr : reinterpret_cast<T*>(device + offset);
}

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

}  // namespace

void run_staged_product(ternary_runtime& runtime, CudaRuntime& cuda, const Product& p) {
  const ternary_operands& o = p.operands;
  const int64_t K = p.weights().K, N = p.weights().N;
  const int64_t scales = o.M * (o.x_dtype == TERNARY_I8 ? scales_of_row(K, p.layer.block) : 1);
  Parcel parcel;
  const int64_t x = parcel.input(matrix(o.x, o.x_dtype, o.M, K, o.ldx)),
                x_scale = parcel.input(vector(o.x_scale, scales));
  const HostMatrix residuals = matrix(o.residual, o.residual_dtype, o.M, K, o.ld_residual);
  const bool in_place = o.residual == o.residual_out;
  const int64_t residual = in_place ? parcel.in_place(residuals) : parcel.input(residuals);
  const int64_t y = parcel.output(matrix(o.y, o.y_dtype, o.M, N, o.ldy));
  const int64_t residual_out =
      in_place ? residual : parcel.output(matrix(o.residual_out, o.residual_dtype, o.M, K, o.ld_residual));
  run_parcel(cuda, parcel, [&](uint8_t* device, const ternary_cuda_call& call) {
    ternary_operands there = o;
    set_address(there.x, device, x);
    set_address(there.x_scale, device, x_scale);
    set_address(there.residual, device, residual);
    set_address(there.residual_out, device, residual_out);
    set_address(there.y, device, y);
    start_product(runtime, cuda, {p.layer, there}, call);
  });
}

void run_staged_quantise(ternary_runtime& runtime, CudaRuntime& cuda, const ternary_quantise_operands& o) {
  Parcel parcel;
  const int64_t x = parcel.input(matrix(o.x, o.x_dtype, o.M, o.K, o.ldx));
  const int64_t x_scale = parcel.input(vector(o.x_scale, o.M)), alpha = parcel.input(vector(o.alpha_column, o.K));
  const int64_t signs = parcel.input(vector(o.rotation_signs, o.K));
  const int64_t q = parcel.output(matrix(o.q, TERNARY_I8, o.M, o.K, o.ldq));
  const int64_t s = parcel.output(vector(o.s, o.M * scales_of_row(o.K, o.block)));
  run_parcel(cuda, parcel, [&](uint8_t* device, const ternary_cuda_call& call) {
    ternary_quantise_operands there = o;
    set_address(there.x, device, x);
    set_address(there.x_scale, device, x_scale);
    set_address(there.alpha_column, device, alpha);
    set_address(there.rotation_signs, device, signs);
    set_address(there.q, device, q);
    set_address(there.s, device, s);
    start_quantise(runtime, cuda, there, call);
  });
}

void run_staged_rotate(ternary_runtime& runtime, CudaRuntime& cuda, const ternary_rotate_operands& o) {
  Parcel parcel;
  const int64_t x_scale = parcel.input(vector(o.x_scale, o.M)), signs = parcel.input(vector(o.signs, o.K));
  const HostMatrix rows = matrix(o.x, o.x_dtype, o.M, o.K, o.ldx);
  const bool in_place = o.x == o.y;
  const int64_t x = in_place ? parcel.in_place(rows) : parcel.input(rows);
  const int64_t y = in_place ? x : parcel.output(matrix(o.y, o.y_dtype, o.M, o.K, o.ldy));
  run_parcel(cuda, parcel, [&](uint8_t* device, const ternary_cuda_call& call) {
    ternary_rotate_operands there = o;
    set_address(there.x, device, x);
    set_address(there.x_scale, device, x_scale);
    set_address(there.signs, device, signs);
    set_address(there.y, device, y);
    start_rotate(runtime, cuda, there, call);
  });
}

void run_staged_qk_norm(ternary_runtime& runtime, CudaRuntime& cuda, const ternary_qk_norm_operands& o) {
  const auto heads = [&](const ternary_heads& side) {
    return matrix(side.data, side.dtype, o.M, side.count * o.head_dim, side.ld);
  };
  Parcel parcel;
  const int64_t q_weight = parcel.input(vector(o.q.weight, o.head_dim));
  const int64_t k_weight = parcel.input(vector(o.k.weight, o.head_dim));
  const int64_t q = parcel.in_place(heads(o.q)), k = parcel.in_place(heads(o.k));
  run_parcel(cuda, parcel, [&](uint8_t* device, const ternary_cuda_call& call) {
    ternary_qk_norm_operands there = o;
    set_address(there.q.data, device, q);
    set_address(there.q.weight, device, q_weight);
    set_address(there.k.data, device, k);
    set_address(there.k.weight, device, k_weight);
    start_qk_norm(runtime, cuda, there, call);
  });
}

}  // namespace ternary
