/**
 * @file sass_tiles.h
 * @brief Machine code of kernels whose warps have work of their own: one asks for W and X, four decode W into tensor memory,
 * one multiplies by tcgen05.mma, four write Y.
 */
#ifndef TERNARY_TOOLS_SASS_TILES_H_
#define TERNARY_TOOLS_SASS_TILES_H_

#include <vector>

#include "sass_weights.h"

namespace ternary::test {

/** Both loops take the same columns of K a turn. */
struct TileLoops {
  Loop decode = {};  ///< the innermost loop with the most stores to tensor memory; empty: there is none
  int weights = 0;   ///< of a lane in a turn of it: two in each register that it stores
  int products = 0;  ///< tcgen05.mma of a turn of the loop that has the most
};

TileLoops tile_loops(const Instructions& code);

/**
 * What breaks the rules of these kernels. "promise": code for another architecture than the source is meant for compiles to
 * a trap, without a product. "chain": tensors are touched behind griddepcontrol.wait only. W comes by the same copies as X,
 * behind the wait; products wait for them at barriers, so nothing is said of them.
 */
std::vector<Fault> tile_faults(const Instructions& code, bool pdl);

}  // namespace ternary::test

#endif  // TERNARY_TOOLS_SASS_TILES_H_
