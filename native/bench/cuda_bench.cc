/**
 * cuda_bench [--shapes FILE]... [--m 1,2,4] [--layout i2s|t5] [--activation a8|a16] [--copies N] [--repetitions N]
 *            [--json FILE]
 * cuda_bench --library
 *
 * ternary_apply_async() on a GPU, bf16 in and out, over the shapes of test-data/shapes: each call in a CUDA graph that
 * goes round copies of the weights (more than the L2 holds, unless --copies 1), timed by events, the median of the
 * repetitions. Beside it the cost model's prediction, the bandwidth of the packed weights, and cuBLASLt's bf16 product
 * of the same shape where the machine has cuBLASLt. Each result is compared with the CPU's before it is timed: A8 bit
 * for bit. --library prints the GPU library that the device uses, e.g. "sm90a". Needs no Google Benchmark: it is part
 * of the bundle for GPU machines.
 */
#include <cuda_runtime_api.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "bench/cublaslt.h"
#include "ternary/ternary.h"

namespace ternary::bench {
namespace {

struct Shape {
  std::string model, layer;
  int64_t N, K;
};

struct Options {
  std::vector<Shape> shapes;
  std::vector<int64_t> rows = {1, 2, 4, 8, 16, 64, 512};
  ternary_layout layout = TERNARY_LAYOUT_I2S_TILED;
  ternary_activation activation = TERNARY_A8;
  int64_t copies = 0;  ///< 0: four times the L2
  int repetitions = 30;
  std::string json;
  bool library_only = false;
};

[[noreturn]] void fail(const std::string& sentence) {
  std::fprintf(stderr, "cuda_bench: %s\n", sentence.c_str());
  std::exit(EXIT_FAILURE);
}

void check(cudaError_t error, const char* what) {
  if (error != cudaSuccess) fail(std::string(what) + ": " + cudaGetErrorString(error));
}

void check(ternary_status status, const char* what) {
  if (status != TERNARY_OK) fail(std::string(what) + ": " + ternary_last_error());
}

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

std::vector<int64_t> numbers(const std::string& list) {
  std::vector<int64_t> values;
  std::istringstream in(list);
  for (std::string part; std::getline(in, part, ',');) {
    values.push_back(std::atoll(part.c_str()));
    if (values.back() < 1) fail("\"" + list + "\" is not a list of numbers of 1 or more");
  }
  return values;
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--library") {
      options.library_only = true;
      continue;
    }
    if (i + 1 == argc) fail(name + " needs a value");
    const std::string value = argv[++i];
    if (name == "--shapes") {
      read_shapes(value, options.shapes);
    } else if (name == "--m") {
      options.rows = numbers(value);
    } else if (name == "--layout" && (value == "i2s" || value == "t5")) {
      options.layout = value == "t5" ? TERNARY_LAYOUT_T5_TILED : TERNARY_LAYOUT_I2S_TILED;
    } else if (name == "--activation" && (value == "a8" || value == "a16")) {
      options.activation = value == "a16" ? TERNARY_A16 : TERNARY_A8;
    } else if (name == "--copies") {
      options.copies = numbers(value)[0];
    } else if (name == "--repetitions") {
      options.repetitions = static_cast<int>(numbers(value)[0]);
    } else if (name == "--json") {
      options.json = value;
    } else {
      fail("unknown option " + name + " " + value);
    }
  }
  return options;
}

struct EndRuntime {
  void operator()(ternary_runtime* runtime) const { ternary_runtime_destroy(runtime); }
};
struct EndWeights {
  void operator()(ternary_weights* weights) const { ternary_weights_destroy(weights); }
};
struct EndLayer {
  void operator()(ternary_layer* layer) const { ternary_layer_destroy(layer); }
};
using Runtime = std::unique_ptr<ternary_runtime, EndRuntime>;
using Weights = std::unique_ptr<ternary_weights, EndWeights>;
using Layer = std::unique_ptr<ternary_layer, EndLayer>;

Runtime make_runtime(const char* settings) {
  ternary_runtime* made = nullptr;
  check(ternary_runtime_create(settings, &made), settings);
  return Runtime(made);
}

std::string text_of(const std::function<ternary_status(char*, size_t, size_t*)>& read) {
  size_t length = 0;
  read(nullptr, 0, &length);
  std::string text(length + 1, '\0');
  check(read(text.data(), text.size(), &length), "reading a text of the runtime");
  text.resize(std::strlen(text.c_str()));
  return text;
}

