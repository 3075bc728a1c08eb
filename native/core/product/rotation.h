/**
 * @file rotation.h
 * @brief The rules of rotations, of a layer as of the operation.
 */
#ifndef TERNARY_CORE_PRODUCT_ROTATION_H_
#define TERNARY_CORE_PRODUCT_ROTATION_H_

#include <cstdint>

namespace ternary {

/** What sentences call a rotation, its signs and its columns. */
struct RotationNames {
  const char *rotation, *signs, *columns;
};
inline constexpr RotationNames kRotationNames = {"rotation", "rotation_signs", "K"};

/** A power of two, 32 ... 4096, of which K is a multiple. */
void check_rotation(int64_t rotation, int64_t K, const RotationNames& names = kRotationNames);

/** The same, or 0 and no signs. */
void check_optional_rotation(int64_t rotation, const float* signs, int64_t K,
                             const RotationNames& names = kRotationNames);

/** Throws unless every sign is +1 or -1; null: there are none. Apart from other checks, for they may lie on a device. */
void check_signs(const char* name, const float* signs, int64_t K);

}  // namespace ternary

#endif  // TERNARY_CORE_PRODUCT_ROTATION_H_
