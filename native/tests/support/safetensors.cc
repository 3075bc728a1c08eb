#include "support/safetensors.h"

#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "support/test_data.h"

namespace ternary::test {
namespace {

/** As much JSON as a header holds: objects, strings without escapes, arrays of whole numbers. */
class HeaderReader {
 public:
  explicit HeaderReader(const std::string& text) : text_(text) {}

  /** Calls visit(key) for each entry; visit must consume the value. */
  template <typename Visit>
  void object(Visit visit) {
    expect('{');
    while (!accept('}')) {
      const std::string key = string();
      expect(':');
      visit(key);
      accept(',');
    }
  }

  std::string string() {
    expect('"');
    const size_t end = text_.find('"', at_);
    const std::string value = text_.substr(at_, end - at_);
    at_ = end + 1;
    return value;
  }

  std::vector<int64_t> numbers() {
    std::vector<int64_t> values;
    expect('[');
    while (!accept(']')) {
      size_t used = 0;
      values.push_back(std::stoll(text_.substr(at_, 24), &used));
      at_ += used;
      accept(',');
    }
    return values;
  }

 private:
  bool accept(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) throw std::runtime_error("header: expected " + std::string(1, c) + " at " + std::to_string(at_));
  }

  const std::string& text_;
  size_t at_ = 0;
};

std::map<std::string, std::string> parse_attributes(const std::string& text) {
  std::map<std::string, std::string> attributes;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const size_t equals = word.find('=');
    attributes[word.substr(0, equals)] = word.substr(equals + 1);
  }
  return attributes;
}

}  // namespace

int64_t Tensor::elements() const {
  int64_t count = 1;
  for (int64_t size : shape) count *= size;
  return count;
}

Tensor GoldenCase::tensor(const std::string& key) const {
  const auto found = tensors.find(key);
  return found == tensors.end() ? Tensor() : found->second;
}

GoldenFile::GoldenFile(const std::string& name) {
  const std::string path = test_data("golden/" + name + ".safetensors");
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) throw std::runtime_error("no golden file " + path);
  const size_t size = static_cast<size_t>(file.tellg());
  bytes_.resize(size / 8 + 1);
  file.seekg(0);
  file.read(reinterpret_cast<char*>(bytes_.data()), static_cast<std::streamsize>(size));
  const char* text = reinterpret_cast<const char*>(bytes_.data());
  const uint64_t header_bytes = bytes_[0];
  const std::string header(text + 8, header_bytes);
  const char* data = text + 8 + header_bytes;

  std::map<std::string, std::string> metadata;
  std::map<std::string, std::map<std::string, Tensor>> tensors;
  HeaderReader reader(header);
  reader.object([&](const std::string& key) {
    if (key == "__metadata__") {
      return reader.object([&](const std::string& entry) { metadata[entry] = reader.string(); });
    }
    const size_t slash = key.find('/');
    Tensor& tensor = tensors[key.substr(0, slash)][key.substr(slash + 1)];
    reader.object([&](const std::string& field) {
      if (field == "dtype") {
        tensor.dtype = reader.string();
      } else if (field == "shape") {
        tensor.shape = reader.numbers();
      } else {
        tensor.data = data + reader.numbers()[0];
      }
    });
  });
  std::istringstream names(metadata["cases"]);
  for (std::string one; names >> one;) cases_.push_back({one, parse_attributes(metadata[one]), tensors[one]});
}

}  // namespace ternary::test
