// Layers of experts: one after the other and in a graph, with programmatic launch and without.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <random>

#include "bench/tables.h"

namespace ternary::bench {
namespace {

struct EndMoe {
  void operator()(ternary_moe* moe) const { ternary_moe_destroy(moe); }
};
using Moe = std::unique_ptr<ternary_moe, EndMoe>;

/** Experts with the same codes but for where they begin, so that few are made and none is another. */
Weights expert_weights(int64_t E, int64_t N, int64_t K, ternary_layout layout) {
  const int64_t row_bytes = (K + 3) / 4;
  const std::vector<uint8_t> rows = random_codes(N + E, K);
  std::vector<const uint8_t*> codes;
  for (int64_t e = 0; e < E; ++e) codes.push_back(rows.data() + e * row_bytes);
  const std::vector<float> alpha(E * N, 0.02f);
  ternary_weights* made = nullptr;
  check(ternary_weights_create_experts(codes.data(), TERNARY_LAYOUT_I2S, E, N, K, layout, TERNARY_ALPHA_ROW,
                                       alpha.data(), E * N, 0, &made),
        "ternary_weights_create_experts");
  return Weights(made);
}

/** A layer with its operands on the device: bf16 in and out, ids of many calls. */
class ExpertLayer {
 public:
  static constexpr int64_t kCalls = 16;  ///< whose ids differ

  ExpertLayer(const Machine& machine, const ExpertShape& shape, ternary_layout layout, int64_t most_rows)
      : shape_(shape), most_rows_(most_rows) {
    const Weights w13 = expert_weights(shape.E, 2 * shape.I, shape.H, layout);
    const Weights w2 = expert_weights(shape.E, shape.H, shape.I, layout);
    ternary_moe_spec spec = {};
    spec.size = sizeof spec;
    spec.w13 = w13.get();
    spec.w2 = w2.get();
    spec.scaling = 1;
    ternary_moe* made = nullptr;
    check(ternary_moe_create(&spec, &made), "ternary_moe_create");
    moe_.reset(made);
    check(ternary_prepare_moe(machine.cuda.get(), made), "ternary_prepare_moe");
    make_operands();
    check(ternary_moe_workspace_bytes(machine.cuda.get(), made, most_rows, shape.T, &workspace_bytes_),
          "ternary_moe_workspace_bytes");
    workspace_ = device_copy(nullptr, workspace_bytes_);
  }

  /** Call i, of M rows. */
  void start(ternary_runtime* gpu, int64_t M, int64_t i, const Stream& stream) const {
    const ternary_cuda_call call = {stream.get(), workspace_.get(), workspace_bytes_};
    ternary_moe_operands o = operands(x_there_.get(), y_there_.get(), M);
    o.expert_ids = static_cast<const int32_t*>(ids_there_.get()) + i % kCalls * most_rows_ * shape_.T;
    o.expert_weights = weights_there_.get();
    o.call = &call;
    check(ternary_apply_moe_async(gpu, moe_.get(), &o), "ternary_apply_moe_async");
  }

  /** Ends the program if the device's bits are not the CPU's: the last row of call 0. */
  void verify(ternary_runtime* gpu, ternary_runtime* cpu, int64_t M, const Stream& stream) const {
    start(gpu, M, 0, stream);
    check(ternary_synchronise(gpu, stream.get()), "ternary_synchronise");
    std::vector<uint16_t> y(shape_.H), expected(shape_.H);
    check(cudaMemcpy(y.data(), static_cast<const uint16_t*>(y_there_.get()) + (M - 1) * shape_.H, 2 * shape_.H,
                     cudaMemcpyDeviceToHost),
          "cudaMemcpy");
    ternary_moe_operands o = operands(x_.data() + (M - 1) * shape_.H, expected.data(), 1);
    o.expert_ids = ids_.data() + (M - 1) * shape_.T;
    o.expert_weights = weights_.data();
    check(ternary_apply_moe(cpu, moe_.get(), &o), "ternary_apply_moe on the CPU");
    if (y != expected) fail(shape_.name + ", M = " + std::to_string(M) + ": the GPU has other bits than the CPU");
  }

  /** Of the experts that M rows choose. */
  double bytes(int64_t M) const {
    const int64_t active = std::min(M * shape_.T, shape_.E);
    return static_cast<double>(active) * 3 * static_cast<double>(shape_.H * shape_.I) / 4;
  }

