/**
 * @file mutant.h
 * @brief The list of performance mutants (mutants.txt), and the tree of one: its file alone, seen before the sources.
 */
#ifndef TERNARY_TESTS_MUTANTS_MUTANT_H_
#define TERNARY_TESTS_MUTANTS_MUTANT_H_

#include <map>
#include <string>
#include <vector>

namespace ternary::test {

/** By the words that begin lines of mutants.txt: "mutant", "file", "search", "replace", "build", "check", "expect". */
using Mutant = std::map<std::string, std::string>;

std::vector<Mutant> read_mutants(const std::string& path);

/** A file's text; ends the program with a sentence where there is none. */
std::string text_of(const std::string& path);
void write_text(const std::string& path, const std::string& text);

/** Writes the file of a mutant below `tree`; what is wrong, "" if nothing. */
std::string plant(const Mutant& mutant, const std::string& sources, const std::string& tree);

struct Outcome {
  int status;
  std::string text;  ///< of both outputs
};
Outcome run_command(const std::string& command);

}  // namespace ternary::test

#endif  // TERNARY_TESTS_MUTANTS_MUTANT_H_
