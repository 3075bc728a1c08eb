/**
 * @file scanner.h
 * @brief Reads the words of PTX text and knows the line.
 */
#ifndef TERNARY_SOFTGPU_PTX_SCANNER_H_
#define TERNARY_SOFTGPU_PTX_SCANNER_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace ternary::softgpu::ptx {

class Scanner {
 public:
  explicit Scanner(const std::string& text) : text_(text) {}

  /** Skips white space and comments; true at the end of the text. */
  bool at_end();
  /** The next character after white space, 0 at the end. */
  char peek();
  /** The character after it, without skipping. */
  char peek_second();
  /** Takes the character if it is next. */
  bool take(char c);
  /** Takes the word if it is next and no longer word. */
  bool take_word(const char* word);
  void need(char c);

  /** [A-Za-z_$%][A-Za-z0-9_$]*, with dots too if `dotted` (opcodes, special registers; :: belongs to a dotted word). */
  std::string word(bool dotted = false);
  bool at_word();
  bool at_number();
  /** A number as PTX writes it. Returns bits; `width` becomes 0 for an integer, 32 or 64 for a float. */
  uint64_t number(int* width);
  /** An integer with an optional sign. */
  int64_t integer();
  std::string quoted();
  /** Skips a block in braces, of which the first has been taken. */
  void skip_block();
  void skip_past(char c);
  /** Skips the rest of the line: .loc and .file have no end but that. */
  void skip_line();

  int line();
  size_t position() const { return at_; }
  /** Text from `begin` to here with runs of white space as one space. */
  std::string text_since(size_t begin) const;
  [[noreturn]] void fail(const std::string& why);
  void set_where(const std::string& where) { where_ = where; }

 private:
  const std::string& text_;
  size_t at_ = 0;
  int line_ = 1;
  std::string where_ = "module";
};

}  // namespace ternary::softgpu::ptx

#endif  // TERNARY_SOFTGPU_PTX_SCANNER_H_
