#include "core/cuda/copies/weights.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "core/base/large_memory.h"
#include "core/base/process.h"
#include "core/cuda/copies/layout.h"
#include "core/cuda/device/device.h"
#include "core/cuda/device/memory.h"
#include "core/weights/layout.h"
#include "core/weights/weights.h"

namespace ternary {
namespace {

/** Bytes on the host while a matrix is converted and sent: enough for the bus, little beside a model. */
constexpr int64_t kChunkBytes = 16 << 20;

/** Makes panels of a device's layout from weights, on as many threads as there are. */
class PanelMaker {
 public:
  /** Of one expert, for up to `most_panels` at a time. */
  PanelMaker(const ternary_weights& weights, int64_t expert, CudaLayout layout, ThreadPool& pool, int64_t most_panels)
      : weights_(weights),
        codes_(weights.expert_codes(expert)),
        layout_(layout),
        pool_(pool),
        threads_(static_cast<int>(std::min<int64_t>(pool.threads(), most_panels))),
        i2s_bytes_(round_up(kTile * ceil_div(weights.K, 4), kCacheLine)),
        i2s_(large_memory(threads_ * i2s_bytes_)) {}

  /** Panels first ... first + count - 1 one after the other. Returns their bytes. */
  int64_t make(int64_t first, int64_t count, uint8_t* target) {
    first_ = first;
    target_ = target;
    pool_.run(
        count, threads_,
        [](void* maker, int64_t panel, int thread) { static_cast<PanelMaker*>(maker)->make_one(panel, thread); }, this);
    return (count - 1) * panel_bytes(kTile) + panel_bytes(rows_of(first + count - 1));
  }

 private:
  static constexpr int64_t kCacheLine = 64;

  int64_t rows_of(int64_t panel) const { return std::min(kTile, weights_.N - panel * kTile); }
  int64_t panel_bytes(int64_t rows) const { return cuda_panel_bytes(layout_, rows, weights_.K); }

  void make_one(int64_t panel, int thread) const {
    const int64_t K = weights_.K, rows = rows_of(first_ + panel);
    uint8_t* i2s = i2s_.get() + thread * i2s_bytes_;
    unpack_rows(codes_, weights_.layout, (first_ + panel) * kTile, rows, K, i2s);
    cuda_panel_from_i2s(layout_, i2s, rows, K, target_ + panel * panel_bytes(kTile));
  }

