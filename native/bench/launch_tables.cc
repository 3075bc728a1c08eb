// What surrounds products: programmatic launch, and the host's part of a call and of a replay.
#include <cstdio>
#include <fstream>

#include "bench/tables.h"

namespace ternary::bench {
namespace {

/** Calls of a chain. The software GPU, which tells no time, need only show that they work. */
int64_t chain_calls(const Gpu& gpu) { return gpu.software ? 4 : 64; }

/** Work of the device that a chain of calls is timed with: copy after copy of the weights. */
std::function<void(int64_t)> chain(const DeviceProduct& product, ternary_runtime* runtime, int64_t M,
                                   const Stream& stream) {
  return [&product, runtime, M, &stream](int64_t i) { product.start(runtime, M, i % product.copies(), stream); };
}

}  // namespace

void pdl_table(const Machine& machine, const Options& options, Deadline& deadline) {
  const Runtime with = make_runtime("TERNARY_DEVICE=cuda\nTERNARY_ENABLE_PDL=1");
  const Runtime without = make_runtime("TERNARY_DEVICE=cuda\nTERNARY_ENABLE_PDL=0");
  std::ofstream json;
  if (!options.json.empty()) json.open(options.json);
  const int64_t calls = chain_calls(machine.gpu);
  std::printf("us of a call, of a chain of %lld\n%-30s %4s %12s %12s %8s\n", static_cast<long long>(calls), "layer",
              "M", "PDL", "without", "gain");
  for (const Shape& shape : options.shapes) {
    if (deadline.passed()) return;
    const DeviceProduct product(machine, shape, options.layouts[0],
                                {options.activation, options.blocks[0], options.rotations[0]}, options);
    for (const int64_t M : options.rows) {
      if (deadline.passed()) return;
      product.verify(with.get(), M, machine.stream);
      product.verify(without.get(), M, machine.stream);
      double us[2];
      for (const bool pdl : {false, true}) {
        us[pdl] = graph_time(machine.stream, calls, options.repetitions,
                             chain(product, pdl ? with.get() : without.get(), M, machine.stream));
      }
      const Gpu& gpu = machine.gpu;
      std::printf("%-30s %4lld %12s %12s %8s\n", shape.name().c_str(), static_cast<long long>(M),
                  gpu.shown(us[1], 3).c_str(), gpu.shown(us[0], 3).c_str(), gpu.shown(us[0] / us[1], 3).c_str());
      std::fflush(stdout);
      json << "{\"model\":\"" << shape.model << "\",\"layer\":\"" << shape.layer << "\",\"M\":" << M
           << ",\"pdl_us\":" << gpu.json(us[1]) << ",\"without_us\":" << gpu.json(us[0]) << "}" << "\n"
           << std::flush;
    }
  }
}

void host_table(const Machine& machine, const Options& options, Deadline& deadline) {
  const Gpu& gpu = machine.gpu;
  const int calls = gpu.software ? 4 : 100 * options.repetitions;
  const int64_t many = chain_calls(gpu);
  std::ofstream json;
  if (!options.json.empty()) json.open(options.json);
  std::printf("%-30s %4s %12s %12s %12s %14s %12s\n", "layer", "M", "call, ns", "replay, ns", "graph of 1",
              "of many, a call", "fixed, us");
  for (const Shape& shape : options.shapes) {
    const DeviceProduct product(machine, shape, options.layouts[0],
                                {options.activation, options.blocks[0], options.rotations[0]}, options);
    for (const int64_t M : options.rows) {
      if (deadline.passed()) return;
      const auto call = chain(product, machine.cuda.get(), M, machine.stream);
      product.verify(machine.cuda.get(), M, machine.stream);
      const double call_ns = host_time(machine.stream, calls, [&] { call(0); });
      const CapturedCalls one(machine.stream, 1, call);
      const double replay_ns = host_time(machine.stream, calls, [&] { one.replay(machine.stream); });
      const double us_of_one = graph_time(machine.stream, 1, options.repetitions, call);
      const double us_of_many = graph_time(machine.stream, many, options.repetitions, call);
      const double fixed = us_of_one - us_of_many;
      std::printf("%-30s %4lld %12s %12s %12s %14s %12s\n", shape.name().c_str(), static_cast<long long>(M),
                  gpu.shown(call_ns, 0).c_str(), gpu.shown(replay_ns, 0).c_str(), gpu.shown(us_of_one, 3).c_str(),
                  gpu.shown(us_of_many, 3).c_str(), gpu.shown(fixed, 3).c_str());
      std::fflush(stdout);
      json << "{\"model\":\"" << shape.model << "\",\"layer\":\"" << shape.layer << "\",\"M\":" << M
           << ",\"call_ns\":" << gpu.json(call_ns) << ",\"replay_ns\":" << gpu.json(replay_ns)
           << ",\"graph_of_1_us\":" << gpu.json(us_of_one) << ",\"graph_of_many_us_a_call\":" << gpu.json(us_of_many)
           << "}" << "\n"
           << std::flush;
    }
  }
}

}  // namespace ternary::bench
