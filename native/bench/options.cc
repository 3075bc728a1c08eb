#include "bench/options.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace ternary::bench {
namespace {

void read_shapes(const std::string& path, std::vector<Shape>& shapes) {
  std::ifstream in(path);
  if (!in) fail("cannot read " + path);
  std::string model = path.substr(path.rfind('/') + 1);
  model = model.substr(0, model.rfind('.'));
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields(line);
    Shape shape{model, "layer", 0, 0};
    if (line.empty() || line[0] == '#' || !(fields >> shape.N >> shape.K)) continue;
    fields >> shape.layer;
    shapes.push_back(shape);
  }
}

std::vector<std::string> parts(const std::string& list) {
  std::vector<std::string> values;
  std::istringstream in(list);
  for (std::string part; std::getline(in, part, ',');) values.push_back(part);
  return values;
}

std::vector<int64_t> numbers(const std::string& list, int64_t least = 1) {
  std::vector<int64_t> values;
  for (const std::string& part : parts(list)) {
    values.push_back(std::atoll(part.c_str()));
    if (values.back() < least)
      fail("\"" + list + "\" is not a list of numbers of " + std::to_string(least) + " or more");
  }
  if (values.empty()) fail("a list is empty");
  return values;
}

std::vector<ternary_layout> layouts(const std::string& list) {
  std::vector<ternary_layout> values;
  for (const std::string& part : parts(list)) {
    if (part != "i2s" && part != "t5") fail("\"" + part + "\" is no layout; those are i2s and t5");
    values.push_back(part == "t5" ? TERNARY_LAYOUT_T5_TILED : TERNARY_LAYOUT_I2S_TILED);
  }
  if (values.empty()) fail("a list is empty");
  return values;
}

/** A model's by its name, or E,T,H,I. */
ExpertShape experts_of(const std::string& value) {
  static const ExpertShape kModels[] = {{"qwen3-30b-a3b", 128, 8, 2048, 768}, {"maple-20b-a1b", 256, 8, 2048, 512}};
  for (const ExpertShape& model : kModels) {
    if (value == model.name) return model;
  }
  const std::vector<int64_t> sizes = numbers(value);
  if (sizes.size() != 4) fail("\"" + value + "\" is no model with experts, nor E,T,H,I");
  return {value, sizes[0], sizes[1], sizes[2], sizes[3]};
}

/** False if there is no such option. */
bool take_value(const std::string& name, const std::string& value, Options& options) {
  if (name == "--shapes") {
    read_shapes(value, options.shapes);
  } else if (name == "--experts") {
    options.table = Table::experts;
    options.experts.push_back(experts_of(value));
  } else if (name == "--m") {
    options.rows = numbers(value);
  } else if (name == "--layout") {
    options.layouts = layouts(value);
  } else if (name == "--activation" && (value == "a8" || value == "a16")) {
    options.activation = value == "a16" ? TERNARY_A16 : TERNARY_A8;
  } else if (name == "--block") {
    options.blocks = numbers(value, 0);
  } else if (name == "--rotation") {
    options.rotations = numbers(value, 0);
  } else if (name == "--copies") {
    options.copies = numbers(value)[0];
  } else if (name == "--repetitions") {
    options.repetitions = static_cast<int>(numbers(value)[0]);
  } else if (name == "--seconds") {
    options.seconds = static_cast<double>(numbers(value)[0]);
  } else if (name == "--json") {
    options.json = value;
  } else if (name == "--residuals") {
    options.residuals = value;
  } else {
    return false;
  }
  return true;
}

bool take_word(const std::string& name, Options& options) {
  const std::pair<const char*, Table> kTables[] = {
      {"--pdl", Table::pdl}, {"--host", Table::host}, {"--facts", Table::facts}, {"--library", Table::library}};
  for (const auto& [word, table] : kTables) {
    if (name != word) continue;
    options.table = table;
    return true;
  }
  return false;
}

}  // namespace

void fail(const std::string& sentence) {
  std::fprintf(stderr, "cuda_bench: %s\n", sentence.c_str());
  std::exit(EXIT_FAILURE);
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (take_word(name, options)) continue;
    if (i + 1 == argc) fail(name + " is no option, or needs a value");
    const std::string value = argv[++i];
    if (!take_value(name, value, options)) fail("unknown option " + name + " " + value);
  }
  const bool products = options.table == Table::products || options.table == Table::pdl || options.table == Table::host;
  if (options.shapes.empty() && products) {
    fail("no --shapes FILE");
  }
  return options;
}

const char* name_of(ternary_layout layout) { return layout == TERNARY_LAYOUT_T5_TILED ? "t5" : "i2s"; }

}  // namespace ternary::bench
