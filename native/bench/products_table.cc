#include <algorithm>
#include <cstdio>
#include <deque>
#include <fstream>

#include "bench/cublaslt.h"
#include "bench/tables.h"

namespace ternary::bench {
namespace {

/** cuBLASLt's time for the shape, going round copies of dense weights; 0 if it cannot say. */
double time_baseline(CublasLt* baseline, CublasLt::Type type, const Machine& machine, const DeviceProduct& product,
                     int64_t M, const Options& options) {
  if (baseline == nullptr) return 0;
  const int64_t N = product.shape().N, K = product.shape().K, bytes = CublasLt::bytes_of(type) * N * K;
  const int64_t copies =
      options.copies > 0 ? options.copies : std::min<int64_t>(4 * machine.gpu.l2_bytes / bytes + 1, 64);
  const DeviceMemory w = device_copy(nullptr, bytes * copies), y = device_copy(nullptr, 4 * M * N);
  check(cudaMemset(w.get(), 0x3c, bytes * copies), "cudaMemset");
  check(cudaStreamSynchronize(nullptr), "cudaMemset");  // the stream does not wait for the default stream
  const auto start = [&](int64_t i) {
    return baseline->run(type, product.x(), static_cast<char*>(w.get()) + i * bytes, y.get(), M, N, K,
                         machine.stream.get());
  };
  const bool accepted = start(0);
  machine.stream.wait();
  return accepted ? graph_time(machine.stream, copies, options.repetitions, start) : 0;
}

std::string paths_of(const ternary_runtime* runtime) {
  const std::string counters = text_of(
      [&](char* text, size_t size, size_t* length) { return ternary_runtime_counters(runtime, text, size, length); });
  const size_t begin = counters.find("\"path_counts\":{");
  return begin == std::string::npos ? counters : counters.substr(begin + 15, counters.find('}', begin) - begin - 15);
}

/** Each block with each rotation. */
std::vector<XMode> modes_of(const Options& options) {
  std::vector<XMode> modes;
  for (const int64_t rotation : options.rotations) {
    for (const int64_t block : options.blocks) modes.push_back({options.activation, block, rotation});
  }
  return modes;
}

struct Measured {
  int64_t M = 0;
  double us = 0, bf16_us = 0, int8_us = 0;
  ternary_prediction model = {};
  std::string paths;
};

/** Writes rows of the table, and lines of the files that were asked for. */
class ProductRows {
 public:
  ProductRows(const Machine& machine, const Options& options) : gpu_(machine.gpu) {
    std::printf("%-30s %-3s %-18s %4s %9s %9s %8s %5s %8s %5s %9s %9s %6s %6s  %s\n", "layer", "", "X", "M", "us",
                "model us", "GB/s", "%", "TFLOPS", "%", "bf16 us", "int8 us", "x bf16", "x int8", "path");
    if (!options.json.empty()) json_.open(options.json);
    if (options.residuals.empty()) return;
    residuals_.open(options.residuals);
    residuals_ << "# device kernel M N K predicted_us measured_us\n" << std::flush;
  }

