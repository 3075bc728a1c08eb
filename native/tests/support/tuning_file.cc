#include "support/tuning_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

namespace ternary::test {

std::string json_value(const std::string& json, const std::string& key, size_t from) {
  const std::string quoted = "\"" + key + "\":";
  size_t begin = json.find(quoted, from);
  if (begin == std::string::npos) return "";
  begin += quoted.size();
  if (json[begin] != '"') return json.substr(begin, json.find_first_of(",}", begin) - begin);
  std::string text;
  for (size_t at = begin + 1; json[at] != '"'; ++at) text += json[at] == '\\' ? json[++at] : json[at];
  return text;
}

std::string tuning_of(const ternary_runtime* runtime) {
  const std::string info = info_of(runtime);
  return info.substr(info.find("\"tuning\":"));
}

int64_t tuning_value(const ternary_runtime* runtime, const std::string& name, const char* which) {
  const std::string tuning = tuning_of(runtime);
  return std::stoll(json_value(tuning, which, tuning.find("{\"name\":\"" + name + "\"")));
}

TuningLines own_tuning(const std::string& isa) {
  const RuntimeHandle runtime = make_runtime("TERNARY_NUM_THREADS=1\nTERNARY_MAX_ISA=" + isa);
  const std::string info = info_of(runtime.get()), tuning = tuning_of(runtime.get());
  TuningLines lines = {{"version", json_value(info, "version")}, {"device", json_value(info, "device")}};
  for (const char* name : {"device_id", "isa", "cores", "cache_bytes"}) {
    lines.emplace_back(name, json_value(tuning, name));
  }
  const size_t values = tuning.find("\"values\":");
  for (size_t at = values; (at = tuning.find("{\"name\":", at)) < tuning.find(']', values); ++at) {
    lines.emplace_back(json_value(tuning, "name", at), json_value(tuning, "built_in", at));
  }
  lines.emplace_back("end", std::to_string(lines.size()));
  return lines;
}

std::string text_of(const TuningLines& lines) {
  std::string text = "# a comment\n\n";
  for (const auto& [name, value] : lines) text += name + "=" + value + "\n";
  return text;
}

TuningLines with(TuningLines lines, const std::string& name, const std::string& value) {
  for (auto& line : lines) {
    if (line.first == name) line.second = value;
  }
  return lines;
}

TuningFile::TuningFile(const std::string& text)
    : path_(testing::TempDir() + "tuning-" + std::to_string(getpid()) + ".txt") {
  std::ofstream(path_, std::ios::binary) << text;
}

TuningFile::~TuningFile() { std::remove(path_.c_str()); }

RuntimeHandle TuningFile::runtime(const std::string& isa, int threads) const {
  return make_runtime("TERNARY_NUM_THREADS=" + std::to_string(threads) + "\nTERNARY_MAX_ISA=" + isa +
                      "\nTERNARY_TUNING=" + path_);
}

}  // namespace ternary::test
