/**
 * ternary_loop_budget OBJDUMP BUDGET OBJECT_LIST [--update]
 *
 * The regression guard that noise cannot reach: counts the instructions of every steady loop of each product kernel, by
 * disassembly of its object file, and compares them with the checked-in budget. A loop is steady if it is innermost and
 * multiplies weights, or decodes them; those of an epilogue are not. It may not need more instructions for the same
 * work, nor touch the stack more often, than its line of the budget says; a loop without a line, a line without a loop
 * and a kernel without a loop fail too. --update writes the budget: target loop_budget_update.
 *
 * The loops that measure a machine's int8 peak must make as many multiply-adds a step as limits.inc says. GCC 12 once
 * saw that their sums are alike, computed one and counted sixteen: twice the true peak.
 */
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "abi/kernel.h"

namespace ternary::test {
namespace {

struct KernelRow {
  const char* function;
  Stage stage;
  Isa isa;
  ternary_layout layout;
};

/** The product kernels of the table, by the macros that declare them. */
constexpr KernelRow kRows[] = {
#define GEMM(name, stage, isa, layout, function, ...) {#function, Stage::stage, Isa::isa, TERNARY_LAYOUT_##layout},
#include "cpu/kernels.inc"
};

struct PeakRow {
  const char* function;
  Isa isa;
  int step;  ///< multiply-adds
};

/** The loops of limits.inc that measure the int8 peak. */
constexpr PeakRow kPeaks[] = {
#define LIMIT(kind, isa, function, step) LIMIT_##kind(isa, function, step)
#define LIMIT_INT8_PEAK(isa, function, step) {#function, Isa::isa, step},
#define LIMIT_READ(...)
#define LIMIT_TILE_LOADS(...)
#include "cpu/limits.inc"
#undef LIMIT_INT8_PEAK
#undef LIMIT_READ
#undef LIMIT_TILE_LOADS
};

struct Instruction {
  uint64_t address;
  std::string name, operands;
};

struct Function {
  std::string name;
  std::vector<Instruction> code;
};

struct Loop {
  std::string work;  ///< "multiply" or "decode"
  int amount = 0;    ///< multiply-adds (weights times rows of X), or decoded bytes, an iteration
  int instructions = 0;
  int stack = 0;  ///< of these, how many touch the stack: spilled registers
};

using Loops = std::map<std::string, Loop>;  ///< by "kernel function#n"

std::string output_of(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  std::string text;
  char buffer[1 << 16];
  size_t got;
  while (pipe != nullptr && (got = std::fread(buffer, 1, sizeof buffer, pipe)) > 0) text.append(buffer, got);
  if (pipe == nullptr || pclose(pipe) != 0) {
    std::cerr << "cannot run: " << command << "\n";
    std::exit(EXIT_FAILURE);
  }
  return text;
}

/** "void ternary::cpu::(anonymous namespace)::Dot::add<1>(long) [clone .isra.0]" -> "Dot::add<1>". */
std::string short_name(std::string name) {
  for (const char* noise : {"ternary::cpu::", "ternary::", "(anonymous namespace)::"}) {
    for (size_t at; (at = name.find(noise)) != std::string::npos;) name.erase(at, std::strlen(noise));
  }
  int depth = 0;
  size_t begin = 0, end = name.size();
  for (size_t i = 0; i < name.size(); ++i) {
    depth += (name[i] == '<') - (name[i] == '>');
    if (depth == 0 && name[i] == ' ') begin = i + 1;
    if (depth == 0 && name[i] == '(') {
      end = i;
      break;
    }
  }
  name = name.substr(begin, end - begin);
  name.erase(std::remove(name.begin(), name.end(), ' '), name.end());
  return name;
}

std::vector<Function> disassemble(const std::string& objdump, const std::string& object) {
  std::istringstream text(output_of("'" + objdump + "' -d -C --no-show-raw-insn -w '" + object + "'"));
  static const std::regex head("^[0-9a-f]+ <(.*)>:$"), line("^ *([0-9a-f]+):\t([a-z0-9{}]+) *(.*)$");
  std::vector<Function> functions;
  std::smatch match;
  for (std::string row; std::getline(text, row);) {
    if (std::regex_match(row, match, head)) {
      functions.push_back({short_name(match[1]), {}});
    } else if (!functions.empty() && std::regex_match(row, match, line)) {
      functions.back().code.push_back({std::stoull(match[1], nullptr, 16), match[2], match[3]});
    }
  }
  return functions;
}

/** Bytes of the widest vector register among the operands; 0 if there is none. */
int vector_bytes(const Instruction& i) {
  return i.operands.find("%zmm") != std::string::npos   ? 64
         : i.operands.find("%ymm") != std::string::npos ? 32
         : i.operands.find("%xmm") != std::string::npos ? 16
                                                        : 0;
}

bool begins(const std::string& text, const char* start) { return text.rfind(start, 0) == 0; }

/** Multiply-adds of an instruction that the row's kernel multiplies weights with. */
int multiply_adds(const Instruction& i, const KernelRow& row) {
  // T3's GEMV looks up what three weights give, in two parts: a byte that gets its sign is half a triple.
  const bool looks_up = row.layout == TERNARY_LAYOUT_T3_TILED && begins(row.function, "gemv");
  if (looks_up && i.name == "vpsignb") return vector_bytes(i) * 3 / 2;
  if (row.stage == Stage::gemm_a16) {
    if (i.name == "mulss") return 1;
    const bool packed = i.name == "mulps" || (begins(i.name, "vfmadd") && i.name.find("ps") != std::string::npos);
    return packed ? vector_bytes(i) / 4 : 0;
  }
  if (begins(i.name, "tdpb")) return 16 * 16 * 64;
  if (i.name == "vpmaddubsw" || begins(i.name, "vpdpbusd") || i.name == "{vex}") return vector_bytes(i);
  return i.name == "pmaddwd" || i.name == "pmullw" ? 8 : 0;
}

bool touches_stack(const Instruction& i, bool frame_pointer) {
  return i.operands.find("(%rsp") != std::string::npos ||
         (frame_pointer && i.operands.find("(%rbp") != std::string::npos);
}

/** Bytes that an instruction stores from a vector register. */
int stored_bytes(const Instruction& i) {
  const bool to_memory = !i.operands.empty() && i.operands.back() == ')' && begins(i.operands, "%");
  return to_memory && i.name.find("mov") != std::string::npos ? vector_bytes(i) : 0;
}

Loop measure(const Instruction* begin, const Instruction* end, const KernelRow& row, bool frame_pointer) {
  Loop loop;
  int multiplied = 0, stored = 0;
  bool masks = false, converts = false;
  for (const Instruction* i = begin; i != end; ++i) {
    if (begins(i->name, "nop") || begins(i->name, "data16") || begins(i->name, "cs")) continue;
    ++loop.instructions;
    loop.stack += touches_stack(*i, frame_pointer);
    multiplied += multiply_adds(*i, row);
    stored += stored_bytes(*i);
    masks |= i->name.find("pand") != std::string::npos;
    converts |= i->name.find("cvt") != std::string::npos || i->name.find("mulps") != std::string::npos;
  }
  // Scaling and rounding sums multiplies too, but far fewer numbers than it has instructions.
  const bool epilogue = row.stage == Stage::gemm_a16 && row.isa != Isa::portable && multiplied < loop.instructions;
  if (multiplied > 0 && !epilogue) {
    loop.work = "multiply";
    loop.amount = multiplied;
  } else if (masks && stored > 0 && !converts && (row.stage == Stage::gemm_a8 || row.isa == Isa::portable)) {
    loop.work = "decode";
    loop.amount = stored;
  }
  return loop;
}

/** Adds the steady loops of a function: from a backward jump's target to the jump, with no such pair inside. */
void add_loops(const KernelRow& row, const Function& function, Loops& loops) {
  const auto& code = function.code;
  std::vector<std::pair<size_t, size_t>> spans;
  bool frame_pointer = false;
  for (size_t i = 0; i < code.size(); ++i) {
    frame_pointer |= code[i].name == "mov" && code[i].operands == "%rsp,%rbp";
    if (code[i].name[0] != 'j') continue;
    const uint64_t target = std::strtoull(code[i].operands.c_str(), nullptr, 16);
    if (target > code[i].address || target < code[0].address) continue;
    const auto at = std::lower_bound(code.begin(), code.end(), target,
                                     [](const Instruction& x, uint64_t address) { return x.address < address; });
    spans.emplace_back(at - code.begin(), i + 1);
  }
  int n = 0;
  for (const auto& [begin, end] : spans) {
    const bool innermost = std::none_of(spans.begin(), spans.end(), [&, b = begin, e = end](const auto& other) {
      return b <= other.first && other.second <= e && (b != other.first || e != other.second);
    });
    if (!innermost) continue;
    const Loop loop = measure(&code[begin], code.data() + end, row, frame_pointer);
    if (loop.amount == 0) continue;
    ++n;
    const std::string number = (n < 10 ? "0" : "") + std::to_string(n);
    loops[std::string(row.function) + " " + function.name + "#" + number] = loop;
  }
}

/** Object files by their names without folders. */
std::map<std::string, std::string> read_objects(const std::string& object_list) {
  std::map<std::string, std::string> objects;
  std::ifstream list(object_list);
  for (std::string path; std::getline(list, path);) objects[path.substr(path.rfind('/') + 1)] = path;
  return objects;
}

/** Says which loops of an int8 peak do not make their multiply-adds; how many. */
int false_peaks(const std::string& objdump, const std::string& object_list) {
  const auto objects = read_objects(object_list);
  int faults = 0;
  for (const PeakRow& peak : kPeaks) {
    Loops loops;
    const KernelRow row = {peak.function, Stage::gemm_a8, peak.isa, TERNARY_LAYOUT_I2S_TILED};
    for (const Function& f : disassemble(objdump, objects.at(std::string(peak.function) + ".cc.o"))) {
      add_loops(row, f, loops);
    }
    const int found = loops.size() == 1 ? loops.begin()->second.amount : 0;
    if (found == peak.step) continue;
    std::cout << peak.function << " says that a step makes " << peak.step << " multiply-adds, its " << loops.size()
              << " loops make " << found << "\n";
    ++faults;
  }
  return faults;
}

Loops measure_all(const std::string& objdump, const std::string& object_list) {
  const auto objects = read_objects(object_list);
  Loops loops;
  for (const KernelRow& row : kRows) {
    const auto object = objects.find(std::string(row.function) + ".cc.o");
    if (object == objects.end()) continue;  // the table without its file does not link
    const size_t before = loops.size();
    for (const Function& f : disassemble(objdump, object->second)) add_loops(row, f, loops);
    if (loops.size() == before) {
      std::cerr << row.function << ": no steady loop was found; loop_budget.cc may have to learn an instruction\n";
      std::exit(EXIT_FAILURE);
    }
  }
  return loops;
}

Loops read_budget(const std::string& path) {
  Loops budget;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string kernel, function;
    Loop loop;
    if (line.empty() || line[0] == '#') continue;
    words >> kernel >> function >> loop.work >> loop.amount >> loop.instructions >> loop.stack;
    if (!words) {
      std::cerr << path << ": \"" << line << "\" is not KERNEL LOOP WORK AMOUNT INSTRUCTIONS STACK\n";
      std::exit(EXIT_FAILURE);
    }
    budget[kernel + " " + function] = loop;
  }
  return budget;
}

std::string text_of(const Loop& loop) {
  std::ostringstream text;
  text << loop.instructions << " instructions for " << loop.amount
       << (loop.work == "decode" ? " decoded bytes, " : " multiply-adds, ") << loop.stack << " of them on the stack";
  return text.str();
}

void write_budget(const std::string& path, const Loops& loops) {
  std::ofstream file(path);
  file << "# Instructions of every steady loop as GCC 12 makes it; loop_budget.cc says what is counted.\n"
          "# A weight times an activation is a multiply-add; T5 kernels that telescope need two for a weight.\n"
          "# T3's GEMV looks up three weights at a time, and makes tables of X by multiply-adds.\n"
          "# Rewritten by: cmake --build <build> --target loop_budget_update\n"
          "#\n# kernel loop work amount instructions stack\n";
  for (const auto& [name, loop] : loops) {
    file << name << " " << loop.work << " " << loop.amount << " " << loop.instructions << " " << loop.stack << "\n";
  }
}

/** Says what is wrong; 0 if nothing is. */
int compare(const Loops& loops, const Loops& budget) {
  int faults = 0;
  for (const auto& [name, loop] : loops) {
    const auto line = budget.find(name);
    if (line == budget.end()) {
      std::cout << name << " has no line: " << text_of(loop) << "\n";
      ++faults;
      continue;
    }
    const Loop& allowed = line->second;
    // Per unit of work, so that unrolling changes nothing; 2 % for the loop's own counter and jump.
    const int64_t needed = int64_t{100} * loop.instructions * allowed.amount;
    const bool more = loop.work != allowed.work || needed > int64_t{102} * allowed.instructions * loop.amount;
    if (!more && loop.stack <= allowed.stack) continue;
    std::cout << name << ": " << text_of(loop) << "; the budget is " << text_of(allowed) << "\n";
    ++faults;
  }
  for (const auto& [name, allowed] : budget) {
    if (loops.count(name) != 0) continue;
    std::cout << name << " has a line, but there is no such loop: " << text_of(allowed) << "\n";
    ++faults;
  }
  return faults;
}

}  // namespace
}  // namespace ternary::test

int main(int argc, char** argv) {  // NOLINT(bugprone-exception-escape): ends a test, which then has failed
  using namespace ternary::test;
  if (argc < 4) return EXIT_FAILURE;
  const Loops loops = measure_all(argv[1], argv[3]);
  if (argc > 4 && std::string(argv[4]) == "--update") {
    write_budget(argv[2], loops);
    return EXIT_SUCCESS;
  }
  const int faults = compare(loops, read_budget(argv[2])) + false_peaks(argv[1], argv[3]);
  std::cout << loops.size() << " loops, " << faults << " not within the budget\n";
  return faults == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
