/**
 * @file options.h
 * @brief What cuda_bench is asked for on its command line.
 */
#ifndef TERNARY_BENCH_OPTIONS_H_
#define TERNARY_BENCH_OPTIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "ternary/ternary.h"

namespace ternary::bench {

struct Shape {
  std::string model, layer;
  int64_t N, K;
  std::string name() const { return model + "/" + layer; }
};

/** A layer of experts: T slots a row, H columns of X, I of h. */
struct ExpertShape {
  std::string name;
  int64_t E, T, H, I;
};

/** What is measured. */
enum class Table { products, pdl, host, experts, facts, library };

struct Options {
  Table table = Table::products;
  std::vector<Shape> shapes;
  std::vector<ExpertShape> experts;
  std::vector<int64_t> rows = {1, 8, 16, 64, 512, 32, 128, 2, 4, 17, 24, 48, 96};  ///< what tells most comes first
  std::vector<ternary_layout> layouts = {TERNARY_LAYOUT_I2S_TILED};
  ternary_activation activation = TERNARY_A8;
  std::vector<int64_t> blocks = {0};     ///< columns of X with one scale; 0: a scale a token
  std::vector<int64_t> rotations = {0};  ///< columns of X that are rotated together; 0: none
  int64_t copies = 0;                    ///< 0: four times the L2
  int repetitions = 30;
  double seconds = 0;  ///< no measurement begins later; 0: no limit
  std::string json, residuals;
};

/** Ends the program with the sentence. */
[[noreturn]] void fail(const std::string& sentence);

/** Ends the program with a sentence if the command line is wrong. */
Options parse(int argc, char** argv);

/** "i2s" or "t5" */
const char* name_of(ternary_layout layout);

}  // namespace ternary::bench

#endif  // TERNARY_BENCH_OPTIONS_H_
