/**
 * @file handles.h
 * @brief Owners of the C handles, and what a test asks of a runtime.
 */
#ifndef TERNARY_TESTS_SUPPORT_HANDLES_H_
#define TERNARY_TESTS_SUPPORT_HANDLES_H_

#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ternary/ternary.h"

namespace ternary::test {

/** Every layout, the interchange layout first. */
inline constexpr ternary_layout kLayouts[] = {
#define LAYOUT(value, ...) TERNARY_LAYOUT_##value,
#include "abi/layouts.inc"
#undef LAYOUT
};

/** Every layout but the interchange layout. */
inline const std::vector<ternary_layout> kTiledLayouts(std::begin(kLayouts) + 1, std::end(kLayouts));

struct EndRuntime {
  void operator()(ternary_runtime* runtime) const { ternary_runtime_destroy(runtime); }
};
struct EndWeights {
  void operator()(ternary_weights* weights) const { ternary_weights_destroy(weights); }
};
struct EndLayer {
  void operator()(ternary_layer* layer) const { ternary_layer_destroy(layer); }
};
struct EndMoe {
  void operator()(ternary_moe* moe) const { ternary_moe_destroy(moe); }
};
using RuntimeHandle = std::unique_ptr<ternary_runtime, EndRuntime>;
using WeightsHandle = std::unique_ptr<ternary_weights, EndWeights>;
using LayerHandle = std::unique_ptr<ternary_layer, EndLayer>;
using MoeHandle = std::unique_ptr<ternary_moe, EndMoe>;

/** A runtime with these setting lines; null with ternary_last_error() set if there is none. */
RuntimeHandle make_runtime(const std::string& settings = "");

/** A layer; null with ternary_last_error() set if there is none. */
LayerHandle make_layer(const ternary_layer_spec& spec);

/** What ternary_runtime_info() says. */
std::string info_of(const ternary_runtime* runtime);

/** One of the instruction sets of ternary_runtime_info(). */
struct IsaInfo {
  std::string name;
  std::vector<std::string> implies;  ///< others that a machine with it has
};

/** Every instruction set that the library knows, lowest first. */
std::vector<IsaInfo> isas_of(const ternary_runtime* runtime);

/** One of the kernels of ternary_runtime_info(); what it has not is empty. */
struct KernelInfo {
  std::string name, file, stage, isa, layout, role;
  bool available;
};

/** Every kernel, in the order of the table. */
std::vector<KernelInfo> kernels_of(const ternary_runtime* runtime);

/** Whether runtimes run on a GPU unless a test says otherwise: TERNARY_DEVICE. */
bool on_gpu();

/** The ISAs that TERNARY_MAX_ISA accepts here, lowest first; on a GPU, where the setting changes
 *  nothing, one of them. */
std::vector<std::string> available_isas();

using Counts = std::map<std::string, uint64_t>;
struct Counters {
  Counts paths, fallbacks;
  int64_t pid = 0;
};

/** Reads `{"pid":1,"path_counts":{...},"fallback_counts":{...}}`, or other members of such a document. */
Counters parse_counters(const std::string& json, const std::string& paths = "path_counts",
                        const std::string& fallbacks = "fallback_counts");
/** The document of ternary_runtime_counters(). */
std::string counters_json_of(const ternary_runtime* runtime);
Counters counters_of(const ternary_runtime* runtime);
/** The document of ternary_runtime_plans(). */
std::string plans_of(const ternary_runtime* runtime);

std::string read_text(const std::string& path);

/** Threads of this process, from /proc. */
int thread_count();

/** thread_count() once it is `expected`, or what it is after 10 seconds: pthread_join() returns when the kernel clears
 *  the thread's id, a moment before the thread leaves /proc. */
int settled_thread_count(int expected);

/** How long random sweeps run: TERNARY_TEST_SAMPLES times the default, which is 1 and may be a part of it; once at least. */
int64_t samples(int64_t by_default);

/** A bare variable for a scope. */
class ScopedVariable {
 public:
  ScopedVariable(const char* name, const std::string& value) : name_(name) { setenv(name, value.c_str(), 1); }
  ~ScopedVariable() { unsetenv(name_); }
  ScopedVariable(const ScopedVariable&) = delete;
  ScopedVariable& operator=(const ScopedVariable&) = delete;

 private:
  const char* name_;
};

}  // namespace ternary::test

#endif  // TERNARY_TESTS_SUPPORT_HANDLES_H_