/** The value of a string member of the info's "cuda" object. */
std::string cuda_info(const ternary_runtime* runtime, const std::string& member) {
  const std::string info = text_of(
      [&](char* text, size_t size, size_t* length) { return ternary_runtime_info(runtime, text, size, length); });
  const size_t cuda = info.find("\"cuda\":{"), at = info.find("\"" + member + "\":\"", cuda);
  if (cuda == std::string::npos || at == std::string::npos) fail("no " + member + " in " + info);
  const size_t begin = at + member.size() + 4;
  return info.substr(begin, info.find('"', begin) - begin);
}

struct FreeDevice {
  void operator()(void* p) const { cudaFree(p); }
};
using DeviceMemory = std::unique_ptr<void, FreeDevice>;

DeviceMemory device_copy(const void* host, size_t bytes) {
  void* p = nullptr;
  check(cudaMalloc(&p, std::max<size_t>(bytes, 1)), "cudaMalloc");
  DeviceMemory memory(p);
  if (host != nullptr) {
    check(cudaMemcpy(p, host, bytes, cudaMemcpyHostToDevice), "cudaMemcpy");
    check(cudaStreamSynchronize(nullptr), "cudaMemcpy");  // which does not wait for copies of pageable memory
  }
  return memory;
}

/** The median time of an element of `count` calls that a graph makes, in microseconds; `start` makes call i. */
double time_graph(cudaStream_t stream, int64_t count, int repetitions, const std::function<void(int64_t)>& start) {
  cudaGraph_t graph;
  cudaGraphExec_t executable;
  cudaEvent_t begin, end;
  check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
  for (int64_t i = 0; i < count; ++i) start(i);
  check(cudaStreamEndCapture(stream, &graph), "cudaStreamEndCapture");
  check(cudaGraphInstantiate(&executable, graph, 0), "cudaGraphInstantiate");
  check(cudaEventCreate(&begin), "cudaEventCreate");
  check(cudaEventCreate(&end), "cudaEventCreate");
  std::vector<double> times;
  for (int i = -2; i < repetitions; ++i) {  // two to warm up
    check(cudaEventRecord(begin, stream), "cudaEventRecord");
    check(cudaGraphLaunch(executable, stream), "cudaGraphLaunch");
    check(cudaEventRecord(end, stream), "cudaEventRecord");
    check(cudaEventSynchronize(end), "cudaEventSynchronize");
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, begin, end), "cudaEventElapsedTime");
    if (i >= 0) times.push_back(1e3 * milliseconds / static_cast<double>(count));
  }
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  cudaGraphExecDestroy(executable);
  cudaGraphDestroy(graph);
  std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
  return times[times.size() / 2];
}

/** A product of random operands, on the host and on the device. */
class Case {
 public:
  Case(const Shape& shape, const Options& options, int64_t most_rows, int64_t l2_bytes)
      : shape_(shape), options_(options) {
    std::minstd_rand random(1);
    const int64_t row_bytes = (shape.K + 3) / 4;
    std::vector<uint8_t> codes(shape.N * row_bytes);
    for (uint8_t& byte : codes) {
      byte = 0;
      for (int bit = 0; bit < 8; bit += 2) byte = static_cast<uint8_t>(byte | (random() % 3) << bit);
    }
    for (int64_t n = 0; n < shape.N; ++n) {  // bits beyond K are zero
      if (shape.K % 4 != 0) codes[(n + 1) * row_bytes - 1] &= static_cast<uint8_t>((1 << 2 * (shape.K % 4)) - 1);
    }
    alpha_.assign(shape.N, 0.02f);
    const int64_t bytes = shape.N * row_bytes;
    const int64_t copies = options.copies > 0 ? options.copies : std::min<int64_t>(4 * l2_bytes / bytes + 1, 256);
    for (int64_t i = 0; i < copies; ++i) layers_.push_back(make_layer(codes));
    x_.resize(most_rows * shape.K);
    // +-0.008 ... 2
    for (uint16_t& x : x_) x = static_cast<uint16_t>(0x3c00 | random() % 0x400 | (random() & 1) << 15);
    x_device_ = device_copy(x_.data(), x_.size() * 2);
    y_device_ = device_copy(nullptr, most_rows * shape.N * 2);
  }

