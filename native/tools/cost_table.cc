/**
 * ternary_cost_table [I2S|T5|SECOND|EXPERTS] [--check FILE | --update FILE]
 *
 * What the cost model expects of every device of its table: up to how many rows of X memory sets the pace (M*), and
 * microseconds, kernel and splits of products of some shapes. SECOND: of the devices that have kernels of the second
 * arrangement of weights, these beside those of the first, and from how many rows of X on they take less time. EXPERTS:
 * layers of experts (expert_table.h).
 * Printed as text, or held against what FILE has between its marks, or written there: target cost_table_update.
 */
#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>

#include "abi/cuda_rows.h"
#include "core/cost/cost.h"
#include "expert_table.h"
#include "text_format.h"

namespace ternary {
namespace {

/** Around a table in a document. */
struct Marks {
  const char *begin, *end;
};
constexpr Marks kMarks = {"<!-- ternary_cost_table -->\n", "<!-- end of ternary_cost_table -->\n"},
                kSecondMarks = {"<!-- ternary_cost_table SECOND -->\n", "<!-- end of ternary_cost_table SECOND -->\n"},
                kExpertMarks = {"<!-- ternary_cost_table EXPERTS -->\n",
                                "<!-- end of ternary_cost_table EXPERTS -->\n"};

struct Shape {
  int64_t N, K;
};
constexpr Shape kShapes[] = {{2048, 768},   {2560, 2560},  {13824, 2560}, {4096, 4096},
                             {4096, 14336}, {14336, 4096}, {28672, 4096}};
constexpr int64_t kRowsOfX[] = {1, 2, 4, 8, 16, 17, 24, 32, 48, 64, 96, 128, 256, 512};
/** Of the second arrangement. */
constexpr Shape kManyRowsShapes[] = {{4096, 4096}, {14336, 4096}, {4096, 14336}};
constexpr int64_t kManyRowsOfX[] = {16, 32, 64, 128, 256, 512, 1024, 2048, 4096};

/** Three digits. */
std::string digits(double us) {
  const int decimals = us < 9.995 ? 2 : us < 99.95 ? 1 : 0;
  return format("%.*f", decimals, us);
}

/** Letters of the kernels that serve a layout and an activation, in the order of the table. */
class Letters {
 public:
  explicit Letters(CudaLayout layout, bool a8 = true) : layout_(layout), a8_(a8) {}

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
    const bool a8 = row.stage == CudaStage::gemm_a8 || row.stage == CudaStage::fused_a8;
    return row.layout == layout_ && (a8_ ? a8 : row.stage == CudaStage::gemm_a16);
  }

  CudaLayout layout_;
  bool a8_;
};

std::string cell(const std::optional<CostWinner>& best, const Letters& letters) {
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
      for (const int64_t M : kRowsOfX) {
        line += format("%8s", cell(cost.best(layout, TERNARY_A8, M, shape.N, shape.K), letters).c_str());
      }
      text += line + "\n";
    }
  }
  return text + "```\n";
}

/** From how many rows of X on the second arrangement takes less time: the first such number, and from which on all do. */
std::string pays_from(const CudaCost& cost, const Shape& shape, bool a8) {
  constexpr int64_t kMost = 4096;
  int64_t first = 0, always = 0;
  for (int64_t M = 1; M <= kMost; ++M) {
    const bool pays = cost.prefers(CudaLayout::top2, CudaLayout::i2s, {M, shape.N, shape.K, 2, 2, 1, 0}, a8);
    if (pays && first == 0) first = M;
    if (pays && always == 0) always = M;
    if (!pays) always = 0;
  }
  const auto text = [](int64_t M) { return M == 0 ? std::string("-") : std::to_string(M); };
  return format("%8s%8s", text(first).c_str(), text(always).c_str());
}

