#include "core/base/sized.h"

#include <cstdint>

#include "core/base/failure.h"

namespace ternary {
namespace {

/** No struct of any version comes near; a greater size was never set. */
constexpr size_t kMostBytes = 4096;

/** Every struct begins with a size_t, so the sizeof of each version is a multiple of its alignment. */
constexpr size_t kAlignment = alignof(size_t);

}  // namespace

void check_size(const char* name, const void* given, size_t size, size_t least, size_t known) {
  if (size < least || size > kMostBytes || size % kAlignment != 0) {
    fail(TERNARY_INVALID_ARGUMENT, "%s has size %zu; it must be the struct's sizeof, here %zu", name, size, known);
  }
  const auto* bytes = static_cast<const uint8_t*>(given);
  for (size_t i = known; i < size; ++i) {
    if (bytes[i] != 0) {
      fail(TERNARY_INVALID_ARGUMENT,
           "%s has size %zu and its byte %zu is %d; this library knows %zu bytes, and what lies beyond must be 0", name,
           size, i, bytes[i], known);
    }
  }
}

}  // namespace ternary
