/**
 * ternary_sass_budget CUOBJDUMP BUDGET OBJECT_LIST REPORT [--update]
 *
 * What no GPU is needed for: reads the machine code of every kernel for every architecture, writes a report of it
 * (registers, shared memory, stack, instruction mix, steady loop) and holds it to the checked-in budget. Nothing may
 * grow by more than 2 %, nothing may touch local memory, and the steady loops of products of 1 (dp4a) and up to 8 rows
 * (mma) without groups of alpha keep the limit of their kind (kLimits). The steady loop is the innermost one with the most tensor or dp4a instructions; its weights per lane
 * are its 16-byte loads from global memory, because q is in shared memory. A kernel without a line and a line without a
 * kernel fail too. --update writes the budget: target sass_budget_update.
 */
#include <cxxabi.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "core/cuda_figures.h"

namespace ternary::test {
namespace {

struct Instruction {
  uint64_t address;
  std::string name, operands;
};

using Figures = std::array<double, kFigureCount>;
using Kernels = std::map<std::string, Figures>;  ///< by "architecture file kernel"

/** Instructions of the steady loop for 16 weights of a lane: at most so many, in kernels whose names have these parts. */
struct Limit {
  const char* layout;
  const char* dots;
  double most;
  double most_103a;  ///< ptxas puts two to five empty instructions before every IMMA of sm_103a
};
// T5 by mma on sm_103a should need 19 or fewer; 21.45 is what has been reached (native/doc/kernels.md says why).
constexpr Limit kLimits[] = {{"_i2s_", "slabs_kernel<Dp4aDots<", 10, 10},
                             {"_i2s_", "slabs_kernel<MmaDots<", 7, 11},
                             {"_t5_", "slabs_kernel<MmaDots<", 17, 21.5},
                             {"_t5_", "slabs_kernel<Dp4aDots<", 23, 23}};

bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }
bool begins(const std::string& text, const char* start) { return text.rfind(start, 0) == 0; }

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

void erase_all(std::string& text, const std::string& part) {
  for (size_t at; (at = text.find(part)) != std::string::npos;) text.erase(at, part.size());
}

/** The kernel's name without namespaces, parameters and what nvcc makes of the path of a file. */
std::string short_name(const std::string& mangled) {
  int status = 0;
  char* demangled = abi::__cxa_demangle(mangled.c_str(), nullptr, nullptr, &status);
  std::string name = status == 0 ? demangled : mangled;
  std::free(demangled);
  for (size_t at; (at = name.find("_GLOBAL__N__")) != std::string::npos;) name.erase(at, name.find("::", at) + 2 - at);
  for (const char* noise : {"ternary::cuda::", "ternary::", "(anonymous namespace)::", "void ", "(CudaLayout)", " "}) {
    erase_all(name, noise);
  }
  int depth = 0;
  for (size_t i = 0; i < name.size(); ++i) {
    depth += (name[i] == '<') - (name[i] == '>');
    if (depth == 0 && name[i] == '(') return name.substr(0, i);
  }
  return name;
}

/** Reads "        /...address.../   @P0 NAME OPERANDS ;"; false for other lines. */
bool parse(const std::string& line, Instruction& out) {
  const size_t open = line.find("/*"), close = line.find("*/"), end = line.find(';');
  if (open == std::string::npos || close == std::string::npos || end == std::string::npos ||
      has(line.substr(open, 4), "0x")) {
    return false;
  }
  out.address = std::strtoull(line.c_str() + open + 2, nullptr, 16);
  std::istringstream words(line.substr(close + 2, end - close - 2));
  words >> out.name;
  if (out.name == "{") words >> out.name;
  if (out.name[0] == '@') words >> out.name;
  std::getline(words, out.operands);
  return true;
}

bool is_tensor(const std::string& name) {
  return begins(name, "IMMA") || begins(name, "HMMA") || begins(name, "OMMA") || begins(name, "QMMA");
}

/** The column an instruction is counted in besides `instructions`; kInstructions if in none. */
Figure column_of(const std::string& name) {
  struct Row {
    const char* start;
    Figure column;
  };
  static constexpr Row kRows[] = {
      // the first that fits
      {"IDP", kDp4a},     {"LDL", kLocal},      {"STL", kLocal},       {"LDGDEPBAR", kBarriers}, {"DEPBAR", kBarriers},
      {"BAR", kBarriers}, {"SYNCS", kBarriers}, {"MEMBAR", kBarriers}, {"LD", kLoads},           {"ULD", kLoads},
      {"ST", kStores},    {"RED", kStores},     {"ATOM", kStores},     {"IMAD", kAlu},           {"IADD", kAlu},
      {"VIADD", kAlu},    {"LOP3", kAlu},       {"SHF", kAlu},         {"PRMT", kAlu},           {"LEA", kAlu},
      {"ISETP", kAlu},    {"SEL", kAlu},        {"IABS", kAlu},        {"IMNMX", kAlu},          {"VIMNMX", kAlu},
      {"MOV", kAlu},      {"CS2R", kAlu},       {"UIADD", kAlu},       {"ULOP3", kAlu},          {"USHF", kAlu},
      {"UIMAD", kAlu},    {"USEL", kAlu},       {"UISETP", kAlu},      {"ULEA", kAlu},           {"UMOV", kAlu},
      {"FFMA", kFloat},   {"FADD", kFloat},     {"FMUL", kFloat},      {"HFMA2", kFloat},        {"HADD2", kFloat},
      {"HMUL2", kFloat},  {"F2F", kFloat},      {"I2F", kFloat},       {"F2I", kFloat},          {"MUFU", kFloat},
      {"FSEL", kFloat},   {"FSETP", kFloat},    {"FMNMX", kFloat}};
  if (is_tensor(name)) return kTensor;
  for (const Row& row : kRows) {
    if (begins(name, row.start)) return row.column;
  }
  return kInstructions;
}

/** Weights that a lane loads in a load of codes: I2S keeps 4 in a byte, T5 5. */
int weights_of(const Instruction& i, const std::string& file) {
  if (!begins(i.name, "LDG") || begins(i.name, "LDGDEPBAR")) return 0;
  const int bytes = has(i.name, ".256") ? 32 : has(i.name, ".128") ? 16 : 0;
  return bytes * (has(file, "_t5_") ? 5 : 4);
}

/** Passes of shared memory, which gives 128 bytes each: a load of a warp by its width, four for four matrices. */
int shared_passes(const Instruction& i) {
  if (begins(i.name, "LDSM")) return has(i.name, ".4") ? 4 : has(i.name, ".2") ? 2 : 1;
  if (!begins(i.name, "LDS")) return 0;
  return has(i.name, ".128") ? 4 : has(i.name, ".64") ? 2 : 1;
}

/** What the instructions begin ... end use, by pipe; the uniform datapath's (U...) is nobody's bottleneck. */
void measure_mix(const std::vector<Instruction>& code, size_t begin, size_t end, Figures& figures) {
  for (Figure figure : {kLoopTensor, kLoopDp4a, kLoopAlu, kLoopMultiply, kLoopShared}) figures[figure] = 0;
  for (size_t i = begin; i < end; ++i) {
    const std::string& name = code[i].name;
    const Figure column = column_of(name);
    if (column == kTensor) ++figures[kLoopTensor];
    if (column == kDp4a) ++figures[kLoopDp4a];
    if (column == kAlu && name[0] != 'U')
      ++figures[begins(name, "IMAD") && !has(name, ".MOV") ? kLoopMultiply : kLoopAlu];
    figures[kLoopShared] += shared_passes(code[i]);
  }
}

void measure_loop(const std::vector<Instruction>& code, const std::string& file, Figures& figures) {
  std::vector<std::pair<size_t, size_t>> spans;  // [begin, end) of each backward branch
  for (size_t i = 0; i < code.size(); ++i) {
    const size_t at = code[i].operands.rfind("0x");
    if (!begins(code[i].name, "BRA") || at == std::string::npos) continue;
    const uint64_t target = std::strtoull(code[i].operands.c_str() + at, nullptr, 16);
    if (target >= code[i].address) continue;  // a branch to itself ends the function's padding
    const auto begin = std::lower_bound(code.begin(), code.end(), target,
                                        [](const Instruction& x, uint64_t address) { return x.address < address; });
    spans.emplace_back(begin - code.begin(), i + 1);
  }
  int most = 0;
  for (const auto& [begin, end] : spans) {
    const bool innermost = std::none_of(spans.begin(), spans.end(), [&, b = begin, e = end](const auto& other) {
      return b <= other.first && other.second <= e && (b != other.first || e != other.second);
    });
    if (!innermost) continue;
    int products = 0, weights = 0;
    for (size_t i = begin; i < end; ++i) {
      products += is_tensor(code[i].name) || begins(code[i].name, "IDP");
      weights += weights_of(code[i], file);
    }
    if (products <= most) continue;
    most = products;
    figures[kLoop] = static_cast<double>(end - begin);
    figures[kPer16] = weights == 0 ? 0 : 16.0 * static_cast<double>(end - begin) / weights;
    measure_mix(code, begin, end, figures);
  }
}

Figures measure(const std::vector<Instruction>& code, const std::string& file) {
  Figures figures{};
  for (const Instruction& i : code) {
    if (i.name == "NOP") continue;
    ++figures[kInstructions];
    const Figure column = column_of(i.name);
    if (column != kInstructions) ++figures[column];
  }
  measure_loop(code, file, figures);
  return figures;
}

/** The number after `key` in a line of cuobjdump -res-usage. */
double usage(const std::string& line, const char* key) {
  const size_t at = line.find(key);
  return at == std::string::npos ? 0 : std::atof(line.c_str() + at + std::string(key).size());
}

/** Adds the kernels of an object file .../sm90a/<file>.cu.o. */
void add_kernels(const std::string& cuobjdump, const std::string& object, Kernels& kernels) {
  const size_t slash = object.rfind('/'), folder = object.rfind('/', slash - 1) + 1;
  const std::string file = object.substr(slash + 1, object.find('.', slash) - slash - 1);
  const std::string prefix = object.substr(folder, slash - folder) + " " + file + " ";
  const std::string run = "PATH=\"" + cuobjdump.substr(0, cuobjdump.rfind('/')) + ":$PATH\" '" + cuobjdump + "' ";
  std::map<std::string, std::vector<Instruction>> functions;
  std::vector<Instruction>* code = nullptr;
  std::istringstream sass(output_of(run + "-sass '" + object + "'"));
  for (std::string line; std::getline(sass, line);) {
    const size_t at = line.find("Function : ");
    Instruction instruction;
    if (at != std::string::npos) {
      code = &functions[short_name(line.substr(at + 11))];
    } else if (code != nullptr && parse(line, instruction)) {
      code->push_back(instruction);
    }
  }
  for (const auto& [name, instructions] : functions) kernels[prefix + name] = measure(instructions, file);
  std::istringstream resources(output_of(run + "-res-usage '" + object + "' 2>&1"));
  Figures* figures = nullptr;
  for (std::string line; std::getline(resources, line);) {
    const size_t at = line.find("Function ");
    if (at != std::string::npos) {
      figures = &kernels[prefix + short_name(line.substr(at + 9, line.rfind(':') - at - 9))];
    } else if (figures != nullptr && has(line, "REG:")) {
      (*figures)[kRegisters] = usage(line, "REG:");
      (*figures)[kStack] = usage(line, "STACK:");
      (*figures)[kShared] = usage(line, "SHARED:");
    }
  }
}

void write(const std::string& path, const Kernels& kernels, const Kernels& keep) {
  std::ofstream file(path);
  file << "# Machine code of every kernel as nvcc 13.1 makes it; sass_budget.cc says what is counted.\n"
          "# Rewritten by: cmake --build <build> --target sass_budget_update\n#\n# architecture file kernel";
  for (const char* name : kFigureNames) file << " " << name;
  file << "\n";
  Kernels all = keep;
  for (const auto& [name, figures] : kernels) all[name] = figures;
  for (const auto& [name, figures] : all) {
    file << name;
    for (double figure : figures) file << " " << figure;
    file << "\n";
  }
}

Kernels read(const std::string& path) {
  Kernels kernels;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    std::string architecture, name, kernel;
    words >> architecture >> name >> kernel;
    Figures& figures = kernels[architecture + " " + name + " " + kernel];
    for (double& figure : figures) words >> figure;
    if (!words) {
      std::cerr << path << ": \"" << line << "\" has not " << kFigureCount << " figures\n";
      std::exit(EXIT_FAILURE);
    }
  }
  return kernels;
}

