#include "sass_code.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <vector>

#include "sass_tiles.h"

namespace ternary::test {
namespace {

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

/** The one kernel of a file whose name is longer than the 1024 letters that libstdc++ reads: CUTLASS's. */
constexpr const char* kLongName = "(long name)";

std::string demangled(const std::string& symbol) {
  int status = 0;
  char* text = abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &status);
  std::string name = status == 0 ? text : begins(symbol, "_Z") ? kLongName : symbol;
  std::free(text);
  return name;
}

/** A demangled kernel without namespaces, parameters, what nvcc makes of the path of a file, and what follows. */
std::string short_name(std::string name) {
  if (name == kLongName) return name;
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
  if (out.name[0] == '@') {
    out.guard = out.name;
    words >> out.name;
  }
  std::getline(words, out.operands);
  return true;
}

/**
 * The column an instruction is counted in besides `instructions`; kInstructions if in none. Those of tensor memory, LDTM and
 * STTM, are loads and stores.
 */
Figure column_of(const Instruction& i) {
  struct Row {
    const char* start;
    Figure column;
  };
  static constexpr Row kRows[] = {
      // the first that fits
      {"IDP", kDp4a},        {"LDL", kLocal},    {"STL", kLocal},       {"LDGDEPBAR", kBarriers},
      {"DEPBAR", kBarriers}, {"BAR", kBarriers}, {"SYNCS", kBarriers},  {"MEMBAR", kBarriers},
      {"LD", kLoads},        {"ULD", kLoads},    {"UTCBAR", kBarriers}, {"UTMALDG", kLoads},
      {"ST", kStores},       {"RED", kStores},   {"ATOM", kStores},     {"IMAD", kAlu},
      {"IADD", kAlu},        {"VIADD", kAlu},    {"LOP3", kAlu},        {"SHF", kAlu},
      {"PRMT", kAlu},        {"LEA", kAlu},      {"ISETP", kAlu},       {"SEL", kAlu},
      {"IABS", kAlu},        {"IMNMX", kAlu},    {"VIMNMX", kAlu},      {"MOV", kAlu},
      {"CS2R", kAlu},        {"UIADD", kAlu},    {"ULOP3", kAlu},       {"USHF", kAlu},
      {"UIMAD", kAlu},       {"USEL", kAlu},     {"UISETP", kAlu},      {"ULEA", kAlu},
      {"UMOV", kAlu},        {"FFMA", kFloat},   {"FADD", kFloat},      {"FMUL", kFloat},
      {"HFMA2", kFloat},     {"HADD2", kFloat},  {"HMUL2", kFloat},     {"F2F", kFloat},
      {"I2F", kFloat},       {"F2I", kFloat},    {"MUFU", kFloat},      {"FSEL", kFloat},
      {"FSETP", kFloat},     {"FMNMX", kFloat}};
  if (i.is_tensor()) return kTensor;
  for (const Row& row : kRows) {
    if (begins(i.name, row.start)) return row.column;
  }
  return kInstructions;
}

/** Weights that a lane loads: I2S keeps 4 in a byte, T5 5. What a GEMM copies in its loop may be X. */
int weights_of(const Instruction& i, const CudaRow& row) {
  const int loads = i.wide_loads() + (row.gemv() ? i.wide_copies() : 0);
  return 16 * loads * (row.layout == CudaLayout::t5 ? 5 : 4);
}

/** Passes of shared memory, which gives 128 bytes each: a load of a warp by its width, four for four matrices. */
int shared_passes(const Instruction& i) {
  if (begins(i.name, "LDSM")) return has(i.name, ".4") ? 4 : has(i.name, ".2") ? 2 : 1;
  if (!begins(i.name, "LDS")) return 0;
  return has(i.name, ".128") ? 4 : has(i.name, ".64") ? 2 : 1;
}

/** What the instructions begin ... end use, by pipe; the uniform datapath's (U...) is nobody's bottleneck. */
void measure_mix(const Instructions& code, size_t begin, size_t end, Figures& figures) {
  for (Figure figure : {kLoopTensor, kLoopDp4a, kLoopAlu, kLoopMultiply, kLoopShared}) figures[figure] = 0;
  for (size_t i = begin; i < end; ++i) {
    const std::string& name = code[i].name;
    const Figure column = column_of(code[i]);
    if (column == kTensor) ++figures[kLoopTensor];
    if (column == kDp4a) ++figures[kLoopDp4a];
    if (column == kAlu && name[0] != 'U')
      ++figures[begins(name, "IMAD") && !has(name, ".MOV") ? kLoopMultiply : kLoopAlu];
    figures[kLoopShared] += shared_passes(code[i]);
  }
}

/** The loop that decodes W; loop_tensor is another warp's, for the same columns of K. */
void measure_tile_loop(const Instructions& code, Figures& figures) {
  const TileLoops loops = tile_loops(code);
  if (loops.weights == 0) return;
  figures[kLoop] = static_cast<double>(loops.decode.end - loops.decode.begin);
  figures[kPer16] = 16 * figures[kLoop] / loops.weights;
  measure_mix(code, loops.decode.begin, loops.decode.end, figures);
  figures[kLoopTensor] = loops.products;
}

void measure_loop(const Instructions& code, const CudaRow& row, Figures& figures) {
  const std::vector<Loop> loops = Ways(code).loops();
  int most = 0;
  for (const Loop& loop : loops) {
    if (std::any_of(loops.begin(), loops.end(), [&](const Loop& other) { return loop.holds(other); })) continue;
    int products = 0, weights = 0;
    for (size_t i = loop.begin; i < loop.end; ++i) {
      products += code[i].is_tensor() || begins(code[i].name, "IDP");
      weights += weights_of(code[i], row);
    }
    const auto length = static_cast<double>(loop.end - loop.begin);
    // Of loops with as many products the steady one is the shortest: others have more to ask on their way.
    if (products == 0 || products < most || (products == most && length >= figures[kLoop])) continue;
    most = products;
    figures[kLoop] = length;
    figures[kPer16] = weights == 0 ? 0 : 16.0 * length / weights;
    measure_mix(code, loop.begin, loop.end, figures);
  }
}

KernelCode measure(const Instructions& code, const CudaRow& row, bool pdl) {
  KernelCode kernel;
  Figures& figures = kernel.figures;
  for (const Instruction& i : code) {
    if (i.name == "NOP") continue;
    ++figures[kInstructions];
    const Figure column = column_of(i);
    if (column != kInstructions) ++figures[column];
  }
  if (row.layout == CudaLayout::top2) {
    measure_tile_loop(code, figures);
    kernel.weights.faults = tile_faults(code, pdl);
  } else {
    measure_loop(code, row, figures);
    kernel.weights = measure_weights(code, row, pdl);
  }
  return kernel;
}

/** The number after `key` in a line; 0: there is none. */
double number_after(const std::string& line, const char* key) {
  const size_t at = line.find(key);
  return at == std::string::npos ? 0 : std::atof(line.c_str() + at + std::string(key).size());
}

/** The kernel that a line of text names behind `key`, up to one of `ends`. */
std::string kernel_after(const std::string& line, const char* key, const char* ends) {
  const size_t at = line.find(key) + std::string(key).size();
  return short_name(demangled(line.substr(at, line.find_first_of(ends, at) - at)));
}

std::map<std::string, Instructions> functions_of(const std::string& sass) {
  std::map<std::string, Instructions> functions;
  Instructions* code = nullptr;
  std::istringstream lines(sass);
  for (std::string line; std::getline(lines, line);) {
    Instruction instruction;
    if (has(line, "Function : ")) {
      code = &functions[kernel_after(line, "Function : ", "\r")];
      if (code->empty()) continue;
      std::cerr << "two kernels of a file have names that cannot be told apart: " << line << "\n";
      std::exit(EXIT_FAILURE);
    } else if (code != nullptr && parse(line, instruction)) {
      code->push_back(instruction);
    }
  }
  return functions;
}

}  // namespace