  const ternary_weights& weights_;
  const uint8_t* codes_;
  const CudaLayout layout_;
  ThreadPool& pool_;
  const int threads_;
  const int64_t i2s_bytes_;  ///< of a thread
  const LargeMemory i2s_;
  int64_t first_ = 0;
  uint8_t* target_ = nullptr;
};

/** Bytes of the codes of all experts, each as if it were alone. */
int64_t codes_bytes(const ternary_weights& weights, CudaLayout layout) {
  return weights.experts * cuda_layout_bytes(layout, weights.N, weights.K);
}

/** Converts all panels of an expert and sends them to `target`, a chunk at a time. */
void send_expert(const ternary_weights& weights, int64_t expert, CudaLayout layout, ThreadPool& pool,
                 const CudaStream& stream, uint8_t* target) {
  const int64_t panel_bytes = cuda_panel_bytes(layout, kTile, weights.K), panels = ceil_div(weights.N, kTile);
  const int64_t chunk_panels = std::min(panels, std::max<int64_t>(1, kChunkBytes / panel_bytes));
  const LargeMemory chunk = large_memory(chunk_panels * panel_bytes);
  PanelMaker maker(weights, expert, layout, pool, chunk_panels);
  for (int64_t panel = 0; panel < panels; panel += chunk_panels) {
    const int64_t bytes = maker.make(panel, std::min(chunk_panels, panels - panel), chunk.get());
    stream.send(target + panel * panel_bytes, chunk.get(), bytes);
    stream.wait();  // the next chunk is made in the same memory
  }
}

void send_codes(const ternary_weights& weights, CudaLayout layout, ThreadPool& pool, const CudaStream& stream,
                uint8_t* target) {
  for (int64_t expert = 0; expert < weights.experts; ++expert) {
    send_expert(weights, expert, layout, pool, stream,
                target + expert * cuda_layout_bytes(layout, weights.N, weights.K));
  }
}

std::unique_ptr<CudaWeights> make_copy(const ternary_weights& weights, const CudaDevice& device, ThreadPool& pool) {
  const CudaStream stream(device);
  const CudaLayout layout = cuda_layout_of(weights.layout);
  CudaMemory codes(device, codes_bytes(weights, layout));
  send_codes(weights, layout, pool, stream, codes.get());
  CudaMemory alpha = sent_floats(device, stream, weights.alpha.data(), static_cast<int64_t>(weights.alpha.size()),
                                 round_up(static_cast<int64_t>(weights.alpha.size()), kTile));
  CudaMemory column;
  if (weights.column_alpha() != nullptr) {
    const auto count = static_cast<int64_t>(weights.alpha_column.size());
    column = sent_floats(device, stream, weights.column_alpha(), count, count);
  }
  auto copy = std::make_unique<CudaWeights>(device);
  copy->layout = layout;
  copy->bytes.add(layout, codes.bytes() + alpha.bytes() + column.bytes());
  copy->codes = codes.release();
  copy->alpha = reinterpret_cast<float*>(alpha.release());
  copy->alpha_column = reinterpret_cast<float*>(column.release());
  return copy;
}

void add_layout(const ternary_weights& weights, const CudaDevice& device, ThreadPool& pool, CudaLayout layout,
                CudaWeights& copy) {
  const CudaStream stream(device);
  CudaMemory memory(device, codes_bytes(weights, layout));
  send_codes(weights, layout, pool, stream, memory.get());
  copy.bytes.add(layout, memory.bytes());
  std::atomic<uint8_t*>& place = layout == CudaLayout::dense ? copy.dense : copy.top2;
  place.store(memory.release(), std::memory_order_release);
}

}  // namespace

CudaCopy::CudaCopy(const CudaDevice& device) : cuda_(*device.cuda), ordinal_(device.ordinal), fork_count_(forks()) {}

void CudaCopy::free(std::initializer_list<void*> memory) const noexcept {
  if (fork_count_ != forks()) return;
  const CudaDeviceScope scope(cuda_, ordinal_);
  if (!scope.entered()) return;
  for (void* piece : memory) {
    if (piece != nullptr) cuda_.Free(piece);
  }
}

CudaWeights::CudaWeights(const CudaDevice& device) : CudaCopy(device), bytes(device.ordinal) {}

CudaWeights::~CudaWeights() { free({codes, alpha, alpha_column, dense.load(), top2.load()}); }

const CudaWeights* find_weights(const ternary_weights& weights, int ordinal) {
  return static_cast<const CudaWeights*>(weights.copies.find(ordinal));
}

const CudaWeights& prepare_weights(const ternary_weights& weights, const CudaDevice& device, ThreadPool& pool,
                                   SecondLayouts wanted) {
  const auto lacks = [](const CudaWeights* copy, CudaLayout layout, bool asked) {
    return asked && copy->codes_in(layout) == nullptr;
  };
  const auto whole = [&](const CudaWeights* copy) {
    return copy != nullptr && !lacks(copy, CudaLayout::dense, wanted.dense) &&
           !lacks(copy, CudaLayout::top2, wanted.top2);
  };
  if (const CudaWeights* found = find_weights(weights, device.ordinal); whole(found)) return *found;
  DeviceCopies::Place& place = weights.copies.place_of(device.ordinal);
  const MutexLock lock(place.mutex);
  auto* copy = static_cast<CudaWeights*>(place.copy.load());
  if (copy == nullptr) {
    copy = make_copy(weights, device, pool).release();
    place.copy.store(copy, std::memory_order_release);
  }
  if (lacks(copy, CudaLayout::dense, wanted.dense)) add_layout(weights, device, pool, CudaLayout::dense, *copy);
  if (lacks(copy, CudaLayout::top2, wanted.top2)) add_layout(weights, device, pool, CudaLayout::top2, *copy);
  return *copy;
}

}  // namespace ternary
