#include "core/cost/residuals.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "core/policy/setting_file.h"

namespace ternary {
namespace {

/** Some ten thousand lines. */
constexpr size_t kMostBytes = 1 << 20;

constexpr const char* kWords[] = {"device", "kernel", "M", "N", "K", "predicted_us", "measured_us"};
constexpr size_t kWordCount = std::size(kWords);

std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> words;
  for (size_t begin = line.find_first_not_of(' '); begin != std::string::npos;) {
    const size_t end = std::min(line.find(' ', begin), line.size());
    words.push_back(line.substr(begin, end - begin));
    begin = line.find_first_not_of(' ', end);
  }
  return words;
}

/** "21.3", whatever the locale; 0: it is no such number. */
double decimal(const std::string& word) {
  double value = 0, digit = 1;
  bool fraction = false;
  for (const char c : word) {
    if (c == '.' && !fraction) {
      fraction = true;
    } else if (c >= '0' && c <= '9') {
      value = 10 * value + (c - '0');
      if (fraction) digit *= 10;
    } else {
      return 0;
    }
  }
  return value / digit;
}

/** The upper one of two; 1 of none. */
double median(std::vector<double>& ratios) {
  if (ratios.empty()) return 1;
  const auto middle = ratios.begin() + static_cast<std::ptrdiff_t>(ratios.size() / 2);
  std::nth_element(ratios.begin(), middle, ratios.end());
  return *middle;
}

/** A line being read. */
class Line {
 public:
  Line(const SettingFile& file, int number, const std::string& text)
      : file_(file), number_(number), words_(words_of(text)) {
    if (words_.size() == kWordCount) return;
    std::string rule;
    for (const char* word : kWords) rule += std::string(rule.empty() ? "" : " ") + word;
    file_.fail_at(number_, "it has " + std::to_string(words_.size()) + " words; it must have " +
                               std::to_string(kWordCount) + ": " + rule);
  }

  Residual read() const {
    for (size_t word = 2; word < 5; ++word) check_count(word);
    return {device(), kernel(), microseconds(6) / microseconds(5)};
  }

 private:
  [[noreturn]] void refuse(size_t word, const std::string& rule) const {
    file_.fail_at(number_, std::string(kWords[word]) + " is \"" + printable(words_[word]) + "\"; it must be " + rule);
  }

  const CostDevice* device() const {
    std::string name = words_[0];
    std::replace(name.begin(), name.end(), '_', ' ');
    const CostDevice* device = find_cost_device(name);
    if (device == nullptr) refuse(0, cost_device_names() + ", with _ for each space");
    return device;
  }

  const std::string& kernel() const {
    const std::string& name = words_[1];
    const bool known = std::any_of(std::begin(kCudaRows), std::end(kCudaRows), [&](const CudaRow& row) {
      return row.multiplies() && (name == row.name || name == row.file);
    });
    if (!known) refuse(1, "the name or the function of a product kernel");
    return name;
  }

  void check_count(size_t word) const {
    const std::string& text = words_[word];
    const bool digits = text.find_first_not_of("0123456789") == std::string::npos;
    if (!digits || text.size() > 18 || text[0] == '0') refuse(word, "a whole number from 1 on");
  }

  double microseconds(size_t word) const {
    const double us = words_[word].size() > 18 ? 0 : decimal(words_[word]);
    if (us <= 0) refuse(word, "microseconds as a decimal number above 0, of at most 18 characters");
    return us;
  }

  const SettingFile& file_;
  int number_;
  std::vector<std::string> words_;
};

}  // namespace

Residuals Residuals::read(const std::string& path) {
  if (path.empty()) return {};
  const SettingFile file("TERNARY_COST_RESIDUALS", path, "file of residuals", kMostBytes);
  std::vector<Residual> measured;
  file.for_lines([&](int number, const std::string& text) {
    if (text.empty() || text[0] == '#') return;
    measured.push_back(Line(file, number, text).read());
  });
  return Residuals(std::move(measured));
}

double Residuals::factor(const char* device, const CudaRow& row) const {
  std::vector<double> of_row, of_all;
  for (const Residual& residual : measured_) {
    if (std::strcmp(residual.device->name, device) != 0) continue;
    of_all.push_back(residual.ratio);
    if (residual.kernel == row.name || residual.kernel == row.file) of_row.push_back(residual.ratio);
  }
  return median(of_row.empty() ? of_all : of_row);
}

}  // namespace ternary
