/**
 * ternary_cost_table [I2S|T5] [--check FILE | --update FILE]
 *
 * What the cost model expects of every device of its table: up to how many rows of X memory sets the pace (M*), and
 * microseconds, kernel and splits of products of some shapes.
 * Printed as text, or held against what FILE has between its marks, or written there: target cost_table_update.
 */
#include <algorithm>
#include <cinttypes>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <string>

#include "abi/cuda_rows.h"
#include "core/cost/cost.h"

namespace ternary {
namespace {

constexpr const char *kBegin = "<!-- ternary_cost_table -->\n", *kEnd = "<!-- end of ternary_cost_table -->\n";

struct Shape {
  int64_t N, K;
};
constexpr Shape kShapes[] = {{2048, 768},   {2560, 2560},  {13824, 2560}, {4096, 4096},
                             {4096, 14336}, {14336, 4096}, {28672, 4096}};
constexpr int64_t kRowsOfX[] = {1, 2, 4, 8, 16, 17, 24, 32, 48, 64, 96, 128, 256, 512};

std::string format(const char* format, ...) __attribute__((format(printf, 1, 2)));
std::string format(const char* format, ...) {
  char text[200];
  va_list values;
  va_start(values, format);
  std::vsnprintf(text, sizeof text, format, values);
  va_end(values);
  return text;
}

/** Three digits. */
std::string digits(double us) {
  const int decimals = us < 9.995 ? 2 : us < 99.95 ? 1 : 0;
  return format("%.*f", decimals, us);
}

/** Letters of the kernels that serve a layout, in the order of the table. */
class Letters {
 public:
  explicit Letters(CudaLayout layout) : layout_(layout) {}

  char of(const CudaRow& wanted) const {
    char letter = 'a';
    for (const CudaRow& row : kCudaRows) {
      if (&row == &wanted) return letter;
      if (serves(row)) ++letter;
    }
    return '?';
  }

  std::string key() const {
    std::string key;
    for (const CudaRow& row : kCudaRows) {
      if (serves(row)) key += format("%c %s\n", of(row), row.file);
    }
    return key;
  }

 private:
  bool serves(const CudaRow& row) const {
    return row.layout == layout_ && (row.stage == CudaStage::gemm_a8 || row.stage == CudaStage::fused_a8);
  }

  CudaLayout layout_;
};

std::string cell(const CudaCost& cost, const Letters& letters, ternary_layout layout, int64_t M, const Shape& shape) {
  const auto best = cost.best(layout, TERNARY_A8, M, shape.N, shape.K);
  if (!best) return "-";
  return digits(best->estimate.us) + letters.of(*best->code->row) +
         (best->splits > 1 ? std::to_string(best->splits) : std::string());
}

/** M* of every device. */
std::string crossovers() {
  std::string text = format("\n%-10s%8s%8s\n", "M*", "I2S", "T5");
  for (const CostDevice& device : kCostDevices) {
    text += format("%-10s%8d%8d\n", device.name, memory_bound_rows(device, CudaLayout::i2s),
                   memory_bound_rows(device, CudaLayout::t5));
  }
  return text;
}

std::string table(ternary_layout layout) {
  const Letters letters(cuda_layout_of(layout));
  std::string text = "```\n" + letters.key() + crossovers();
  for (const CostDevice& device : kCostDevices) {
    const CudaCost cost(device.name);
    text += format("\n%-10s", device.name);
    for (const int64_t M : kRowsOfX) text += format("%8" PRId64, M);
    text += "\n";
    for (const Shape& shape : kShapes) {
      std::string line = format("%-10s", (std::to_string(shape.N) + "x" + std::to_string(shape.K)).c_str());
      for (const int64_t M : kRowsOfX) line += format("%8s", cell(cost, letters, layout, M, shape).c_str());
      text += line + "\n";
    }
  }
  return text + "```\n";
}

/** A document in three parts, of which the table is the middle one. */
struct Document {
  std::string before, table, after;

  explicit Document(const char* file) {
    std::ifstream in(file, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    const size_t begin = text.find(kBegin), end = text.find(kEnd);
    if (begin == std::string::npos || end == std::string::npos || end < begin) return;
    const size_t first = begin + std::strlen(kBegin);
    before = text.substr(0, first);
    table = text.substr(first, end - first);
    after = text.substr(end);
  }
};

int check(const char* file, const std::string& made) {
  const Document document(file);
  if (document.before.empty()) return std::fprintf(stderr, "%s has no table between %s", file, kBegin), 1;
  if (document.table == made) return 0;
  std::istringstream has(document.table), wants(made);
  for (std::string line, wanted; std::getline(wants, wanted);) {
    std::getline(has, line);
    if (line != wanted) std::fprintf(stderr, "has   %s\nwants %s\n", line.c_str(), wanted.c_str());
  }
  std::fprintf(stderr, "%s is not what the cost model says: build cost_table_update\n", file);
  return 1;
}

int update(const char* file, const std::string& made) {
  const Document document(file);
  if (document.before.empty()) return std::fprintf(stderr, "%s has no table between %s", file, kBegin), 1;
  std::ofstream out(file, std::ios::binary);
  out << document.before << made << document.after;
  return out.flush() ? 0 : 1;
}

int run(int count, char** words) {
  ternary_layout layout = TERNARY_LAYOUT_I2S_TILED;
  if (count > 1 && std::strcmp(words[1], "T5") == 0) layout = TERNARY_LAYOUT_T5_TILED;
  const std::string made = table(layout);
  if (count > 2 && std::strcmp(words[count - 2], "--check") == 0) return check(words[count - 1], made);
  if (count > 2 && std::strcmp(words[count - 2], "--update") == 0) return update(words[count - 1], made);
  std::cout << made;
  return 0;
}

}  // namespace
}  // namespace ternary

int main(int count, char** words) { return ternary::run(count, words); }
