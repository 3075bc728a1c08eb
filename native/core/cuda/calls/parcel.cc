#include "core/cuda/calls/parcel.h"

#include <cstring>

namespace ternary {
namespace {

void copy_rows(const HostMatrix& shape, const uint8_t* source, uint8_t* target) {
  for (int64_t row = 0; row < shape.rows; ++row) {
    std::memcpy(target + row * shape.stride_bytes, source + row * shape.stride_bytes,
                static_cast<size_t>(shape.row_bytes));
  }
}

}  // namespace

int64_t Parcel::add(const HostMatrix& operand, bool input, bool output) {
  if (operand.data == nullptr) return kNone;
  const int64_t misaligned = static_cast<int64_t>(reinterpret_cast<uintptr_t>(operand.data) & 15);
  const int64_t offset = round_up(end_, kWorkspaceAlignment) + misaligned;
  end_ = offset + operand.bytes();
  if (input) inputs_.add({operand, offset});
  if (output) outputs_.add({operand, offset});
  return offset;
}

void Parcel::send(const CudaLane& lane, uint8_t* buffer) const {
  for (const Part& part : inputs_) {
    copy_rows(part.operand, static_cast<const uint8_t*>(part.operand.data), buffer + part.offset);
  }
  lane.stream.send(lane.memory.get(), buffer, inputs_.back().offset + inputs_.back().operand.bytes());
}

void Parcel::fetch(const CudaLane& lane, uint8_t* buffer) const {
  const int64_t begin = outputs_.front().offset;
  lane.stream.fetch(buffer + begin, lane.memory.get() + begin, end_ - begin);
  lane.stream.wait();
  for (const Part& part : outputs_) {
    copy_rows(part.operand, buffer + part.offset, static_cast<uint8_t*>(const_cast<void*>(part.operand.data)));
  }
}

}  // namespace ternary
