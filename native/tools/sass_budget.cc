/**
 * ternary_sass_budget CUOBJDUMP NM BUDGET OBJECT_LIST REPORT [--update]
 *
 * What no GPU is needed for: reads the machine code of every kernel for every architecture, writes a report of it
 * (registers, shared memory, stack, instruction mix, steady loop) and holds it to the checked-in budget, by row and variant.
 * Nothing may grow by more than 2 %, nothing may touch local memory, and the steady loops of GEMVs of 1 (dp4a) and up to 8
 * rows (mma) without groups of alpha keep their limit (kLimits); a library with GEMVs has one for each limit. So do loops
 * that decode the layout top2. A kernel that is no variant of its row, a variant without a kernel and a line without either
 * fail too. One kernel may be a variant of two rows of a library, whose layout is the same: of A8 and of A16.
 *
 * W's way is held as well, by budget and by rule (sass_weights.h, sass_flight.h): what is begun before the wait of a chain
 * ("early_loads"), how far ahead the loop is ("ahead"), past the first-level cache ("cache"), and the order of a chain
 * ("chain"). A kernel of tcgen05 must have a product at all ("promise", sass_tiles.h). sass_exceptions.txt beside the budget
 * names kernels that break a rule still.
 *
 * --update writes the budget and drops exceptions that nothing needs: target sass_budget_update.
 */
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include "abi/cuda_rows.h"
#include "sass_exceptions.h"
#include "sass_flight.h"

namespace ternary::test {
namespace {

/** What a line of the budget is about. */
struct Key {
  std::string arch, row, variant;

