#include "core/cuda_weights.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "core/cuda_device.h"
#include "core/cuda_layout.h"
#include "core/cuda_memory.h"
#include "core/large_memory.h"
#include "core/layout.h"
#include "core/report.h"
#include "core/weights.h"

namespace ternary {
namespace {

/** Bytes on the host while a matrix is converted and sent: enough for the bus, little beside a model. */
constexpr int64_t kChunkBytes = 16 << 20;

/** Converts all panels of the weights and sends them to `target`, a chunk at a time. */
void send_codes(const ternary_weights& weights, CudaLayout layout, const CudaStream& stream, uint8_t* target) {
  const int64_t N = weights.N, K = weights.K;
  const int64_t panel_bytes = cuda_panel_bytes(layout, kTile, K), source_bytes = layout_bytes(weights.layout, kTile, K);
  const int64_t chunk_panels = std::max<int64_t>(1, kChunkBytes / panel_bytes), panels = ceil_div(N, kTile);
  const LargeMemory chunk = large_memory(std::min(chunk_panels, panels) * panel_bytes);
  std::vector<uint8_t> i2s(static_cast<size_t>(kTile * ceil_div(K, 4)));
  int64_t sent = 0, filled = 0;
  for (int64_t panel = 0; panel < panels; ++panel) {
    const int64_t rows = std::min(kTile, N - panel * kTile);
    convert_codes(weights.codes + panel * source_bytes, weights.layout, rows, K, i2s.data(), TERNARY_LAYOUT_I2S);
    cuda_panel_from_i2s(layout, i2s.data(), rows, K, chunk.get() + filled);
    filled += cuda_panel_bytes(layout, rows, K);
    if ((panel + 1) % chunk_panels != 0 && panel + 1 != panels) continue;
    stream.send(target + sent, chunk.get(), filled);
    stream.wait();  // the next chunk is made in the same memory
    sent += filled;
    filled = 0;
  }
}

CudaMemory sent_floats(const CudaDevice& device, const CudaStream& stream, std::vector<float> values, int64_t count) {
  values.resize(static_cast<size_t>(count), 0.0f);
  CudaMemory memory(device, count * 4);
  stream.send(memory.get(), values.data(), count * 4);
  stream.wait();
  return memory;
}

std::unique_ptr<CudaWeights> make_copy(const ternary_weights& weights, const CudaDevice& device) {
  const CudaStream stream(device);
  const CudaLayout layout = cuda_layout_of(weights.layout);
  CudaMemory codes(device, cuda_layout_bytes(layout, weights.N, weights.K));
  send_codes(weights, layout, stream, codes.get());
  CudaMemory alpha =
      sent_floats(device, stream, weights.alpha, round_up(static_cast<int64_t>(weights.alpha.size()), kTile));
  CudaMemory column;
  if (weights.column_alpha() != nullptr) column = sent_floats(device, stream, weights.alpha_column, weights.K);
  auto copy = std::make_unique<CudaWeights>();
  copy->cuda = device.cuda;
  copy->ordinal = device.ordinal;
  copy->fork_count = forks();
  copy->layout = layout;
  copy->codes = codes.release();
  copy->alpha = reinterpret_cast<float*>(alpha.release());
  copy->alpha_column = reinterpret_cast<float*>(column.release());
  return copy;
}

/** The device's own current device is put back; errors have nobody to go to, and sticky ones show at the next call. */
void free_copy(CudaWeights* copy) {
  int before = 0;
  const Cudart& cuda = *copy->cuda;
  if (copy->fork_count == forks() && cuda.GetDevice(&before) == kCudaSuccess &&
      cuda.SetDevice(copy->ordinal) == kCudaSuccess) {
    cuda.Free(copy->codes);
    cuda.Free(copy->alpha);
    cuda.Free(copy->alpha_column);
    cuda.Free(copy->dense.load());
    cuda.SetDevice(before);
  }
  delete copy;
}

}  // namespace

CudaCopies::~CudaCopies() {
  for (CudaWeights* copy = first_.load(); copy != nullptr;) {
    CudaWeights* next = copy->next;
    free_copy(copy);
    copy = next;
  }
}

const CudaWeights* CudaCopies::find(int ordinal) const {
  for (const CudaWeights* copy = first_.load(std::memory_order_acquire); copy != nullptr; copy = copy->next) {
    if (copy->ordinal == ordinal) return copy;
  }
  return nullptr;
}

const CudaWeights& CudaCopies::prepare(const ternary_weights& weights, const CudaDevice& device, bool dense) {
  const CudaWeights* found = find(device.ordinal);
  if (found != nullptr && (!dense || found->dense.load(std::memory_order_acquire) != nullptr)) return *found;
  const MutexLock lock(mutex_);
  found = find(device.ordinal);
  if (found == nullptr) {
    std::unique_ptr<CudaWeights> made = make_copy(weights, device);
    made->next = first_.load();
    first_.store(made.get(), std::memory_order_release);
    found = made.release();
  }
  if (dense && found->dense.load() == nullptr) {
    const CudaStream stream(device);
    CudaMemory memory(device, cuda_layout_bytes(CudaLayout::dense, weights.N, weights.K));
    send_codes(weights, CudaLayout::dense, stream, memory.get());
    const_cast<CudaWeights*>(found)->dense.store(memory.release(), std::memory_order_release);
  }
  return *found;
}

}  // namespace ternary
