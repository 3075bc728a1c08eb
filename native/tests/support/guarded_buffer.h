/**
 * @file guarded_buffer.h
 * @brief Memory whose last byte lies before an inaccessible page, so that one byte read beyond it faults.
 *
 * Unlike a sanitizer's red zones this also catches vector loads in hand-written kernels in Release builds.
 */
#ifndef TERNARY_TESTS_SUPPORT_GUARDED_BUFFER_H_
#define TERNARY_TESTS_SUPPORT_GUARDED_BUFFER_H_

#include <cstdint>
#include <string>

#include "ternary/ternary.h"

namespace ternary::test {

class GuardedBuffer {
 public:
  GuardedBuffer() = default;
  explicit GuardedBuffer(int64_t bytes);
  ~GuardedBuffer();
  GuardedBuffer(GuardedBuffer&& other) noexcept { swap(other); }
  GuardedBuffer& operator=(GuardedBuffer&& other) noexcept {
    swap(other);
    return *this;
  }

  bool empty() const { return bytes_ == 0; }
  int64_t bytes() const { return bytes_; }
  uint8_t* data() const { return data_; }
  template <typename T>
  T* as() const {
    return reinterpret_cast<T*>(data_);
  }
  /** From now on a write faults. */
  void make_read_only();

 private:
  void swap(GuardedBuffer& other) noexcept;

  uint8_t* map_ = nullptr;
  int64_t map_bytes_ = 0;
  uint8_t* data_ = nullptr;
  int64_t bytes_ = 0;
};

/** Said on stderr when a test dies of a fault: which problem ran. Set it before calling what may fault. */
void set_crash_note(const std::string& note);

/** Rows and columns of a matrix, the ends not included. */
struct Part {
  int64_t m_begin, m_end, n_begin, n_end;
};

/**
 * An output matrix inside poison: before its first element, in the gaps between rows, and every element itself. The
 * last element lies at the guard.
 */
class OutputMatrix {
 public:
  OutputMatrix() = default;
  OutputMatrix(ternary_dtype dtype, int64_t rows, int64_t columns, int64_t ld);

  /** Another with the same elements, and poison around them. */
  OutputMatrix copy() const;

  bool empty() const { return buffer_.empty(); }
  void* data() const { return buffer_.data() + front_bytes_; }
  void* row(int64_t m) const { return buffer_.data() + front_bytes_ + m * ld_ * element_; }
  int64_t ld() const { return ld_; }
  int64_t rows() const { return rows_; }
  int64_t columns() const { return columns_; }
  ternary_dtype dtype() const { return dtype_; }
  float value(int64_t m, int64_t n) const;

  Part whole() const { return {0, rows_, 0, columns_}; }
  /** Empty, or where a byte outside of the given part of the matrix has been written. */
  std::string outside_written(const Part& part) const;
  /** Empty, or the first byte that has been written at all. */
  std::string anything_written() const { return outside_written({0, 0, 0, 0}); }

  /**
   * Empty, or the first element of the part that differs from `expected`: by bits, NaN as a class. Row 0 is compared
   * with row `first_row` of `expected`.
   */
  std::string difference(const OutputMatrix& expected, const Part& part, int64_t first_row = 0) const;

 private:
  ternary_dtype dtype_ = TERNARY_F32;
  int64_t rows_ = 0, columns_ = 0, ld_ = 0, element_ = 0, front_bytes_ = 0;
  GuardedBuffer buffer_;
};

/** Equal bits, or both NaN. `a` and `b` point to one element. */
bool same_bits(ternary_dtype dtype, const void* a, const void* b);

}  // namespace ternary::test

#endif  // TERNARY_TESTS_SUPPORT_GUARDED_BUFFER_H_