  void add(const DeviceProduct& product, const Measured& row) {
    const Shape& shape = product.shape();
    const double rate = static_cast<double>(product.weight_bytes()) / row.us / 1e3, part = rate / gpu_.gb_per_s;
    const double tflops = 2 * static_cast<double>(row.M * shape.N * shape.K) / row.us / 1e6;
    const double peak = tflops / gpu_.bf16_tflops;
    const bool predicted = product.mode().is_predicted();
    std::printf("%-30s %-3s %-18s %4lld %9s %9s %8s %5s %8s %5s %9s %9s %6s %6s  %s\n", shape.name().c_str(),
                name_of(product.layout()), product.mode().name().c_str(), static_cast<long long>(row.M),
                gpu_.shown(row.us, 2).c_str(), predicted ? with_digits(row.model.microseconds, 2).c_str() : "-",
                gpu_.shown(rate, 0).c_str(), gpu_.shown(100 * part, 1).c_str(), gpu_.shown(tflops, 1).c_str(),
                gpu_.shown(100 * peak, 1).c_str(), gpu_.shown(row.bf16_us, 2).c_str(),
                gpu_.shown(row.int8_us, 2).c_str(), gpu_.shown(row.bf16_us / row.us, 2).c_str(),
                gpu_.shown(row.int8_us / row.us, 2).c_str(), row.paths.c_str());
    std::fflush(stdout);
    json_ << "{\"model\":\"" << shape.model << "\",\"layer\":\"" << shape.layer << "\",\"layout\":\""
          << name_of(product.layout()) << "\",\"x\":\"" << product.mode().name() << "\",\"N\":" << shape.N
          << ",\"K\":" << shape.K << ",\"M\":" << row.M << ",\"us\":" << gpu_.json(row.us)
          << ",\"model_us\":" << (predicted ? with_digits(row.model.microseconds, 4) : "null")
          << ",\"gb_per_s\":" << gpu_.json(rate) << ",\"bandwidth_fraction\":" << gpu_.json(part)
          << ",\"tflops\":" << gpu_.json(tflops) << ",\"bf16_peak_fraction\":" << gpu_.json(peak)
          << ",\"cublaslt_us\":" << gpu_.json(row.bf16_us) << ",\"cublaslt_int8_us\":" << gpu_.json(row.int8_us)
          << ",\"paths\":{" << row.paths << "}}" << "\n"
          << std::flush;
    if (predicted) add_residual(shape, row);
  }

 private:
  /** Only where the model spoke of the kernel that served; nothing of the software GPU, whose times are none. */
  void add_residual(const Shape& shape, const Measured& row) {
    if (!residuals_.is_open() || gpu_.software) return;
    if (row.paths.find("." + std::string(row.model.kernel) + ".cuda.") == std::string::npos) return;
    std::string device = row.model.device;  // the model's row of devices, which its reader wants
    std::replace(device.begin(), device.end(), ' ', '_');
    residuals_ << device << ' ' << row.model.kernel << ' ' << row.M << ' ' << shape.N << ' ' << shape.K << ' '
               << with_digits(row.model.microseconds, 3) << ' ' << with_digits(row.us, 3) << "\n"
               << std::flush;
  }

  const Gpu& gpu_;
  std::ofstream json_, residuals_;
};

}  // namespace

void products_table(const Machine& machine, const Options& options, Deadline& deadline) {
  std::string problem;
  const std::unique_ptr<CublasLt> baseline = CublasLt::load(&problem);
  std::printf("cuBLASLt: %s\n", baseline ? std::to_string(baseline->version()).c_str() : problem.c_str());
  const double begin = seconds_now();
  std::deque<DeviceProduct> products;
  for (const XMode& mode : modes_of(options)) {
    for (const ternary_layout layout : options.layouts) {
      for (const Shape& shape : options.shapes) {
        if (mode.rotation > 0 && shape.K % mode.rotation != 0) continue;  // of whole rotations alone
        if (!deadline.passed()) products.emplace_back(machine, shape, layout, mode, options);
      }
    }
  }
  int64_t copies = 0;
  for (const DeviceProduct& product : products) copies += product.copies();
  std::printf("%lld products, %lld copies of weights in %.1f s\n", static_cast<long long>(products.size()),
              static_cast<long long>(copies), seconds_now() - begin);
  ProductRows rows(machine, options);
  ternary_runtime* gpu = machine.cuda.get();
  for (const int64_t M : options.rows) {
    for (const DeviceProduct& product : products) {
      if (deadline.passed()) return;
      Measured row;
      row.M = M;
      check(ternary_runtime_reset_counters(gpu), "ternary_runtime_reset_counters");
      product.verify(gpu, M, machine.stream);
      row.paths = paths_of(gpu);
      row.us = graph_time(machine.stream, product.copies(), options.repetitions,
                          [&](int64_t i) { product.start(gpu, M, i, machine.stream); });
      if (product.mode().is_predicted()) {
        check(ternary_predict(gpu, nullptr, product.layout(), options.activation, M, product.shape().N,
                              product.shape().K, &row.model),
              "ternary_predict");
      }
      row.bf16_us = time_baseline(baseline.get(), CublasLt::Type::bf16, machine, product, M, options);
      row.int8_us = time_baseline(baseline.get(), CublasLt::Type::int8, machine, product, M, options);
      rows.add(product, row);
    }
  }
}

}  // namespace ternary::bench
