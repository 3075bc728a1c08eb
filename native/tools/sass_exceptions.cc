#include "sass_exceptions.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <utility>

namespace ternary::test {
namespace {

std::vector<std::string> parts_of(const std::string& list) {
  std::vector<std::string> parts;
  std::istringstream text(list);
  for (std::string part; std::getline(text, part, ',');) parts.push_back(part);
  return parts;
}

std::string list_of(const std::vector<std::string>& parts) {
  std::string list;
  for (const std::string& part : parts) list += (list.empty() ? "" : ",") + part;
  return list;
}

bool stands_for(const std::string& pattern, const std::string& variant) {
  return pattern.back() == '*' ? variant.compare(0, pattern.size() - 1, pattern, 0, pattern.size() - 1) == 0
                               : pattern == variant;
}

}  // namespace

Exceptions::Exceptions(std::string path) : path_(std::move(path)) {
  std::ifstream file(path_);
  for (Line line; std::getline(file, line.text); line = {}) {
    if (!line.text.empty() && line.text[0] != '#') {
      std::string architectures, variants;
      std::istringstream words(line.text);
      words >> line.rule >> architectures >> line.row >> variants;
      if (!words) {
        std::cerr << path_ << ": \"" << line.text << "\" is not: rule architectures row variants\n";
        std::exit(EXIT_FAILURE);
      }
      line.architectures = parts_of(architectures);
      line.variants = parts_of(variants);
    }
    lines_.push_back(line);
  }
}

bool Exceptions::excuses(const std::string& rule, const std::string& arch, const std::string& row,
                         const std::string& variant) {
  bool excused = false;
  for (Line& line : lines_) {
    const auto& archs = line.architectures;
    if (line.rule != rule || line.row != row || std::find(archs.begin(), archs.end(), arch) == archs.end()) continue;
    if (std::none_of(line.variants.begin(), line.variants.end(),
                     [&](const std::string& pattern) { return stands_for(pattern, variant); })) {
      continue;
    }
    line.needed_by.insert(arch);
    excused = true;
  }
  return excused;
}

std::vector<std::string> Exceptions::idle(const std::set<std::string>& architectures) const {
  std::vector<std::string> sentences;
  for (const Line& line : lines_) {
    for (const std::string& arch : line.architectures) {
      if (architectures.count(arch) == 0 || line.needed_by.count(arch) != 0) continue;
      sentences.push_back(path_ + ": on " + arch + " nothing needs the exception any more: " + line.text);
    }
  }
  return sentences;
}

void Exceptions::shrink(const std::set<std::string>& architectures) const {
  if (lines_.empty()) return;
  std::ofstream file(path_);
  for (const Line& line : lines_) {
    std::vector<std::string> left;
    for (const std::string& arch : line.architectures) {
      if (architectures.count(arch) == 0 || line.needed_by.count(arch) != 0) left.push_back(arch);
    }
    if (line.rule.empty()) {
      file << line.text << "\n";
    } else if (!left.empty()) {
      file << line.rule << " " << list_of(left) << " " << line.row << " " << list_of(line.variants) << "\n";
    }
  }
}

}  // namespace ternary::test
