/**
 * @file source_parts.h
 * @brief Tells comments from code in a source file, by the rules of its language.
 */
#ifndef TERNARY_TESTS_HOUSE_SOURCE_PARTS_H_
#define TERNARY_TESTS_HOUSE_SOURCE_PARTS_H_

#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>

namespace ternary::house {

/** A file's text twice, of the same length: with blanks for comments, and with blanks for all else. */
struct Parts {
  std::string code, comments;
};

class Splitter {
 public:
  explicit Splitter(std::string_view text) : text_(text), parts_{std::string(text), std::string(text)} {}

  /** C++, CUDA and Java: comments are looked for outside of strings and characters. */
  Parts slashes() {
    while (at_ < text_.size()) {
      if (starts("//")) {
        comment("\n");
      } else if (starts("/*")) {
        comment("*/");
      } else if (starts("R\"(")) {
        code(")\"", false);
      } else if (starts("\"\"\"")) {
        code("\"\"\"", true);
      } else if (starts("\"")) {
        code("\"", true);
      } else if (starts("'") && !(at_ > 0 && std::isalnum(static_cast<unsigned char>(text_[at_ - 1])))) {
        code("'", true);  // not the ' of 1'000
      } else {
        pass();
      }
    }
    return parts_;
  }

  /** CMake, shells and Python: from a # at the beginning of a word to the end of the line. */
  Parts hashes() {
    while (at_ < text_.size()) {
      if (starts("#") && (at_ == 0 || std::isspace(static_cast<unsigned char>(text_[at_ - 1])))) {
        comment("\n");
      } else {
        pass();
      }
    }
    return parts_;
  }

  Parts xml() {
    while (at_ < text_.size()) {
      if (starts("<!--")) {
        comment("-->");
      } else {
        pass();
      }
    }
    return parts_;
  }

 private:
  bool starts(std::string_view what) const { return text_.substr(at_, what.size()) == what; }

  void pass() {
    hide(parts_.comments, at_, at_ + 1);
    ++at_;
  }

  void comment(std::string_view end) {
    const size_t begin = at_, found = text_.find(end, at_ + 2);
    at_ = found == std::string_view::npos ? text_.size() : found + end.size();
    hide(parts_.code, begin, at_);
  }

  void code(std::string_view end, bool escapes) {
    const size_t begin = at_;
    at_ += end == ")\"" ? 3 : end.size();
    while (at_ < text_.size() && !starts(end)) at_ += escapes && text_[at_] == '\\' ? 2 : 1;
    at_ = std::min(text_.size(), at_ + end.size());
    hide(parts_.comments, begin, at_);
  }

  static void hide(std::string& text, size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) text[i] = text[i] == '\n' ? '\n' : ' ';
  }

  std::string_view text_;
  Parts parts_;
  size_t at_ = 0;
};

}  // namespace ternary::house

#endif  // TERNARY_TESTS_HOUSE_SOURCE_PARTS_H_
