#include "core/base/notices.h"

#include <cstring>

namespace ternary {

void Notices::say(Sentence& sentence, const char* text) noexcept {
  if (sentence.failed.exchange(true)) return;
  std::strncpy(sentence.text, text, sizeof sentence.text - 1);
  sentence.told.store(true, std::memory_order_release);
  add();
}

const char* Notices::text(const Sentence& sentence) noexcept {
  return sentence.told.load(std::memory_order_acquire) ? sentence.text : "";
}

}  // namespace ternary
