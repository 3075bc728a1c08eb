/**
 * ternary_mutants_test MUTANTS BUILD
 *
 * Plants one performance mutant after another (mutants.txt) and asserts that its check fails with the sentence that it
 * expects, which the unchanged build must not give. BUILD says how this build compiles and checks, a line "name=value"
 * each (CMakeLists.txt): only what a mutant's `build` names is compiled, for one architecture.
 */
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "mutants/mutant.h"

namespace ternary::test {
namespace {

using Build = std::map<std::string, std::string>;

Build read_build(const std::string& path) {
  Build build;
  std::istringstream lines(text_of(path));
  for (std::string line; std::getline(lines, line);) {
    const size_t equals = line.find('=');
    if (equals != std::string::npos) build[line.substr(0, equals)] = line.substr(equals + 1);
  }
  return build;
}

std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

/** The lines of a file that name a row. */
std::string lines_with(const std::string& path, const std::string& row) {
  std::string kept;
  std::istringstream lines(text_of(path));
  for (std::string line; std::getline(lines, line);) {
    if (line.find(" " + row + " ") != std::string::npos) kept += line + "\n";
  }
  return kept;
}

class Nursery {
 public:
  Nursery(Build build, std::string folder) : build_(std::move(build)), folder_(std::move(folder)) {}

  /** What is wrong with a mutant, "" if it was seen. */
  std::string verdict(const Mutant& mutant) {
    std::filesystem::remove_all(folder_);
    std::string problem = plant(mutant, build_["sources"], folder_ + "/tree");
    if (!problem.empty()) return problem;
    const std::string &check = mutant.at("check"), &expected = mutant.at("expect");
    const std::string object = folder_ + "/" + build_["arch"] + "/" + name_of(mutant.at("build")) + ".o";
    const Outcome compiled = compile(mutant.at("build"), object);
    Outcome outcome = compiled;
    if (check != "compile") {
      if (compiled.status != 0) return "does not compile:\n" + compiled.text;
      if (outcome_without(mutant).text.find(expected) != std::string::npos) return "the unchanged build says so too";
      outcome = checked(check, object);
    }
    if (outcome.status == 0) return "was not seen: the check passed";
    return outcome.text.find(expected) != std::string::npos
               ? ""
               : "failed otherwise than by \"" + expected + "\":\n" + outcome.text.substr(0, 4000);
  }

 private:
  /** The check with what this build has made. */
  const Outcome& outcome_without(const Mutant& mutant) {
    const std::string key = mutant.at("check") + " " + mutant.at("build");
    const auto known = without_.find(key);
    if (known != without_.end()) return known->second;
    const std::string object = built(mutant.at("build"));
    return without_[key] = checked(mutant.at("check"), object);
  }

  Outcome checked(const std::string& check, const std::string& object) {
    static const std::string kCalls = "calls ";
    if (check == "sass") return budget_of(object);
    return check.rfind(kCalls, 0) == 0 ? test_calls(check.substr(kCalls.size()), object) : test(check, object);
  }

  /** The build's own object of a file. */
  std::string built(const std::string& source) {
    std::istringstream objects(build_["objects"]);
    for (std::string object; std::getline(objects, object, ';');) {
      if (name_of(object) == name_of(source) + ".o") return object;
    }
    std::cerr << "this build has no object of " << source << "\n";
    std::exit(EXIT_FAILURE);
  }

  Outcome compile(const std::string& source, const std::string& object) {
    const std::string changed = folder_ + "/tree/" + source;
    const std::string from = std::filesystem::exists(changed) ? changed : build_["sources"] + "/" + source;
    std::filesystem::create_directories(object.substr(0, object.rfind('/')));
    const bool device = source.substr(source.size() - 3) == ".cu";
    return run_command(build_[device ? "nvcc" : "c++"] + " -I" + folder_ + "/tree " +
                       build_[device ? "nvcc_flags" : "c++_flags"] + " -c " + from + " -o " + object);
  }

