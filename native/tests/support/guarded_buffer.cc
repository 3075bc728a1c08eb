#include "support/guarded_buffer.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <utility>

#include "abi/dtype.h"

namespace ternary::test {
namespace {

char crash_note[512];

void say_note(int signal_number) {
  const char* const parts[] = {"\nfault while running: ", crash_note, "\n"};
  for (const char* part : parts) {
    if (write(STDERR_FILENO, part, std::strlen(part)) < 0) break;
  }
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

/** Differs from byte to byte, so that an element moved by one is seen. */
uint8_t poison(int64_t i) { return static_cast<uint8_t>(0xa5 ^ (i * 37)); }

}  // namespace

GuardedBuffer::GuardedBuffer(int64_t bytes) : bytes_(bytes) {
  const int64_t page = sysconf(_SC_PAGESIZE);
  const int64_t pages = (bytes + page - 1) / page * page;
  map_bytes_ = pages + 2 * page;
  void* map = mmap(nullptr, map_bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED) std::abort();
  map_ = static_cast<uint8_t*>(map);
  if (pages > 0 && mprotect(map_ + page, pages, PROT_READ | PROT_WRITE) != 0) std::abort();
  data_ = map_ + page + pages - bytes;
}

GuardedBuffer::~GuardedBuffer() {
  if (map_ != nullptr) munmap(map_, map_bytes_);
}

void GuardedBuffer::make_read_only() {
  const int64_t page = sysconf(_SC_PAGESIZE);
  if (map_ != nullptr && mprotect(map_ + page, map_bytes_ - 2 * page, PROT_READ) != 0) std::abort();
}

void GuardedBuffer::swap(GuardedBuffer& other) noexcept {
  std::swap(map_, other.map_);
  std::swap(map_bytes_, other.map_bytes_);
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
}

void set_crash_note(const std::string& note) {
  static const bool installed = [] {
    // A sanitizer's own report says more than a note.
    struct sigaction old;
    if (sigaction(SIGSEGV, nullptr, &old) == 0 && old.sa_handler == SIG_DFL) {
      signal(SIGSEGV, say_note);
      signal(SIGBUS, say_note);
    }
    return true;
  }();
  (void)installed;
  static std::mutex mutex;  // the handler reads without it: whichever problem it says was running
  const std::lock_guard<std::mutex> lock(mutex);
  std::snprintf(crash_note, sizeof crash_note, "%s", note.c_str());
}

OutputMatrix::OutputMatrix(ternary_dtype dtype, int64_t rows, int64_t columns, int64_t ld)
    : dtype_(dtype),
      rows_(rows),
      columns_(columns),
      ld_(ld),
      element_(dtype_bytes(dtype)),
      front_bytes_(256),
      buffer_(front_bytes_ + ((rows - 1) * ld + columns) * dtype_bytes(dtype)) {
  for (int64_t i = 0; i < buffer_.bytes(); ++i) buffer_.data()[i] = poison(i);
}

OutputMatrix OutputMatrix::copy() const {
  OutputMatrix other(dtype_, rows_, columns_, ld_);
  for (int64_t m = 0; m < rows_; ++m) std::memcpy(other.row(m), row(m), static_cast<size_t>(columns_ * element_));
  return other;
}

float OutputMatrix::value(int64_t m, int64_t n) const { return load_float(data(), dtype_, m * ld_ + n); }

std::string OutputMatrix::outside_written(const Part& part) const {
  for (int64_t i = 0; i < buffer_.bytes(); ++i) {
    if (buffer_.data()[i] == poison(i)) continue;
    if (i < front_bytes_) return "a byte before the output was written";
    const int64_t element = (i - front_bytes_) / element_;
    const int64_t m = element / ld_, n = element % ld_;
    if (m >= part.m_begin && m < part.m_end && n >= part.n_begin && n < part.n_end) continue;
    return "row " + std::to_string(m) + ", column " + std::to_string(n) + " was written, outside of the output";
  }
  return "";
}

std::string OutputMatrix::difference(const OutputMatrix& expected, const Part& part, int64_t first_row) const {
  for (int64_t m = part.m_begin; m < part.m_end; ++m) {
    const uint8_t* got = static_cast<const uint8_t*>(row(m));
    const uint8_t* want = static_cast<const uint8_t*>(expected.row(first_row + m));
    for (int64_t n = part.n_begin; n < part.n_end; ++n) {
      if (same_bits(dtype_, got + n * element_, want + n * element_)) continue;
      char text[160];
      std::snprintf(text, sizeof text, "row %ld, column %ld is %.9g, expected %.9g", static_cast<long>(m),
                    static_cast<long>(n), double{value(m, n)}, double{expected.value(first_row + m, n)});
      return text;
    }
  }
  return "";
}

bool same_bits(ternary_dtype dtype, const void* a, const void* b) {
  if (std::memcmp(a, b, dtype_bytes(dtype)) == 0) return true;
  if (dtype == TERNARY_I8) return false;
  return std::isnan(load_float(a, dtype, 0)) && std::isnan(load_float(b, dtype, 0));
}

}  // namespace ternary::test
