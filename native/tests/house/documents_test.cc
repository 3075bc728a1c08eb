// documents_test SOURCES: holds documents and comments to the sources.
//
//   names      A name in backticks (*.md, comments) or in {@code} (comments) occurs in the sources: each of its parts as
//              a word of code, or the whole as a file. Comments and documents do not count as sources.
//   links      What a document links to within the sources is there, headings included.
//   sentences  A sentence of a document has at most 25 words. Tables and code are left out.
//
// Prints a line a finding, FILE:LINE: what, and exits with 1 if there is one.
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "house/source_names.h"
#include "house/source_parts.h"

namespace ternary::house {
namespace {

namespace fs = std::filesystem;
using std::string;
using std::string_view;

constexpr int kMostWords = 25;

/** Folders that builds and tools make. */
bool is_made(const fs::path& folder) {
  const string name = folder.filename().string();
  return name == "target" || name == "__pycache__" || (name[0] == '.' && name != ".ci") ||
         fs::exists(folder / "CMakeCache.txt");
}

enum class Kind { slashes, hashes, xml, document, plain, data };

Kind kind_of(const fs::path& file, string_view text) {
  const string extension = file.extension().string();
  const auto is = [&](std::initializer_list<const char*> list) {
    return std::find(list.begin(), list.end(), extension) != list.end();
  };
  if (text.find('\0') != string_view::npos) return Kind::data;
  if (extension == ".md") return Kind::document;
  if (is({".h", ".c", ".cc", ".cu", ".cuh", ".inc", ".java"})) return Kind::slashes;
  if (is({".cmake", ".sh", ".py", ".properties"}) || file.filename() == "CMakeLists.txt") return Kind::hashes;
  if (text.substr(0, 2) == "#!") return Kind::hashes;
  if (extension == ".xml") return Kind::xml;
  const bool prose = file.filename() == "text.txt" || file.stem().string().substr(0, 7) == "LICENSE";
  return prose ? Kind::data : Kind::plain;
}

struct Source {
  fs::path file;
  string name;  ///< below the root
  Kind kind;
  string text;  ///< of a document; the comments of code
};

class Check {
 public:
  explicit Check(const fs::path& root) {
    for (auto it = fs::recursive_directory_iterator(root); it != fs::recursive_directory_iterator(); ++it) {
      if (it->is_directory() && is_made(it->path())) {
        it.disable_recursion_pending();
        continue;
      }
      const string name = it->path().lexically_relative(root).generic_string();
      names_.add_path(name);
      if (it->is_regular_file()) add_file(it->path(), name);
    }
  }

  int run() {
    for (const Source& source : sources_) {
      source_ = &source;
      if (source.kind == Kind::document) {
        document();
      } else {
        for_lines(source.text, [&](const string& line, int number) {
          spans(line, number, "`", "`");
          spans(line, number, "{@code ", "}");
        });
      }
    }
    std::printf("%zu files, %d findings\n", sources_.size(), findings_);
    return findings_ > 0 ? 1 : 0;
  }

 private:
  void add_file(const fs::path& file, const string& name) {
    std::ifstream in(file, std::ios::binary);
    const string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    const Kind kind = kind_of(file, text);
    if (kind == Kind::data) return;
    if (file.filename() == "source_names.h") return;  // its lists are no sources
    if (kind == Kind::document) {
      sources_.push_back({file, name, kind, text});
    } else if (kind == Kind::plain) {
      names_.add_code(text);
    } else {
      Splitter splitter(text);
      Parts parts = kind == Kind::slashes  ? splitter.slashes()
                    : kind == Kind::hashes ? splitter.hashes()
                                           : splitter.xml();
      names_.add_code(parts.code);
      sources_.push_back({file, name, kind, std::move(parts.comments)});
    }
  }

  template <typename Use>
  static void for_lines(const string& text, Use use) {
    int number = 1;
    for (size_t begin = 0; begin < text.size(); ++number) {
      const size_t end = std::min(text.size(), text.find('\n', begin));
      use(text.substr(begin, end - begin), number);
      begin = end + 1;
    }
  }

  void report(int line, const string& what) {
    ++findings_;
    std::printf("%s:%d: %s\n", source_->name.c_str(), line, what.c_str());
  }

  void spans(const string& line, int number, string_view open, string_view close) {
    for (size_t at = line.find(open); at != string::npos; at = line.find(open, at)) {
      const size_t begin = at + open.size(), end = line.find(close, begin);
      if (end == string::npos) return;
      name(line.substr(begin, end - begin), number);
      at = end + close.size();
    }
  }

  /** One span: what looks like a name must be one. Anything else is an expression or a command. */
  void name(const string& span, int line) {
    const string text = span.substr(0, span.find('('));
    const auto of_name = [](char c) { return is_word(c) || c == ':' || c == '.' || c == '#' || c == '/' || c == '@'; };
    if (text.empty() || text[0] == '/' || !std::all_of(text.begin(), text.end(), of_name)) return;
    const string document = source_->file.filename().string();
    if (kGone.count(text) && (document == "CHANGELOG.md" || document == "migration.md")) return;
    if (!names_.has(text)) report(line, "`" + text + "` is not in the sources");
  }

