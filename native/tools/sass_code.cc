#include "sass_code.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <vector>

namespace ternary::test {
namespace {

struct Instruction {
  uint64_t address;
  std::string name, operands;
};

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

std::string demangled(const std::string& symbol) {
  int status = 0;
  char* text = abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &status);
  std::string name = status == 0 ? text : symbol;
  std::free(text);
  return name;
}

/** A demangled kernel without namespaces, parameters, what nvcc makes of the path of a file, and what follows. */
std::string short_name(std::string name) {
  for (size_t at; (at = name.find("_GLOBAL__N__")) != std::string::npos;) name.erase(at, name.find("::", at) + 2 - at);
  for (const char* noise : {"ternary::cuda::", "ternary::", "(anonymous namespace)::", "void ", "(CudaLayout)", " "}) {
    erase_all(name, noise);
  }
  int depth = 0;
  for (size_t i = 0; i < name.size(); ++i) {
    depth += (name[i] == '<') - (name[i] == '>');
    if (depth < 0 || (depth == 0 && name[i] == '(')) return name.substr(0, i);
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
int weights_of(const Instruction& i, CudaLayout layout) {
  if (!begins(i.name, "LDG") || begins(i.name, "LDGDEPBAR")) return 0;
  const int bytes = has(i.name, ".256") ? 32 : has(i.name, ".128") ? 16 : 0;
  return bytes * (layout == CudaLayout::t5 ? 5 : 4);
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

void measure_loop(const std::vector<Instruction>& code, CudaLayout layout, Figures& figures) {
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
      weights += weights_of(code[i], layout);
    }
    if (products <= most) continue;
    most = products;
    figures[kLoop] = static_cast<double>(end - begin);
    figures[kPer16] = weights == 0 ? 0 : 16.0 * static_cast<double>(end - begin) / weights;
    measure_mix(code, begin, end, figures);
  }
}

Figures measure(const std::vector<Instruction>& code, CudaLayout layout) {
  Figures figures{};
  for (const Instruction& i : code) {
    if (i.name == "NOP") continue;
    ++figures[kInstructions];
    const Figure column = column_of(i.name);
    if (column != kInstructions) ++figures[column];
  }
  measure_loop(code, layout, figures);
  return figures;
}

/** The number after `key` in a line of cuobjdump -res-usage. */
double usage(const std::string& line, const char* key) {
  const size_t at = line.find(key);
  return at == std::string::npos ? 0 : std::atof(line.c_str() + at + std::string(key).size());
}

}  // namespace

std::map<std::string, Figures> measure_kernels(const std::string& cuobjdump, const std::string& object,
                                               CudaLayout layout) {
  const std::string run = "PATH=\"" + cuobjdump.substr(0, cuobjdump.rfind('/')) + ":$PATH\" '" + cuobjdump + "' ";
  std::map<std::string, std::vector<Instruction>> functions;
  std::vector<Instruction>* code = nullptr;
  std::istringstream sass(output_of(run + "-sass '" + object + "'"));
  for (std::string line; std::getline(sass, line);) {
    const size_t at = line.find("Function : ");
    Instruction instruction;
    if (at != std::string::npos) {
      code = &functions[short_name(demangled(line.substr(at + 11)))];
    } else if (code != nullptr && parse(line, instruction)) {
      code->push_back(instruction);
    }
  }
  std::map<std::string, Figures> kernels;
  for (const auto& [name, instructions] : functions) kernels[name] = measure(instructions, layout);
  std::istringstream resources(output_of(run + "-res-usage '" + object + "' 2>&1"));
  Figures* figures = nullptr;
  for (std::string line; std::getline(resources, line);) {
    const size_t at = line.find("Function ");
    if (at != std::string::npos) {
      figures = &kernels[short_name(demangled(line.substr(at + 9, line.rfind(':') - at - 9)))];
    } else if (figures != nullptr && has(line, "REG:")) {
      (*figures)[kRegisters] = usage(line, "REG:");
      (*figures)[kStack] = usage(line, "STACK:");
      (*figures)[kShared] = usage(line, "SHARED:");
    }
  }
  return kernels;
}

std::vector<StatedVariant> stated_variants(const std::string& nm, const std::string& object) {
  const std::string statement = "ternary::cuda::kCompiledAs<";
  std::vector<StatedVariant> stated;
  std::istringstream symbols(output_of("'" + nm + "' '" + object + "'"));
  for (std::string line; std::getline(symbols, line);) {
    const std::string name = demangled(line.substr(line.rfind(' ') + 1));
    if (!begins(name, statement.c_str())) continue;
    StatedVariant variant;
    std::istringstream numbers(name.substr(statement.size()));
    char comma;
    numbers >> variant.row >> comma >> variant.variant;
    const size_t kernel = name.find('&') + 1;  // "&(void f<int>(int))" or "&f"
    variant.kernel = short_name(name.substr(kernel + (begins(name.substr(kernel), "(void") ? 1 : 0)));
    stated.push_back(variant);
  }
  return stated;
}

}  // namespace ternary::test
