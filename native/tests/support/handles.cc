#include "support/handles.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace ternary::test {
namespace {

/** The object of numbers that follows `"key":{`. */
Counts parse_object(const std::string& json, const std::string& key) {
  Counts counts;
  size_t at = json.find("\"" + key + "\":");
  if (at == std::string::npos) return counts;
  at = json.find('{', at) + 1;
  const size_t end = json.find('}', at);
  while ((at = json.find('"', at)) < end) {
    const size_t close = json.find('"', at + 1);
    counts[json.substr(at + 1, close - at - 1)] =
        std::strtoull(json.c_str() + json.find(':', close + 1) + 1, nullptr, 10);
    at = json.find_first_of(",}", close + 1);
  }
  return counts;
}

/** The objects of the array that follows `"key":[`; none holds another. */
std::vector<std::string> objects_of(const std::string& json, const std::string& key) {
  std::vector<std::string> objects;
  size_t at = json.find("\"" + key + "\":[");
  if (at == std::string::npos) return objects;
  at += key.size() + 4;
  while (json[at] == '{') {
    const size_t end = json.find('}', at);
    objects.push_back(json.substr(at, end + 1 - at));
    at = end + 1 + (json[end + 1] == ',');
  }
  return objects;
}

/** A text of an object, without escapes; empty if it has none of that name. */
std::string text_of(const std::string& object, const std::string& key) {
  const size_t at = object.find("\"" + key + "\":\"");
  if (at == std::string::npos) return "";
  const size_t begin = at + key.size() + 4;
  return object.substr(begin, object.find('"', begin) - begin);
}

using WriteDocument = ternary_status (*)(const ternary_runtime* runtime, char* json, size_t capacity, size_t* length);

std::string document_of(WriteDocument write, const ternary_runtime* runtime) {
  // Callers on other threads may make the document longer between two calls: ask until it fits.
  std::string json;
  size_t length = 0;
  do {
    json.resize(length + 1);
    if (write(runtime, json.data(), json.size(), &length) != TERNARY_OK) return "";
  } while (length >= json.size());
  json.resize(length);  // without the terminator
  return json;
}

}  // namespace

RuntimeHandle make_runtime(const std::string& settings) {
  ternary_runtime* runtime = nullptr;
  return ternary_runtime_create(settings.c_str(), &runtime) == TERNARY_OK ? RuntimeHandle(runtime) : nullptr;
}

LayerHandle make_layer(const ternary_layer_spec& spec) {
  ternary_layer* layer = nullptr;
  return ternary_layer_create(&spec, &layer) == TERNARY_OK ? LayerHandle(layer) : nullptr;
}

std::string info_of(const ternary_runtime* runtime) { return document_of(ternary_runtime_info, runtime); }

std::vector<IsaInfo> isas_of(const ternary_runtime* runtime) {
  std::vector<IsaInfo> isas;
  for (const std::string& object : objects_of(info_of(runtime), "isas")) {
    IsaInfo isa = {text_of(object, "name"), {}};
    const size_t list = object.find("\"implies\":["), end = object.find(']', list);
    for (size_t at = object.find('"', list + 11); at < end; at = object.find('"', object.find('"', at + 1) + 1)) {
      isa.implies.push_back(object.substr(at + 1, object.find('"', at + 1) - at - 1));
    }
    isas.push_back(isa);
  }
  return isas;
}

std::vector<KernelInfo> kernels_of(const ternary_runtime* runtime) {
  std::vector<KernelInfo> kernels;
  for (const std::string& object : objects_of(info_of(runtime), "kernels")) {
    kernels.push_back({text_of(object, "name"), text_of(object, "file"), text_of(object, "stage"),
                       text_of(object, "isa"), text_of(object, "layout"), text_of(object, "role"),
                       object.find("\"available\":true") != std::string::npos});
  }
  return kernels;
}

bool on_gpu() {
  const char* device = std::getenv("TERNARY_DEVICE");
  return device != nullptr && std::string(device).rfind("cuda", 0) == 0;
}

std::vector<std::string> available_isas() {
  if (on_gpu()) return {"portable"};
  std::vector<std::string> available;
  for (const IsaInfo& isa : isas_of(make_runtime("TERNARY_NUM_THREADS=1").get())) {
    if (make_runtime("TERNARY_NUM_THREADS=1\nTERNARY_MAX_ISA=" + isa.name)) available.push_back(isa.name);
  }
  return available;
}

Counters parse_counters(const std::string& json, const std::string& paths, const std::string& fallbacks) {
  Counters counters;
  counters.paths = parse_object(json, paths);
  counters.fallbacks = parse_object(json, fallbacks);
  const size_t pid = json.find("\"pid\":");
  if (pid != std::string::npos) counters.pid = std::strtoll(json.c_str() + pid + 6, nullptr, 10);
  return counters;
}

std::string counters_json_of(const ternary_runtime* runtime) { return document_of(ternary_runtime_counters, runtime); }

std::string plans_of(const ternary_runtime* runtime) { return document_of(ternary_runtime_plans, runtime); }

Counters counters_of(const ternary_runtime* runtime) { return parse_counters(counters_json_of(runtime)); }

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

int thread_count() {
  int count = 0;
  if (DIR* tasks = opendir("/proc/self/task")) {
    while (const dirent* entry = readdir(tasks)) count += entry->d_name[0] != '.';
    closedir(tasks);
  }
  return count;
}

int settled_thread_count(int expected) {
  int count = thread_count();
  for (int wait = 0; count != expected && wait < 10000; ++wait) {
    usleep(1000);
    count = thread_count();
  }
  return count;
}

int64_t samples(int64_t by_default) {
  const char* factor = std::getenv("TERNARY_TEST_SAMPLES");
  if (factor == nullptr) return by_default;
  return std::max(int64_t{1}, static_cast<int64_t>(static_cast<double>(by_default) * std::strtod(factor, nullptr)));
}

}  // namespace ternary::test
