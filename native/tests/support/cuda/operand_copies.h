/**
 * @file operand_copies.h
 * @brief Operands' copies in a GPU's memory, made from what a struct of operands points to.
 */
#ifndef TERNARY_TESTS_SUPPORT_CUDA_OPERAND_COPIES_H_
#define TERNARY_TESTS_SUPPORT_CUDA_OPERAND_COPIES_H_

#include <vector>

#include "abi/dtype.h"
#include "support/cuda/device_problem.h"

namespace ternary::test {

/** Copies whose last byte is the allocation's last. */
class OperandCopies {
 public:
  /** Makes `pointer` that of a copy; null stays null. Returns its place. */
  template <typename T>
  size_t move(T*& pointer, ternary_dtype dtype, int64_t rows, int64_t columns, int64_t ld) {
    if (pointer == nullptr) return copies_.size();
    const int64_t bytes = ((rows - 1) * ld + columns) * dtype_bytes(dtype);
    hosts_.push_back(const_cast<void*>(static_cast<const void*>(pointer)));
    copies_.emplace_back(pointer, bytes);
    pointer = static_cast<T*>(copies_.back().get());
    return last();
  }
  /** Copies to where it came from. */
  void back(size_t place) const { copies_[place].read(hosts_[place]); }
  size_t last() const { return copies_.size() - 1; }
  DeviceBytes& at(size_t place) { return copies_[place]; }

 private:
  std::vector<DeviceBytes> copies_;
  std::vector<void*> hosts_;
};

}  // namespace ternary::test

#endif  // TERNARY_TESTS_SUPPORT_CUDA_OPERAND_COPIES_H_
