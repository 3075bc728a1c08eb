/**
 * @file sass_exceptions.h
 * @brief Kernels that may break a rule of machine code until they are mended: sass_exceptions.txt beside a budget.
 */
#ifndef TERNARY_TOOLS_SASS_EXCEPTIONS_H_
#define TERNARY_TOOLS_SASS_EXCEPTIONS_H_

#include <set>
#include <string>
#include <vector>

namespace ternary::test {

/**
 * A line is "rule architectures row variants": architectures and variants are lists with commas, and a variant that ends
 * in * stands for all that begin so. Every architecture of a line must still need it: the list can only shrink.
 */
class Exceptions {
 public:
  /** None, where there is no such file. */
  explicit Exceptions(std::string path);

  bool excuses(const std::string& rule, const std::string& arch, const std::string& row, const std::string& variant);

  /** Lines that excused nothing on one of these architectures, a sentence each. */
  std::vector<std::string> idle(const std::set<std::string>& architectures) const;

  /** Writes the file without what is idle. */
  void shrink(const std::set<std::string>& architectures) const;

 private:
  struct Line {
    std::string text, rule, row;
    std::vector<std::string> architectures, variants;
    std::set<std::string> needed_by;  ///< of the architectures
  };

  std::string path_;
  std::vector<Line> lines_;  ///< comments too, without a rule
};

}  // namespace ternary::test

#endif  // TERNARY_TOOLS_SASS_EXCEPTIONS_H_