  int64_t copies() const { return static_cast<int64_t>(layers_.size()); }
  int64_t weight_bytes() const { return ternary_layer_bytes(layers_[0].get()); }
  const void* x() const { return x_device_.get(); }
  void* y() const { return y_device_.get(); }

  void prepare(ternary_runtime* gpu, int64_t M) {
    for (const Layer& layer : layers_) check(ternary_prepare(gpu, layer.get()), "ternary_prepare");
    int64_t bytes = 0;
    check(ternary_workspace_bytes(gpu, layers_[0].get(), M, &bytes), "ternary_workspace_bytes");
    workspace_ = device_copy(nullptr, bytes);
    workspace_bytes_ = bytes;
  }

  void start(ternary_runtime* gpu, int64_t M, int64_t copy, cudaStream_t stream) const {
    const ternary_cuda_call call = {stream, workspace_.get(), workspace_bytes_};
    ternary_operands operands = operands_of(x(), y(), M);
    operands.call = &call;
    check(ternary_apply_async(gpu, layers_[copy].get(), &operands), "ternary_apply_async");
  }

  /** Ends the program if the device's bits are not the CPU's. */
  void verify(ternary_runtime* gpu, ternary_runtime* cpu, int64_t M, cudaStream_t stream) const {
    std::vector<uint16_t> expected(M * shape_.N), found(M * shape_.N);
    const ternary_operands operands = operands_of(x_.data(), expected.data(), M);
    check(ternary_apply(cpu, layers_[0].get(), &operands), "ternary_apply on the CPU");
    start(gpu, M, 0, stream);
    check(cudaStreamSynchronize(stream), "the product");
    check(cudaMemcpy(found.data(), y(), found.size() * 2, cudaMemcpyDeviceToHost), "cudaMemcpy");
    for (size_t i = 0; i < found.size(); ++i) {
      // A16 sums in another order: the fp32 sums differ by far less than the last bit of bf16, which may round
      // otherwise.
      const int apart = std::abs(static_cast<int>(found[i]) - static_cast<int>(expected[i]));
      const bool close = apart == 1 || (expected[i] & 0x7fff) < 0x3800;
      if (apart == 0 || (options_.activation == TERNARY_A16 && close)) continue;
      fail(shape_.model + "/" + shape_.layer + ", M = " + std::to_string(M) + ": element " + std::to_string(i) +
           " is " + std::to_string(found[i]) + ", on the CPU " + std::to_string(expected[i]));
    }
  }

 private:
  ternary_operands operands_of(const void* x, void* y, int64_t M) const {
    ternary_operands operands = {};
    operands.size = sizeof operands;
    operands.M = M;
    operands.x = x;
    operands.ldx = shape_.K;
    operands.y = y;
    operands.ldy = shape_.N;
    operands.x_dtype = operands.y_dtype = TERNARY_BF16;
    return operands;
  }

  Layer make_layer(const std::vector<uint8_t>& codes) const {
    const Weights weights = make_weights(codes);
    ternary_layer_spec spec = {};
    spec.size = sizeof spec;
    spec.weights = weights.get();
    spec.activation = options_.activation;
    ternary_layer* made = nullptr;
    check(ternary_layer_create(&spec, &made), "ternary_layer_create");
    return Layer(made);
  }

  Weights make_weights(const std::vector<uint8_t>& codes) const {
    ternary_weights* made = nullptr;
    check(ternary_weights_create(codes.data(), TERNARY_LAYOUT_I2S, shape_.N, shape_.K, options_.layout,
                                 TERNARY_ALPHA_ROW, alpha_.data(), shape_.N, 0, &made),
          "ternary_weights_create");
    return Weights(made);
  }

  const Shape& shape_;
  const Options& options_;
  std::vector<float> alpha_;
  std::vector<Layer> layers_;
  std::vector<uint16_t> x_;
  DeviceMemory x_device_, y_device_, workspace_;
  int64_t workspace_bytes_ = 0;
};

