#include "core/base/notices.h"

#include <cstring>

namespace ternary {

void Notices::report_failed(const char* sentence) noexcept {
  if (failed_.exchange(true)) return;
  std::strncpy(report_error_, sentence, sizeof report_error_ - 1);
  told_.store(true, std::memory_order_release);
  add();
}

const char* Notices::report_error() const noexcept {
  return told_.load(std::memory_order_acquire) ? report_error_ : "";
}

}  // namespace ternary
