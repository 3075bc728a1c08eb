#include "bench/device_product.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <random>
#include <set>

#include "bench/weight_copies.h"
#include "core/cuda/device/find_device.h"

namespace ternary::bench {

std::vector<uint8_t> random_codes(int64_t N, int64_t K) {
  uint8_t byte_of[81];  // four codes in base 3
  for (int i = 0; i < 81; ++i) byte_of[i] = static_cast<uint8_t>(i % 3 | i / 3 % 3 << 2 | i / 9 % 3 << 4 | i / 27 << 6);
  std::minstd_rand random(1);
  const int64_t row_bytes = (K + 3) / 4;
  std::vector<uint8_t> codes(N * row_bytes);
  for (uint8_t& byte : codes) byte = byte_of[random() % 81];
  for (int64_t n = 0; n < N && K % 4 != 0; ++n) {
    codes[(n + 1) * row_bytes - 1] &= static_cast<uint8_t>((1 << 2 * (K % 4)) - 1);
  }
  return codes;
}

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

Machine::Machine() {
  const NoCuda missing = find_cuda_device(0, CudaPtx::last_resort, CutlassChoice::automatic, device);
  if (!missing.reason.empty()) fail(missing.reason);
}

std::string XMode::name() const {
  std::string name = activation == TERNARY_A16 ? "a16" : "a8";
  if (block > 0) name += ":" + std::to_string(block);
  if (rotation > 0) name += " rotated " + std::to_string(rotation);
  return name;
}

DeviceProduct::DeviceProduct(const Machine& machine, const Shape& shape, ternary_layout layout, const XMode& mode,
                             const Options& options)
    : shape_(shape),
      layout_(layout),
      mode_(mode),
      most_rows_(*std::max_element(options.rows.begin(), options.rows.end())) {
  const int64_t bytes = shape.N * ((shape.K + 3) / 4);
  const int64_t copies =
      options.copies > 0 ? options.copies : std::min<int64_t>(4 * machine.gpu.l2_bytes / bytes + 1, 256);
  make_layers(machine, copies);
  make_x(options);
  expect(machine.cpu.get());
  check(ternary_workspace_bytes(machine.cuda.get(), layers_[0].get(), most_rows_, &workspace_bytes_),
        "ternary_workspace_bytes");
  workspace_ = device_copy(nullptr, workspace_bytes_);
}

void DeviceProduct::make_layers(const Machine& machine, int64_t copies) {
  const std::vector<uint8_t> codes = random_codes(shape_.N, shape_.K);
  const std::vector<float> alpha(shape_.N, 0.02f);
  ternary_weights* made = nullptr;
  check(ternary_weights_create(codes.data(), TERNARY_LAYOUT_I2S, shape_.N, shape_.K, layout_, TERNARY_ALPHA_ROW,
                               alpha.data(), shape_.N, 0, &made),
        "ternary_weights_create");
  const Weights packed(made);
  layers_.push_back(layer_of(*packed));
  check(ternary_prepare(machine.cuda.get(), layers_[0].get()), "ternary_prepare");
  while (this->copies() < copies) {
    const Weights copy(copy_on_device(*packed, machine.device));
    layers_.push_back(layer_of(*copy));
    check(ternary_prepare(machine.cuda.get(), layers_.back().get()), "ternary_prepare");
  }
}

void DeviceProduct::make_x(const Options& options) {
  std::minstd_rand random(2);
  x_.resize(most_rows_ * shape_.K);
  // +-0.008 ... 2
  for (uint16_t& x : x_) x = static_cast<uint16_t>(0x3c00 | random() % 0x400 | (random() & 1) << 15);
  x_device_ = device_copy(x_.data(), x_.size() * 2);
  y_device_ = device_copy(nullptr, most_rows_ * shape_.N * 2);
  std::set<int64_t> rows;
  for (const int64_t M : options.rows) rows.insert({0, M / 2, M - 1});
  sampled_.assign(rows.begin(), rows.end());
}

/** A row has the same bits in any batch, so the CPU computes each sampled row once for all M. */
void DeviceProduct::expect(ternary_runtime* cpu) {
  const int64_t rows = static_cast<int64_t>(sampled_.size());
  std::vector<uint16_t> x;
  for (const int64_t m : sampled_) x.insert(x.end(), x_.begin() + m * shape_.K, x_.begin() + (m + 1) * shape_.K);
  expected_.resize(rows * shape_.N);
  const ternary_operands operands = operands_of(x.data(), expected_.data(), rows);
  check(ternary_apply(cpu, layers_[0].get(), &operands), "ternary_apply on the CPU");
}

void DeviceProduct::start(ternary_runtime* gpu, int64_t M, int64_t copy, const Stream& stream) const {
  const ternary_cuda_call call = {stream.get(), workspace_.get(), workspace_bytes_};
  ternary_operands operands = operands_of(x(), y(), M);
  operands.call = &call;
  check(ternary_apply_async(gpu, layers_[copy].get(), &operands), "ternary_apply_async");
}

void DeviceProduct::verify(ternary_runtime* gpu, int64_t M, const Stream& stream) const {
  std::vector<uint16_t> found(shape_.N);
  start(gpu, M, copies() - 1, stream);
  stream.wait();
  for (size_t i = 0; i < sampled_.size() && sampled_[i] < M; ++i) {
    const char* row = static_cast<const char*>(y()) + sampled_[i] * shape_.N * 2;
    check(cudaMemcpy(found.data(), row, found.size() * 2, cudaMemcpyDeviceToHost), "cudaMemcpy");
    for (int64_t n = 0; n < shape_.N; ++n) {
      // A16 sums in another order: the fp32 sums differ by far less than the last bit of bf16, which may round
      // otherwise.
      const int got = found[n], want = expected_[i * shape_.N + n], apart = std::abs(got - want);
      const bool close = apart == 1 || (want & 0x7fff) < 0x3800;
      if (apart == 0 || (mode_.activation == TERNARY_A16 && close)) continue;
      fail(shape_.name() + ", M = " + std::to_string(M) + ": column " + std::to_string(n) + " of row " +
           std::to_string(sampled_[i]) + " is " + std::to_string(got) + ", on the CPU " + std::to_string(want));
    }
  }
}

ternary_operands DeviceProduct::operands_of(const void* x, void* y, int64_t M) const {
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

Layer DeviceProduct::layer_of(const ternary_weights& weights) const {
  ternary_layer_spec spec = {};
  spec.size = sizeof spec;
  spec.weights = &weights;
  spec.activation = mode_.activation;
  spec.block = mode_.block;
  spec.rotation = mode_.rotation;
  spec.expected_rows = most_rows_;
  ternary_layer* made = nullptr;
  check(ternary_layer_create(&spec, &made), "ternary_layer_create");
  return Layer(made);
}

}  // namespace ternary::bench