/** cuBLASLt's time for the shape, going round copies of dense weights; 0 if it cannot say. */
double time_baseline(CublasLt* baseline, const Case& problem, const Shape& shape, int64_t M, const Options& options,
                     int64_t l2_bytes, cudaStream_t stream) {
  if (baseline == nullptr) return 0;
  const int64_t bytes = 2 * shape.N * shape.K;
  const int64_t copies = options.copies > 0 ? options.copies : std::min<int64_t>(4 * l2_bytes / bytes + 1, 64);
  const DeviceMemory w = device_copy(nullptr, bytes * copies);
  check(cudaMemset(w.get(), 0x3c, bytes * copies), "cudaMemset");
  check(cudaStreamSynchronize(nullptr), "cudaMemset");  // `stream` does not wait for the default stream
  bool accepted = baseline->run(problem.x(), w.get(), problem.y(), M, shape.N, shape.K, stream);
  check(cudaStreamSynchronize(stream), "cuBLASLt");
  if (!accepted) return 0;
  return time_graph(stream, copies, options.repetitions, [&](int64_t i) {
    baseline->run(problem.x(), static_cast<char*>(w.get()) + i * bytes, problem.y(), M, shape.N, shape.K, stream);
  });
}

std::string paths_of(const ternary_runtime* runtime) {
  const std::string counters = text_of(
      [&](char* text, size_t size, size_t* length) { return ternary_runtime_counters(runtime, text, size, length); });
  const size_t begin = counters.find("\"path_counts\":{");
  return begin == std::string::npos ? counters : counters.substr(begin + 15, counters.find('}', begin) - begin - 15);
}

int run(const Options& options) {
  const Runtime gpu = make_runtime("TERNARY_DEVICE=cuda"), cpu = make_runtime("TERNARY_DEVICE=cpu");
  if (options.library_only) {
    std::printf("%s\n", cuda_info(gpu.get(), "library").c_str());
    return EXIT_SUCCESS;
  }
  if (options.shapes.empty()) fail("no --shapes FILE");
  int l2_bytes = 0;
  check(cudaDeviceGetAttribute(&l2_bytes, cudaDevAttrL2CacheSize, 0), "cudaDeviceGetAttribute");
  cudaStream_t stream;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreate");
  std::string problem;
  const std::unique_ptr<CublasLt> baseline = CublasLt::load(&problem);
  std::printf("device %s, library %s, L2 %.1f MB, cuBLASLt %s\n", cuda_info(gpu.get(), "name").c_str(),
              cuda_info(gpu.get(), "library").c_str(), l2_bytes / 1e6,
              baseline ? (std::to_string(baseline->version()) + ", bf16").c_str() : problem.c_str());
  std::printf("%-28s %5s %10s %10s %8s %8s %10s %6s  %s\n", "layer", "M", "us", "model us", "GB/s", "copies",
              "cublas us", "times", "path");
  std::ofstream json;
  if (!options.json.empty()) json.open(options.json);
  for (const Shape& shape : options.shapes) {
    const int64_t most = *std::max_element(options.rows.begin(), options.rows.end());
    Case product(shape, options, most, l2_bytes);
    for (const int64_t M : options.rows) {
      product.prepare(gpu.get(), M);
      check(ternary_runtime_reset_counters(gpu.get()), "ternary_runtime_reset_counters");
      product.verify(gpu.get(), cpu.get(), M, stream);
      const std::string path = paths_of(gpu.get());
      const double us = time_graph(stream, product.copies(), options.repetitions,
                                   [&](int64_t i) { product.start(gpu.get(), M, i, stream); });
      ternary_prediction model = {};
      check(ternary_predict(gpu.get(), nullptr, options.layout, options.activation, M, shape.N, shape.K, &model),
            "ternary_predict");
      const double dense = time_baseline(baseline.get(), product, shape, M, options, l2_bytes, stream);
      const double rate = static_cast<double>(product.weight_bytes()) / us / 1e3;
      std::printf("%-28s %5lld %10.2f %10.2f %8.1f %8lld %10.2f %6.2f  %s\n", (shape.model + "/" + shape.layer).c_str(),
                  static_cast<long long>(M), us, model.microseconds, rate, static_cast<long long>(product.copies()),
                  dense, dense / us, path.c_str());
      std::fflush(stdout);
      json << "{\"model\":\"" << shape.model << "\",\"layer\":\"" << shape.layer << "\",\"N\":" << shape.N
           << ",\"K\":" << shape.K << ",\"M\":" << M << ",\"us\":" << us << ",\"model_us\":" << model.microseconds
           << ",\"gb_per_s\":" << rate << ",\"cublaslt_us\":" << dense << ",\"paths\":{" << path << "}}\n";
    }
  }
  cudaStreamDestroy(stream);
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace ternary::bench

int main(int argc, char** argv) { return ternary::bench::run(ternary::bench::parse(argc, argv)); }