  void document() {
    bool fenced = false;
    paragraph_.clear();
    for_lines(source_->text, [&](const string& line, int number) {
      const size_t first = line.find_first_not_of(" >");
      const string_view text = first == string::npos ? string_view() : string_view(line).substr(first);
      const bool fence = text.substr(0, 3) == "```";
      if (fence) fenced = !fenced;
      if (fence || fenced) return end_paragraph();
      const bool apart = text.empty() || text[0] == '|' || text[0] == '#' || text[0] == '<';
      if (apart || begins_item(text)) end_paragraph();
      if (!text.empty() && (text[0] == '|' || text[0] == '#')) {
        spans(string(text), number, "`", "`");
        links(string(text), number);
      } else if (!apart) {
        if (paragraph_.empty()) paragraph_line_ = number;
        paragraph_ += string(text) + '\n';
      }
    });
    end_paragraph();
  }

  /** `- item`, `* item`, `1. item`. */
  static bool begins_item(string_view text) {
    const size_t digits = std::min(text.size(), text.find_first_not_of("0123456789"));
    if (digits > 0) return text.substr(digits, 2) == ". ";
    return text.size() > 1 && (text[0] == '-' || text[0] == '*' || text[0] == '+') && text[1] == ' ';
  }

  void end_paragraph() {
    if (paragraph_.empty()) return;
    string words;  // without code and the targets of links
    int line = paragraph_line_;
    for (size_t i = 0; i < paragraph_.size(); ++i) {
      if (paragraph_[i] == '`') {
        const size_t end = std::min(paragraph_.size(), paragraph_.find('`', i + 1));
        const string span = paragraph_.substr(i + 1, end - i - 1);
        name(span, line);
        line += static_cast<int>(std::count(span.begin(), span.end(), '\n'));
        words += "code";
        words.append(static_cast<size_t>(std::count(span.begin(), span.end(), '\n')), '\n');
        i = end;
      } else if (paragraph_.compare(i, 2, "](") == 0) {
        i = std::min(paragraph_.size(), paragraph_.find(')', i));
      } else {
        if (paragraph_[i] == '\n') ++line;
        words += paragraph_[i];
      }
    }
    links(paragraph_, paragraph_line_);
    sentences(words, paragraph_line_);
    paragraph_.clear();
  }

  void links(const string& text, int line) {
    for (size_t at = text.find("]("); at != string::npos; at = text.find("](", at + 2)) {
      const string target = text.substr(at + 2, text.find(')', at) - at - 2);
      if (target.find(':') != string::npos) continue;  // of the web
      const size_t hash = std::min(target.size(), target.find('#'));
      const fs::path file = hash == 0 ? source_->file : source_->file.parent_path() / target.substr(0, hash);
      if (!fs::exists(file) || (hash < target.size() && !has_heading(file, target.substr(hash + 1)))) {
        report(line, "the link to " + target + " leads nowhere");
      }
    }
  }

  /** Whether a document has the heading that GitHub gives this anchor. */
  static bool has_heading(const fs::path& document, const string& anchor) {
    std::ifstream in(document);
    for (string line; std::getline(in, line);) {
      if (line[0] != '#') continue;
      string slug;
      for (const char c : line.substr(line.find_first_not_of("# "))) {
        if (c == ' ') slug += '-';
        if (is_word(c)) slug += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      }
      if (slug == anchor) return true;
    }
    return false;
  }

  void sentences(const string& text, int line) {
    int words = 0, begin = line;
    string first;
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\n') ++line;
      if (std::isspace(static_cast<unsigned char>(text[i]))) continue;
      string word;
      for (; i < text.size() && !std::isspace(static_cast<unsigned char>(text[i])); ++i) word += text[i];
      --i;
      if (words == 0) begin = line;
      if (words < 4) first += word + ' ';
      words += std::any_of(word.begin(), word.end(), [](unsigned char c) { return std::isalnum(c) || c > 127; });
      word.erase(word.find_last_not_of(")\"'*_]") + 1);
      const bool ends = !word.empty() && (word.back() == '.' || word.back() == '!' || word.back() == '?');
      if (!ends && text.find_first_not_of(" \n", i + 1) != string::npos) continue;
      if (words > kMostWords) report(begin, std::to_string(words) + " words in the sentence \"" + first + "...\"");
      words = 0;
      first.clear();
    }
  }

  Names names_;
  std::vector<Source> sources_;
  const Source* source_ = nullptr;
  string paragraph_;
  int paragraph_line_ = 0, findings_ = 0;
};

}  // namespace
}  // namespace ternary::house

int main(int argc, char** argv) {
  if (argc != 2 || !std::filesystem::is_directory(argv[1])) {
    std::fprintf(stderr, "documents_test: one argument, the folder of the sources\n");
    return 2;
  }
  return ternary::house::Check(argv[1]).run();
}
