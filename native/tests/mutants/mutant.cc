#include "mutants/mutant.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>

namespace ternary::test {

std::vector<Mutant> read_mutants(const std::string& path) {
  std::vector<Mutant> mutants;
  std::istringstream lines(text_of(path));
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    const size_t space = line.find(' ');
    const size_t value = space == std::string::npos ? space : line.find_first_not_of(' ', space);
    const std::string word = line.substr(0, space);
    if (word == "mutant") mutants.emplace_back();
    if (mutants.empty()) continue;
    mutants.back()[word] = value == std::string::npos ? "" : line.substr(value);
  }
  return mutants;
}

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    std::cerr << "cannot read " << path << "\n";
    std::exit(EXIT_FAILURE);
  }
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_text(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path) << text;
}

std::string plant(const Mutant& mutant, const std::string& sources, const std::string& tree) {
  std::string text = text_of(sources + "/" + mutant.at("file"));
  const std::string& search = mutant.at("search");
  const size_t at = text.find(search);
  if (at == std::string::npos) return mutant.at("file") + " has no \"" + search + "\"";
  if (text.find(search, at + 1) != std::string::npos) return mutant.at("file") + " has \"" + search + "\" twice";
  write_text(tree + "/" + mutant.at("file"), text.replace(at, search.size(), mutant.at("replace")));
  return "";
}

Outcome run_command(const std::string& command) {
  Outcome outcome = {-1, ""};
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  char buffer[1 << 14];
  size_t got;
  while (pipe != nullptr && (got = std::fread(buffer, 1, sizeof buffer, pipe)) > 0) outcome.text.append(buffer, got);
  if (pipe != nullptr) outcome.status = pclose(pipe);
  return outcome;
}

}  // namespace ternary::test
