/**
 * @file sized.h
 * @brief Structs of the C interface, which begin with the size that their caller knows.
 */
#ifndef TERNARY_CORE_BASE_SIZED_H_
#define TERNARY_CORE_BASE_SIZED_H_

#include <cstddef>
#include <cstring>

#include "core/base/argument.h"

namespace ternary {

/** Throws unless `size` is one that a version could have, at least `least`, and all bytes beyond `known` are 0. */
void check_size(const char* name, const void* given, size_t size, size_t least, size_t known);

/**
 * What a caller gave, as this library knows it: the very struct, or a copy in `room` of an older or a newer caller's, in
 * which the fields that the caller does not know are 0. `least`: the struct's size in the first version that had it.
 */
template <typename T>
const T& sized(const char* name, const T* given, T& room, size_t least) {
  check_pointer(name, given, alignof(T));
  if (given->size == sizeof(T)) return *given;
  check_size(name, given, given->size, least, sizeof(T));
  room = {};
  std::memcpy(&room, given, given->size < sizeof(T) ? given->size : sizeof(T));
  return room;
}

}  // namespace ternary

#endif  // TERNARY_CORE_BASE_SIZED_H_