 private:
  void make_operands() {
    std::minstd_rand random(3);
    x_.resize(most_rows_ * shape_.H);
    for (uint16_t& x : x_) x = static_cast<uint16_t>(0x3c00 | random() % 0x400 | (random() & 1) << 15);
    weights_.assign(most_rows_ * shape_.T, 0.125f);
    for (int64_t i = 0; i < kCalls * most_rows_ * shape_.T; ++i) ids_.push_back(static_cast<int32_t>(i % shape_.E));
    x_there_ = device_copy(x_.data(), x_.size() * 2);
    weights_there_ = device_copy(weights_.data(), weights_.size() * 4);
    ids_there_ = device_copy(ids_.data(), ids_.size() * 4);
    y_there_ = device_copy(nullptr, most_rows_ * shape_.H * 2);
  }

  ternary_moe_operands operands(const void* x, void* y, int64_t M) const {
    ternary_moe_operands o = {};
    o.size = sizeof o;
    o.M = M;
    o.T = o.ld_ids = o.ld_weights = shape_.T;
    o.x = x;
    o.ldx = o.ldy = shape_.H;
    o.x_dtype = o.y_dtype = TERNARY_BF16;
    o.y = y;
    return o;
  }

  const ExpertShape shape_;
  const int64_t most_rows_;
  Moe moe_;
  std::vector<uint16_t> x_;
  std::vector<float> weights_;
  std::vector<int32_t> ids_;
  DeviceMemory x_there_, y_there_, ids_there_, weights_there_, workspace_;
  int64_t workspace_bytes_ = 0;
};

}  // namespace

void experts_table(const Machine& machine, const Options& options, Deadline& deadline) {
  const Runtime with = make_runtime("TERNARY_DEVICE=cuda\nTERNARY_ENABLE_PDL=1");
  const Runtime without = make_runtime("TERNARY_DEVICE=cuda\nTERNARY_ENABLE_PDL=0");
  std::ofstream json;
  if (!options.json.empty()) json.open(options.json);
  const Gpu& gpu = machine.gpu;
  const int64_t calls = gpu.software ? 1 : ExpertLayer::kCalls;
  const int64_t most = *std::max_element(options.rows.begin(), options.rows.end());
  std::printf("us of a layer\n%-24s %6s %5s %10s %10s %12s %12s\n", "experts", "layout", "M", "eager", "graph",
              "without PDL", "bytes alone");
  for (const ExpertShape& shape : options.experts) {
    for (const ternary_layout layout : options.layouts) {
      if (deadline.passed()) return;
      const ExpertLayer layer(machine, shape, layout, most);
      for (const int64_t M : options.rows) {
        if (deadline.passed()) return;
        layer.verify(with.get(), machine.cpu.get(), M, machine.stream);
        layer.verify(without.get(), machine.cpu.get(), M, machine.stream);
        const auto chain = [&](ternary_runtime* runtime) {
          return [&layer, runtime, M, &machine](int64_t i) { layer.start(runtime, M, i, machine.stream); };
        };
        const double eager = event_time(machine.stream, options.repetitions,
                                        [&] {
                                          for (int64_t i = 0; i < calls; ++i) chain(with.get())(i);
                                        }) /
                             static_cast<double>(calls);
        const double graph = graph_time(machine.stream, calls, options.repetitions, chain(with.get()));
        const double plain = graph_time(machine.stream, calls, options.repetitions, chain(without.get()));
        const double bytes = layer.bytes(M) / (gpu.gb_per_s * 1e3);
        std::printf("%-24s %6s %5lld %10s %10s %12s %12s\n", shape.name.c_str(), name_of(layout),
                    static_cast<long long>(M), gpu.shown(eager, 1).c_str(), gpu.shown(graph, 1).c_str(),
                    gpu.shown(plain, 1).c_str(), gpu.shown(bytes, 1).c_str());
        std::fflush(stdout);
        json << "{\"experts\":\"" << shape.name << "\",\"layout\":\"" << name_of(layout) << "\",\"M\":" << M
             << ",\"eager_us\":" << gpu.json(eager) << ",\"graph_us\":" << gpu.json(graph)
             << ",\"graph_without_pdl_us\":" << gpu.json(plain) << ",\"bytes_us\":" << gpu.json(bytes) << "}" << "\n"
             << std::flush;
      }
    }
  }
}

}  // namespace ternary::bench