  bool operator<(const Key& other) const {
    return std::tie(arch, row, variant) < std::tie(other.arch, other.row, other.variant);
  }
};
std::ostream& operator<<(std::ostream& out, const Key& key) {
  return out << key.arch << " " << key.row << " " << key.variant;
}
using Kernels = std::map<Key, Figures>;

/** What was measured, and what breaks a rule that needs no budget and has no exception. */
struct Measured {
  Kernels kernels;
  Exceptions exceptions;
  std::vector<std::string> broken;
};

/** Instructions of the steady loop for 16 weights of a lane: at most so many, in a GEMV for up to `rows` of X, and of top2. */
struct Limit {
  CudaLayout layout;
  int rows;
  double most;
  double most_103a;  ///< ptxas puts two to five empty instructions before every IMMA of sm_103a
};
// T5 by mma on sm_103a should need 19 or fewer; 21.45 is what has been reached (CONTRIBUTING says why).
constexpr Limit kLimits[] = {{CudaLayout::i2s, 1, 10, 10},
                             {CudaLayout::i2s, 8, 7, 11},
                             {CudaLayout::t5, 8, 17, 21.5},
                             {CudaLayout::t5, 1, 23, 23},
                             {CudaLayout::top2, 8, 24, 24}};

void add_variant(const std::string& arch, const CudaRow& row, const CudaVariant& variant, KernelCode& code,
                 Measured& measured) {
  const Key key = {arch, row.file, variant.name};
  add_flight(arch, row, variant, code);
  measured.kernels[key] = code.figures;
  std::vector<Fault> faults = flight_faults(arch, row, variant, code.figures);
  faults.insert(faults.end(), code.weights.faults.begin(), code.weights.faults.end());
  for (const Fault& fault : faults) {
    if (measured.exceptions.excuses(fault.rule, arch, row.file, variant.name)) continue;
    std::ostringstream sentence;
    sentence << key << ": " << fault.sentence;
    measured.broken.push_back(sentence.str());
  }
}

/** Whether an object file of `row` may state a kernel to be a variant of another row: one kernel may serve both. */
bool may_state(const CudaRow& row, const CudaRow& other) {
  return std::string(row.library) == other.library && row.layout == other.layout;
}

/** Says which variants of the rows that an object states have no kernel; the number of them. */
int count_missing(const Key& object, const std::map<int, std::set<std::string>>& stated) {
  int faults = 0;
  for (const auto& [number, variants] : stated) {
    for (const CudaVariant* variant = kCudaRows[number].variants; variant->name != nullptr; ++variant) {
      if (variants.count(variant->name) != 0) continue;
      std::cout << object.arch << " " << object.row << ": no kernel is stated to be variant " << variant->name << " of "
                << kCudaRows[number].file << "\n";
      ++faults;
    }
  }
  return faults;
}

/**
 * Adds the kernels of an object file .../sm90a/<file>.cu.o and says which are no variant of the row that has this file's
 * name, nor of one that it may state, and which variants have no kernel; the number of them.
 */
int add_kernels(const std::string& cuobjdump, const std::string& nm, const std::string& object, Measured& measured) {
  const size_t slash = object.rfind('/'), folder = object.rfind('/', slash - 1) + 1;
  const std::string file = object.substr(slash + 1, object.find('.', slash) - slash - 1);
  const std::string arch = object.substr(folder, slash - folder);
  const int number = find_cuda_row(file);
  if (number < 0) {
    std::cout << arch << " " << file << ": kernels.inc has no such row\n";
    return 1;
  }
  const CudaRow& own = kCudaRows[number];
  const std::map<std::string, KernelCode> codes = measure_kernels(cuobjdump, object, own, has_pdl(arch));
  int faults = 0;
  std::map<int, std::set<std::string>> variants = {{number, {}}};  // stated, by row
  std::set<std::string> kernels;
  for (const StatedVariant& stated : stated_variants(nm, object)) {
    const CudaRow& row = kCudaRows[stated.row];
    const CudaVariant& variant = row.variants[stated.variant];
    const auto code = codes.find(stated.kernel);
    if (!may_state(own, row) || code == codes.end() || measured.kernels.count({arch, row.file, variant.name}) != 0) {
      std::cout << arch << " " << file << ": " << stated.kernel << " is stated to be " << variant.name << " of "
                << row.file
                << "; it must be a kernel of this file, of a row of its library and layout, and the only one\n";
      ++faults;
      continue;
    }
    KernelCode measured_code = code->second;
    add_variant(arch, row, variant, measured_code, measured);
    variants[stated.row].insert(variant.name);
    kernels.insert(stated.kernel);
  }
  for (const auto& [kernel, code] : codes) {
    if (kernels.count(kernel) != 0) continue;
    std::cout << arch << " " << file << ": no variant of the row is stated to be " << kernel << "\n";
    ++faults;
  }
  return faults + count_missing({arch, file, ""}, variants);
}

void write(const std::string& path, const Kernels& kernels, const Kernels& keep) {
  std::ofstream file(path);
  file << "# Machine code of every kernel as nvcc 13.1 makes it; tools/sass_budget.cc says what is counted.\n"
          "# Rewritten by: cmake --build <build> --target sass_budget_update\n#\n# architecture row variant";
  for (const char* name : kFigureNames) file << " " << name;
  file << "\n";
  Kernels all = keep;
  for (const auto& [key, figures] : kernels) all[key] = figures;
  for (const auto& [key, figures] : all) {
    file << key;
    for (double figure : figures) file << " " << figure;
    file << "\n";
  }
}

/** `of_before`: a line may have fewer figures, for it is about to be written anew. */
Kernels read(const std::string& path, bool of_before) {
  Kernels kernels;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    Key key;
    words >> key.arch >> key.row >> key.variant;
    Figures& figures = kernels[key];
    for (double& figure : figures) words >> figure;
    if (!words && !of_before) {
      std::cerr << path << ": \"" << line << "\" has not " << kFigureCount << " figures\n";
      std::exit(EXIT_FAILURE);
    }
  }
  return kernels;
}

/** The limit that a kernel keeps, or none. */
const Limit* limit_of(const Key& key) {
  const CudaRow& row = kCudaRows[find_cuda_row(key.row)];
  const CudaVariant& variant = row.variants[find_cuda_variant(row, key.variant)];
  for (const Limit& limit : kLimits) {
    const bool steady = row.layout == CudaLayout::top2 || (row.gemv() && variant.units == CudaUnits::none);
    if (steady && row.layout == limit.layout && variant.rows == limit.rows) return &limit;
  }
  return nullptr;
}

/** Says which fixed limit a kernel breaks; the number of them. Adds the limit it was held to. */
int check_limits(const Key& key, const Figures& figures, std::set<std::pair<std::string, const Limit*>>& held) {
  int faults = 0;
  if (figures[kStack] != 0 || figures[kLocal] != 0) {
    std::cout << key << ": " << figures[kStack] << " bytes of stack, " << figures[kLocal]
              << " accesses to local memory; must be 0\n";
    ++faults;
  }
  const Limit* limit = limit_of(key);
  if (limit == nullptr) return faults;
  held.insert({key.arch, limit});
  const double most = key.arch == "sm103a" ? limit->most_103a : limit->most;
  if (figures[kPer16] > 0 && figures[kPer16] <= most) return faults;
  std::cout << key << ": " << figures[kPer16] << " instructions for 16 weights and lane in the steady loop; must be "
            << most << " or fewer, and more than 0\n";
  return faults + 1;
}

int compare(const Kernels& kernels, const Kernels& budget, const std::set<std::string>& architectures) {
  int faults = 0;
  std::set<std::pair<std::string, const Limit*>> held;
  bool gemvs = false;
  for (const auto& [key, figures] : kernels) {
    gemvs = gemvs || kCudaRows[find_cuda_row(key.row)].gemv();
    faults += check_limits(key, figures, held);
    const auto line = budget.find(key);
    if (line == budget.end()) {
      std::cout << key << " has no line in the budget\n";
      ++faults;
      continue;
    }
    for (int figure : {kEarlyLoads, kAhead, kInFlight}) {
      if (figures[figure] >= line->second[figure]) continue;
      std::cout << key << ": " << kFigureNames[figure] << " " << figures[figure] << " has shrunk; the budget is "
                << line->second[figure] << "\n";
      ++faults;
    }
    for (int figure : {kRegisters, kShared, kInstructions, kLoop, kPer16}) {
      const double allowed = line->second[figure];
      if (figures[figure] <= 1.02 * allowed) continue;
      std::cout << key << ": " << kFigureNames[figure] << " " << figures[figure] << "; the budget is " << allowed
                << "\n";
      ++faults;
    }
  }
  for (const std::string& architecture : architectures) {
    for (const Limit& limit : kLimits) {
      if (limit.layout == CudaLayout::top2 || !gemvs || held.count({architecture, &limit}) != 0) continue;
      std::cout << architecture << ": no GEMV of " << kCudaLayoutNames[static_cast<int>(limit.layout)]
                << " has a variant for " << limit.rows << " rows of X\n";
      ++faults;
    }
  }
  for (const auto& [key, allowed] : budget) {
    if (kernels.count(key) != 0 || architectures.count(key.arch) == 0) continue;
    std::cout << key << " has a line in the budget, but there is no such kernel\n";
    ++faults;
  }
  return faults;
}

}  // namespace
}  // namespace ternary::test

