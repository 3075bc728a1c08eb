/**
 * @file sass_weights.h
 * @brief How a kernel's machine code loads W: before the wait of its chain, past the first-level cache, and how far ahead.
 */
#ifndef TERNARY_TOOLS_SASS_WEIGHTS_H_
#define TERNARY_TOOLS_SASS_WEIGHTS_H_

#include <string>
#include <vector>

#include "abi/cuda_rows.h"
#include "sass_ways.h"

namespace ternary::test {

/** What breaks a rule that is held without a budget: "early_loads", "ahead", "cache", "chain" or "prefetch". */
struct Fault {
  std::string rule, sentence;
};

/** Loads of 16 bytes by a thread, to registers or by cp.async to shared memory. */
struct WeightLoads {
  /**
   * Before griddepcontrol.wait (ACQBULK), where nothing but W is loaded 16 bytes at a time: the most on a way to it, a load
   * in a loop once. 0 before sm_90.
   */
  int early = 0;
  /** A turn of the loop that loads W and multiplies. Copies of X count too where W comes by copies. */
  int of_turn = 0;
  /**
   * Those that are on their way when a turn begins to wait for its own: loads to registers that the turn itself does not ask
   * for at once; copies that its last wait leaves open, and those begun behind it.
   */
  double ahead = 0;
  int products = 0;  ///< mma or dp4a in the loop
  int of_way = 0;    ///< those of a turn, on the way through the loop that has the most

  /** What breaks the rules of pdl.cuh ("chain"), of load_weights() ("cache") and of the router ("prefetch"). */
  std::vector<Fault> faults;
};

/** `pdl`: the kernel, one of the row's, can be part of a chain of programmatic launches. */
WeightLoads measure_weights(const Instructions& code, const CudaRow& row, bool pdl);

}  // namespace ternary::test

#endif  // TERNARY_TOOLS_SASS_WEIGHTS_H_
