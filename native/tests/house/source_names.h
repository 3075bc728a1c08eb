/**
 * @file source_names.h
 * @brief What documents and comments can name: the words and files of the sources.
 */
#ifndef TERNARY_TESTS_HOUSE_SOURCE_NAMES_H_
#define TERNARY_TESTS_HOUSE_SOURCE_NAMES_H_

#include <algorithm>
#include <cctype>
#include <set>
#include <string>
#include <string_view>

namespace ternary::house {

/** Names that belong to other projects, machines or people; everything else must be ours. */
inline const std::set<std::string_view> kForeign = {
    "MAVEN_GPG_KEY", "ffast-math", "mavenLocal", "noexec", "nopointergc", "xxd",
};

/** Names that this library had, and that CHANGELOG.md and migration.md alone may say. */
inline const std::set<std::string_view> kGone = {
    "ternary_linear",
    "ternary_linear_async",
    "ternary_oracle_linear",
    "ternary_oracle_quantise_activations",
    "ternary_oracle_rmsnorm_linear",
    "ternary_quantise_activations",
    "ternary_quantise_activations_async",
    "ternary_rmsnorm_linear",
    "ternary_rmsnorm_linear_async",
    "ternary_runtime_distinct_fallbacks",
    "ternary_weights_prepare",
};

inline bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-'; }

/** What can be named: words of code, whole and between hyphens, and paths, whole and from each folder on. */
class Names {
 public:
  void add_code(std::string_view code) {
    for (size_t i = 0; i < code.size(); ++i) {
      if (!is_word(code[i])) continue;
      const size_t begin = i;
      while (i < code.size() && is_word(code[i])) ++i;
      add_word(code.substr(begin, i - begin));
    }
  }

  void add_path(std::string path) {
    for (size_t slash = 0; slash != std::string::npos; slash = path.find('/')) {
      path.erase(0, slash == 0 ? 0 : slash + 1);
      paths_.insert(path);
    }
    add_word(path.substr(0, path.find('.')));
  }

  /** Whether a file of the name is there, or each part of it, as in a.b, A::b, A#b and -Da.b. A name that begins with _
   *  or with two dots is the end of one. */
  bool has(std::string name) const {
    if (paths_.count(name) || words_.count(name)) return true;
    const bool ending = name[0] == '_' || name.substr(0, 2) == "..";
    name.erase(0, name.find_first_not_of("-/.@"));
    while (!name.empty() && !is_word(name.back())) name.pop_back();
    if (kForeign.count(name) || paths_.count(name)) return true;
    if (ending)
      return std::any_of(words_.begin(), words_.end(), [&](const std::string& word) { return ends(word, name); });
    const size_t slash = name.find('/');
    if (slash != std::string::npos && paths_.count(name.substr(0, slash)))
      return name.find("target/") != std::string::npos;
    for (size_t begin = 0; begin < name.size();) {
      const size_t end = std::min(name.size(), name.find_first_of(":.#/", begin));
      const std::string part = name.substr(begin, end - begin);
      const bool number = part.empty() || std::isdigit(static_cast<unsigned char>(part[0]));
      if (!number && !words_.count(part) && !kForeign.count(part)) return false;
      begin = end + 1;
    }
    return true;
  }

 private:
  static bool ends(const std::string& word, const std::string& end) {
    return word.size() > end.size() && word.compare(word.size() - end.size(), end.size(), end) == 0;
  }

  void add_word(std::string_view word) {
    while (!word.empty() && word.front() == '-') word.remove_prefix(1);
    while (!word.empty() && word.back() == '-') word.remove_suffix(1);
    words_.emplace(word);
    for (size_t begin = 0; begin <= word.size();) {
      const size_t end = std::min(word.size(), word.find('-', begin));
      words_.emplace(word.substr(begin, end - begin));
      begin = end + 1;
    }
    if (word.size() > 1 && (word[0] == 'D' || word[0] == 'P')) words_.emplace(word.substr(1));  // -Dname, -Pprofile
  }

  std::set<std::string, std::less<>> words_, paths_;
};

}  // namespace ternary::house

#endif  // TERNARY_TESTS_HOUSE_SOURCE_NAMES_H_
