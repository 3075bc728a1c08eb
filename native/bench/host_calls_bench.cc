/**
 * What a call costs the host besides its kernels: nanoseconds of ternary_apply_async() on a CUDA runtime that does
 * nothing, and of ternary_apply() on the CPU for a layer that is small. For each case the best and the median of 40
 * rounds of 20000 calls; the machine should be quiet.
 *
 *     LD_LIBRARY_PATH=<build>/bench/null_cudart <build>/bench/host_calls_bench
 */
#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "ternary/ternary.h"

namespace {

constexpr int kRounds = 40, kCalls = 20000;

void must(ternary_status status) {
  if (status == TERNARY_OK) return;
  std::fprintf(stderr, "%s\n", ternary_last_error());
  std::exit(EXIT_FAILURE);
}

ternary_runtime* runtime_for(const char* settings) {
  ternary_runtime* runtime = nullptr;
  must(ternary_runtime_create(settings, &runtime));
  return runtime;
}

/** Whether the runtime of CUDA that the library has loaded is native/softgpu's. */
bool is_software_gpu() {
  void* cudart = dlopen("libcudart.so.13", RTLD_LAZY | RTLD_NOLOAD);
  return cudart != nullptr && dlsym(cudart, "softgpu_is_inside") != nullptr;
}

/** Weights 0, a bias, and a norm if asked for. */
ternary_layer* layer_of(int64_t N, int64_t K, bool norm) {
  const std::vector<uint8_t> codes(static_cast<size_t>(N * ((K + 3) / 4)), 0x55);
  const std::vector<float> ones(static_cast<size_t>(std::max(N, K)), 1.0f);
  ternary_weights* weights = nullptr;
  must(ternary_weights_create(codes.data(), TERNARY_LAYOUT_I2S, N, K, TERNARY_LAYOUT_I2S_TILED, TERNARY_ALPHA_ROW,
                              ones.data(), N, 0, &weights));
  ternary_layer_spec spec = {sizeof spec, weights, ones.data(), norm ? ones.data() : nullptr, norm ? 1e-5f : 0.0f,
                             TERNARY_A8,  0};
  ternary_layer* layer = nullptr;
  must(ternary_layer_create(&spec, &layer));
  ternary_weights_destroy(weights);
  return layer;
}

template <typename Call>
void time(const std::string& name, Call call) {
  std::vector<double> rounds;
  for (int i = 0; i < kCalls; ++i) call();
  for (int round = 0; round < kRounds; ++round) {
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < kCalls; ++i) call();
    rounds.push_back(std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begin).count() /
                     kCalls);
  }
  std::sort(rounds.begin(), rounds.end());
  std::printf("%-34s %8.1f %8.1f\n", name.c_str(), rounds.front(), rounds[kRounds / 2]);
}

void time_products(const std::string& device, ternary_runtime* runtime, int64_t N, int64_t K,
                   const std::vector<int64_t>& all_rows, bool asynchronous) {
  for (const bool norm : {false, true}) {
    ternary_layer* layer = layer_of(N, K, norm);
    for (const int64_t M : all_rows) {
      std::vector<float> x(static_cast<size_t>(M * K), 0.5f), y(static_cast<size_t>(M * N));
      void* workspace = std::aligned_alloc(256, 64 << 20);
      const ternary_cuda_call call = {nullptr, workspace, 64 << 20};
      ternary_operands operands = {};
      operands.size = sizeof operands;
      operands.M = M;
      operands.x = x.data();
      operands.ldx = K;
      operands.y = y.data();
      operands.ldy = N;
      operands.call = asynchronous ? &call : nullptr;
      const auto apply = asynchronous ? ternary_apply_async : ternary_apply;
      time(device + (norm ? " rmsnorm_linear M=" : " linear M=") + std::to_string(M),
           [&] { must(apply(runtime, layer, &operands)); });
      std::free(workspace);
    }
    ternary_layer_destroy(layer);
  }
}

}  // namespace

int main() {
  std::printf("%-34s %8s %8s\n", "ns a call", "best", "median");
  ternary_runtime* cpu = runtime_for("TERNARY_DEVICE=cpu\nTERNARY_NUM_THREADS=1");
  time_products("cpu 16x32", cpu, 16, 32, {1}, false);
  time_products("cpu 64x64", cpu, 64, 64, {1}, false);
  ternary_runtime_destroy(cpu);
  ternary_runtime* gpu = runtime_for("TERNARY_DEVICE=cuda\nTERNARY_NUM_THREADS=1");
  if (is_software_gpu()) {
    std::printf("software GPU: no times\n");  // they would be the interpreter's
  } else {
    time_products("null gpu 4096x4096", gpu, 4096, 4096, {1, 8, 64}, true);
  }
  ternary_runtime_destroy(gpu);
  return EXIT_SUCCESS;
}