  /** The budget and exceptions of the object's row alone. */
  Outcome budget_of(const std::string& object) {
    const std::string file = name_of(object), row = file.substr(0, file.find('.')),
                      budgets = build_["sources"] + "/cuda/";
    write_text(folder_ + "/budget/sass_budget.txt", lines_with(budgets + "sass_budget.txt", row));
    write_text(folder_ + "/budget/sass_exceptions.txt", lines_with(budgets + "sass_exceptions.txt", row));
    write_text(folder_ + "/objects.txt", object + "\n");
    return run_command(build_["sass_budget"] + " " + folder_ + "/budget/sass_budget.txt " + folder_ + "/objects.txt " +
                       folder_ + "/report.txt");
  }

  /** A library that has this object in the place of its namesake, in `folder`. */
  Outcome link(const std::string& object, const std::string& folder) {
    std::filesystem::create_directories(folder);
    std::string command = build_["link"];
    std::istringstream objects(build_["objects"]);
    for (std::string other; std::getline(objects, other, ';');) {
      command += " " + (name_of(other) == name_of(object) ? object : other);
    }
    return run_command(command + " -o " + folder + "/" + build_["library"] + " " + build_["link_libraries"]);
  }

  /** Tests of that library alone. */
  Outcome test(const std::string& filter, const std::string& object) {
    Outcome linked = link(object, folder_);
    if (linked.status != 0) return linked;
    return run_command(build_["kernel_tests"] + " --gtest_brief=1 --gtest_filter=" + filter + " " + folder_ + "/" +
                       build_["library"]);
  }

  /** Tests of the C interface, which finds that library beside the build's others. */
  Outcome test_calls(const std::string& filter, const std::string& object) {
    const std::string folder = folder_ + "/libraries";
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    for (const auto& entry : std::filesystem::directory_iterator(build_["libraries"])) {
      const std::string name = entry.path().filename();
      if (name.rfind("lib", 0) != 0 || name == build_["library"]) continue;
      std::filesystem::create_symlink(entry.path(), folder + "/" + name);
    }
    Outcome linked = link(object, folder);
    if (linked.status != 0) return linked;
    return run_command("env LD_LIBRARY_PATH=" + folder + ":" + build_["call_tests"] +
                       " --gtest_brief=1 --gtest_filter=" + filter);
  }

  Build build_;
  std::string folder_;
  std::map<std::string, Outcome> without_;
};

/** One of so many as TERNARY_TEST_SAMPLES says, the first among them: 0.5 is every second. */
std::vector<Mutant> sampled(const std::vector<Mutant>& all) {
  const char* part = std::getenv("TERNARY_TEST_SAMPLES");
  const double every = part == nullptr ? 1 : std::max(1.0, 1 / std::strtod(part, nullptr));
  std::vector<Mutant> some;
  for (size_t i = 0; i < all.size(); ++i) {
    if (static_cast<double>(some.size()) * every <= static_cast<double>(i)) some.push_back(all[i]);
  }
  return some;
}

}  // namespace
}  // namespace ternary::test

int main(int argc, char** argv) {
  using namespace ternary::test;
  if (argc < 3) return EXIT_FAILURE;
  const std::vector<Mutant> mutants = sampled(read_mutants(argv[1]));
  const std::string build = argv[2];
  Nursery nursery(read_build(build), build.substr(0, build.rfind('/')) + "/mutant");
  int faults = mutants.empty() ? 1 : 0;
  for (const Mutant& mutant : mutants) {
    const auto begun = std::chrono::steady_clock::now();
    const std::string verdict = nursery.verdict(mutant);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begun;
    std::cout << mutant.at("mutant") << ": " << (verdict.empty() ? "seen" : verdict) << " (" << seconds.count()
              << " s)\n"
              << std::flush;
    faults += !verdict.empty();
  }
  std::cout << mutants.size() << " mutants, " << faults << " not seen\n";
  return faults == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
