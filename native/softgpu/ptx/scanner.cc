#include "softgpu/ptx/scanner.h"

#include <cctype>
#include <cstdlib>
#include <cstring>

#include "softgpu/ptx/module.h"

namespace ternary::softgpu::ptx {
namespace {

bool starts_word(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_' || c == '$' || c == '%'; }
bool continues_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '$'; }

}  // namespace

bool Scanner::at_end() {
  while (at_ < text_.size()) {
    if (text_[at_] == '\n') ++line_;
    if (std::isspace(static_cast<unsigned char>(text_[at_]))) {
      ++at_;
    } else if (text_.compare(at_, 2, "//") == 0) {
      skip_line();
    } else if (text_.compare(at_, 2, "/*") == 0) {
      size_t end = text_.find("*/", at_ + 2);
      if (end == std::string::npos) fail("a comment does not end");
      for (; at_ < end + 2; ++at_) line_ += text_[at_] == '\n';
    } else {
      return text_[at_] == '\0';  // nvcc's text in a fatbin ends in a zero
    }
  }
  return true;
}

char Scanner::peek() { return at_end() ? '\0' : text_[at_]; }

char Scanner::peek_second() {
  if (at_end() || at_ + 1 >= text_.size()) return '\0';
  return text_[at_ + 1];
}

bool Scanner::take(char c) {
  if (peek() != c || c == '\0') return false;
  ++at_;
  return true;
}

bool Scanner::take_word(const char* word) {
  if (at_end()) return false;
  size_t length = std::strlen(word);
  if (text_.compare(at_, length, word) != 0) return false;
  if (at_ + length < text_.size() && continues_word(text_[at_ + length])) return false;
  at_ += length;
  return true;
}

void Scanner::need(char c) {
  if (!take(c)) fail(std::string("expected '") + c + "', found '" + peek() + "'");
}

bool Scanner::at_word() { return starts_word(peek()); }

bool Scanner::at_number() { return std::isdigit(static_cast<unsigned char>(peek())); }

std::string Scanner::word(bool dotted) {
  if (!at_word()) fail(std::string("expected a name, found '") + peek() + "'");
  size_t begin = at_++;
  while (at_ < text_.size()) {
    if (continues_word(text_[at_])) {
      ++at_;
    } else if (dotted && text_[at_] == '.') {
      ++at_;
    } else if (dotted && text_.compare(at_, 2, "::") == 0) {
      at_ += 2;
    } else {
      break;
    }
  }
  return text_.substr(begin, at_ - begin);
}

uint64_t Scanner::number(int* width) {
  if (!at_number()) fail(std::string("expected a number, found '") + peek() + "'");
  *width = 0;
  const char* begin = text_.c_str() + at_;
  char* end = nullptr;
  uint64_t value = 0;
  if (begin[0] == '0' && (begin[1] == 'f' || begin[1] == 'F' || begin[1] == 'd' || begin[1] == 'D')) {
    *width = (begin[1] | 0x20) == 'f' ? 32 : 64;
    value = std::strtoull(begin + 2, &end, 16);
    if (end - begin - 2 != *width / 4) fail("a float needs " + std::to_string(*width / 4) + " hexadecimal digits");
  } else if (begin[0] == '0' && (begin[1] == 'b' || begin[1] == 'B')) {
    value = std::strtoull(begin + 2, &end, 2);
  } else {
    value = std::strtoull(begin, &end, 0);
    if (*end == '.' || *end == 'e' || *end == 'E') {
      double real = std::strtod(begin, &end);
      std::memcpy(&value, &real, 8);
      *width = 64;
    }
  }
  at_ += end - begin;
  if (at_ < text_.size() && text_[at_] == 'U' && *width == 0) ++at_;
  return value;
}

int64_t Scanner::integer() {
  bool negative = take('-');
  if (!negative) take('+');
  int width;
  uint64_t value = number(&width);
  if (width != 0) fail("expected an integer, found a float");
  return static_cast<int64_t>(negative ? 0 - value : value);
}

std::string Scanner::quoted() {
  need('"');
  size_t end = text_.find('"', at_);
  if (end == std::string::npos) fail("a string does not end");
  std::string inside = text_.substr(at_, end - at_);
  at_ = end + 1;
  return inside;
}

void Scanner::skip_block() {
  for (int depth = 1; depth > 0; ++at_) {
    if (at_ >= text_.size()) fail("a block does not end");
    if (text_[at_] == '\n') ++line_;
    if (text_[at_] == '{') ++depth;
    if (text_[at_] == '}') --depth;
  }
}

void Scanner::skip_past(char c) {
  for (; at_ < text_.size() && text_[at_] != c; ++at_) line_ += text_[at_] == '\n';
  need(c);
}

void Scanner::skip_line() {
  while (at_ < text_.size() && text_[at_] != '\n') ++at_;
}

int Scanner::line() {
  at_end();
  return line_;
}

std::string Scanner::text_since(size_t begin) const {
  std::string out;
  for (size_t i = begin; i < at_; ++i) {
    bool space = std::isspace(static_cast<unsigned char>(text_[i]));
    if (!space) out += text_[i];
    if (space && !out.empty() && out.back() != ' ') out += ' ';
  }
  return out;
}

void Scanner::fail(const std::string& why) {
  throw PtxError("PTX line " + std::to_string(line_) + ", in " + where_ + ": " + why);
}

}  // namespace ternary::softgpu::ptx