/** Says which fixed limit a kernel breaks; the number of them. Adds the limits it was held to, by architecture. */
int check_limits(const std::string& name, const Figures& figures, std::set<std::string>& held) {
  int faults = 0;
  if (figures[kStack] != 0 || figures[kLocal] != 0) {
    std::cout << name << ": " << figures[kStack] << " bytes of stack, " << figures[kLocal]
              << " accesses to local memory; must be 0\n";
    ++faults;
  }
  for (const Limit& limit : kLimits) {
    const bool of_more_rows = !has(name, ",1>,");  // than one by dp4a, eight by mma
    if (!has(name, limit.layout) || !has(name, limit.dots) || of_more_rows) continue;
    held.insert(name.substr(0, name.find(' ')) + limit.layout + limit.dots);
    const double most = begins(name, "sm103a ") ? limit.most_103a : limit.most;
    if (figures[kPer16] > 0 && figures[kPer16] <= most) continue;
    std::cout << name << ": " << figures[kPer16] << " instructions for 16 weights and lane in the steady loop; must be "
              << most << " or fewer, and more than 0\n";
    ++faults;
  }
  return faults;
}

int compare(const Kernels& kernels, const Kernels& budget, const std::set<std::string>& architectures) {
  int faults = 0;
  std::set<std::string> held;
  for (const auto& [name, figures] : kernels) {
    faults += check_limits(name, figures, held);
    const auto line = budget.find(name);
    if (line == budget.end()) {
      std::cout << name << " has no line in the budget\n";
      ++faults;
      continue;
    }
    for (int figure : {kRegisters, kShared, kInstructions, kLoop, kPer16}) {
      const double allowed = line->second[figure];
      if (figures[figure] <= 1.02 * allowed) continue;
      std::cout << name << ": " << kFigureNames[figure] << " " << figures[figure] << "; the budget is " << allowed
                << "\n";
      ++faults;
    }
  }
  for (const std::string& architecture : architectures) {
    for (const Limit& limit : kLimits) {
      if (held.count(architecture + limit.layout + limit.dots) != 0) continue;
      std::cout << architecture << ": no kernel with " << limit.layout << " and " << limit.dots << " in its name\n";
      ++faults;
    }
  }
  for (const auto& [name, allowed] : budget) {
    if (kernels.count(name) != 0 || architectures.count(name.substr(0, name.find(' '))) == 0) continue;
    std::cout << name << " has a line in the budget, but there is no such kernel\n";
    ++faults;
  }
  return faults;
}

}  // namespace
}  // namespace ternary::test

int main(int argc, char** argv) {
  using namespace ternary::test;
  if (argc < 5) return EXIT_FAILURE;
  Kernels kernels;
  std::set<std::string> architectures;
  std::ifstream list(argv[3]);
  for (std::string object; std::getline(list, object);) {
    if (!object.empty()) add_kernels(argv[1], object, kernels);
  }
  for (const auto& [name, figures] : kernels) architectures.insert(name.substr(0, name.find(' ')));
  write(argv[4], kernels, {});
  const Kernels budget = read(argv[2]);
  if (argc > 5 && std::string(argv[5]) == "--update") {
    Kernels keep;  // architectures that this build has not
    for (const auto& line : budget) {
      if (architectures.count(line.first.substr(0, line.first.find(' '))) == 0) keep.insert(line);
    }
    write(argv[2], kernels, keep);
    return EXIT_SUCCESS;
  }
  const int faults = kernels.empty() ? 1 : compare(kernels, budget, architectures);
  std::cout << kernels.size() << " kernels, " << faults << " not within the budget; " << argv[4] << "\n";
  return faults == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