int main(int argc, char** argv) {
  using namespace ternary::test;
  if (argc < 6) return EXIT_FAILURE;
  const std::string budget_file = argv[3], report_file = argv[5];
  const bool update = argc > 6 && std::string(argv[6]) == "--update";
  Measured measured = {{}, Exceptions(budget_file.substr(0, budget_file.rfind('/') + 1) + "sass_exceptions.txt"), {}};
  const Kernels& kernels = measured.kernels;
  std::set<std::string> architectures;
  std::ifstream list(argv[4]);
  int faults = 0;
  for (std::string object; std::getline(list, object);) {
    if (!object.empty()) faults += add_kernels(argv[1], argv[2], object, measured);
  }
  for (const auto& [key, figures] : kernels) architectures.insert(key.arch);
  write(report_file, kernels, {});
  const Kernels budget = read(budget_file, update);
  if (update && faults == 0) {
    Kernels keep;  // architectures that this build has not
    for (const auto& line : budget) {
      if (architectures.count(line.first.arch) == 0) keep.insert(line);
    }
    write(budget_file, kernels, keep);
    measured.exceptions.shrink(architectures);
    return EXIT_SUCCESS;
  }
  for (const std::string& sentence : measured.broken) std::cout << sentence << "\n";
  const std::vector<std::string> idle = measured.exceptions.idle(architectures);
  for (const std::string& sentence : idle) std::cout << sentence << "\n";
  faults += static_cast<int>(measured.broken.size() + idle.size());
  faults += kernels.empty() ? 1 : compare(kernels, budget, architectures);
  std::cout << kernels.size() << " kernels, " << faults << " faults; " << report_file << "\n";
  return faults == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