std::map<std::string, KernelCode> measure_kernels(const std::string& cuobjdump, const std::string& object,
                                                  const CudaRow& row, bool pdl) {
  const auto dump = [&](const std::string& what) {
    const std::string folder = cuobjdump.substr(0, cuobjdump.rfind('/'));
    return output_of("PATH=\"" + folder + ":$PATH\" '" + cuobjdump + "' " + what + " '" + object + "' 2>&1");
  };
  std::map<std::string, KernelCode> kernels;
  for (const auto& [name, code] : functions_of(dump("-sass"))) kernels[name] = measure(code, row, pdl);
  KernelCode* kernel = nullptr;
  std::istringstream resources(dump("-res-usage"));
  for (std::string line; std::getline(resources, line);) {
    if (has(line, "Function ")) {
      kernel = &kernels[kernel_after(line, "Function ", ":")];
    } else if (kernel != nullptr && has(line, "REG:")) {
      kernel->figures[kRegisters] = number_after(line, "REG:");
      kernel->figures[kStack] = number_after(line, "STACK:");
      kernel->figures[kShared] = number_after(line, "SHARED:");
    }
  }
  std::istringstream ptx(dump("-ptx"));
  for (std::string line; std::getline(ptx, line);) {
    if (has(line, ".entry ")) kernel = &kernels[kernel_after(line, ".entry ", "(")];
    if (kernel != nullptr && has(line, ".minnctapersm")) {
      kernel->cut_for_ctas = static_cast<int>(number_after(line, ".minnctapersm"));
    }
  }
  return kernels;
}

std::vector<StatedVariant> stated_variants(const std::string& nm, const std::string& object) {
  const std::string statement = "_ZN7ternary4cuda11kCompiledAsILi";  // then "22ELi0EXad" and the kernel
  std::vector<StatedVariant> stated;
  std::istringstream symbols(output_of("'" + nm + "' '" + object + "'"));
  for (std::string line; std::getline(symbols, line);) {
    const std::string symbol = line.substr(line.rfind(' ') + 1);
    if (!begins(symbol, statement.c_str())) continue;
    StatedVariant variant;
    variant.row = std::atoi(symbol.c_str() + statement.size());
    variant.variant = std::atoi(symbol.c_str() + symbol.find("ELi", statement.size()) + 3);
    const std::string name = demangled(symbol);
    const size_t kernel = name.find('&') + 1;  // "&(void f<int>(int))" or "&f"
    variant.kernel = short_name(name.substr(kernel + (begins(name.substr(kernel), "(void") ? 1 : 0)));
    stated.push_back(variant);
  }
  return stated;
}

}  // namespace ternary::test