std::string second_table(const CudaCost& cost, bool a8) {
  const Letters first(CudaLayout::i2s, a8), second(CudaLayout::top2, a8);
  std::string text = "I2S:\n" + first.key() + "second arrangement:\n" + second.key();
  text += format("\n%-7s%-11s", cost.device().name, a8 ? "A8" : "A16");
  for (const int64_t M : kManyRowsOfX) text += format("%8" PRId64, M);
  text += "    pays  always\n";
  for (const Shape& shape : kManyRowsShapes) {
    const std::string name = std::to_string(shape.N) + "x" + std::to_string(shape.K);
    std::string line = format("%-18s", (name + " I2S").c_str()), other = format("%-18s", "           second");
    for (const int64_t M : kManyRowsOfX) {
      const ternary_activation activation = a8 ? TERNARY_A8 : TERNARY_A16;
      line += format("%8s", cell(cost.best(TERNARY_LAYOUT_I2S_TILED, activation, M, shape.N, shape.K), first).c_str());
      other +=
          format("%8s", cell(cost.best_of(CudaLayout::top2, {M, shape.N, shape.K, 2, 2, 1, 0}, a8), second).c_str());
    }
    text += line + "\n" + other + pays_from(cost, shape, a8) + "\n";
  }
  return text;
}

std::string second_tables() {
  std::string text = "```\n";
  for (const CostDevice& device : kCostDevices) {
    const CudaCost cost(device.name);
    if (!cost.best_of(CudaLayout::top2, {512, 4096, 4096, 2, 2, 1, 0}, true)) continue;
    text += second_table(cost, true) + "\n" + second_table(cost, false);
  }
  return text + "```\n";
}

/** A document in three parts, of which the table is the middle one. */
struct Document {
  std::string before, table, after;

  Document(const char* file, const Marks& marks) {
    std::ifstream in(file, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    const size_t begin = text.find(marks.begin), end = text.find(marks.end);
    if (begin == std::string::npos || end == std::string::npos || end < begin) return;
    const size_t first = begin + std::strlen(marks.begin);
    before = text.substr(0, first);
    table = text.substr(first, end - first);
    after = text.substr(end);
  }
};

int check(const char* file, const Marks& marks, const std::string& made) {
  const Document document(file, marks);
  if (document.before.empty()) return std::fprintf(stderr, "%s has no table behind %s", file, marks.begin), 1;
  if (document.table == made) return 0;
  std::istringstream has(document.table), wants(made);
  for (std::string line, wanted; std::getline(wants, wanted);) {
    std::getline(has, line);
    if (line != wanted) std::fprintf(stderr, "has   %s\nwants %s\n", line.c_str(), wanted.c_str());
  }
  std::fprintf(stderr, "%s is not what the cost model says: build cost_table_update\n", file);
  return 1;
}

int update(const char* file, const Marks& marks, const std::string& made) {
  const Document document(file, marks);
  if (document.before.empty()) return std::fprintf(stderr, "%s has no table behind %s", file, marks.begin), 1;
  std::ofstream out(file, std::ios::binary);
  out << document.before << made << document.after;
  return out.flush() ? 0 : 1;
}

int run(int count, char** words) {
  ternary_layout layout = TERNARY_LAYOUT_I2S_TILED;
  if (count > 1 && std::strcmp(words[1], "T5") == 0) layout = TERNARY_LAYOUT_T5_TILED;
  const bool second = count > 1 && std::strcmp(words[1], "SECOND") == 0;
  const bool experts = count > 1 && std::strcmp(words[1], "EXPERTS") == 0;
  const Marks& marks = second ? kSecondMarks : experts ? kExpertMarks : kMarks;
  const std::string made = second ? second_tables() : experts ? expert_tables() : table(layout);
  if (count > 2 && std::strcmp(words[count - 2], "--check") == 0) return check(words[count - 1], marks, made);
  if (count > 2 && std::strcmp(words[count - 2], "--update") == 0) return update(words[count - 1], marks, made);
  std::cout << made;
  return 0;
}

}  // namespace
}  // namespace ternary

int main(int count, char** words) { return ternary::run(count, words); }
