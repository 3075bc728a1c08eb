/**
 * @file t5.h
 * @brief T5, five codes a byte (abi/t5.h): conversion of rows of tiles from and to I2S, and the check of tiles.
 */
#ifndef TERNARY_CORE_WEIGHTS_T5_H_
#define TERNARY_CORE_WEIGHTS_T5_H_

#include <cstdint>

#include "abi/kernel.h"
#include "abi/t5.h"

namespace ternary {

inline constexpr int64_t kT5Columns = tile_columns(TERNARY_LAYOUT_T5_TILED);

/** Writes the tiles of up to 16 rows of I2S, code 1 beyond them and beyond K. */
void t5_from_i2s(const uint8_t* i2s, int64_t rows, int64_t K, uint8_t* tiles);

/** Writes up to 16 rows of I2S, code 1 beyond K, from checked tiles. */
void i2s_from_t5(const uint8_t* tiles, int64_t rows, int64_t K, uint8_t* i2s);

/** Throws at the first invalid byte that holds a code of the [N, K] matrix; bytes of padding alone
 *  are not looked at. */
void check_t5(const uint8_t* tiles, int64_t N, int64_t K);

}  // namespace ternary

#endif  // TERNARY_CORE_WEIGHTS_T5_H_
