/**
 * @file grid_order.h
 * @brief Races through global memory within one grid: between CTAs, which only fences and atomics order, and in one.
 *
 * The rule is PTX's: what a thread wrote may be read by another CTA if the writer made a fence (membar.gl, fence.*.gpu)
 * after it and then an atomic, the reader observed that atomic with one of its own or a relaxed load, and made a fence
 * before it read. Barriers within a CTA or cluster carry this from warp to warp at every step: all threads may fence
 * and one of them draw the ticket after a barrier, or one thread may fence for all after it. So a split-K kernel whose
 * last CTA (told by a ticket) sums the others' partial results without fences is reported, though it gives the right
 * bits here.
 *
 * Copy engines are agents too. What a warp wrote they may read only if besides a fence.proxy.async was made, by the
 * writer behind its write or by whoever knows of it.
 *
 * A write must be ordered after the reads of other CTAs in the same way. Of the readers of a word three are kept, which
 * is enough to see that nothing orders them: the last, the last other warp of its cluster, and the last of another
 * cluster. Reads by ld.global.nc are left out, because nobody may write that memory at all (see memory/races.h); so are
 * reads beyond the first kMostReadPages pages, for each takes 12 times its size.
 */
#ifndef TERNARY_SOFTGPU_EXEC_GRID_ORDER_H_
#define TERNARY_SOFTGPU_EXEC_GRID_ORDER_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "softgpu/exec/order.h"
#include "softgpu/memory/memory.h"

namespace ternary::softgpu {

class GridOrder {
 public:
  explicit GridOrder(uint32_t clusters);

  /** Who accesses memory: a warp or a copy engine of a cluster. A cluster is one host thread's at a time. */
  struct Agent {
    uint32_t cluster;
    size_t number;
    Order* order;
    uint32_t engine_epoch = 0;  ///< of an engine, when it was given the work

    uint32_t epoch() const { return engine_epoch != 0 ? engine_epoch : order->epoch(number); }
  };

  /** Notes an access, or throws Fault. `strong`: volatile, relaxed, acquire or release, which do not race with atomics;
   *  an atomic is strong anyway. */
  void note(const Agent& agent, uint64_t address, uint64_t bytes, Access kind, bool strong, int line);
  /** membar.gl and .sys and fence of .gpu and .sys scope are both; .release and .acquire of an access are one: what was
   *  done before goes into signals that come after, and what is in signals that came before is known after. */
  void release(const Agent& agent);
  void acquire(const Agent& agent);
  /** fence.proxy.async of global memory. */
  void proxy_fence(const Agent& agent);

  /** Held while an atomic or strong access is made and noted: what others see in one order must be noted in that. */
  std::mutex& signals() { return signals_; }

 private:
  /** Up to which epoch the accesses of each warp of each cluster are known. */
  using Known = std::map<uint32_t, Clock>;

  /** A write or read of bytes (bits of `mask`) of a word. */
  struct Stamp {
    uint32_t cluster = 0, epoch = 0;
    int32_t line = 0;
    uint16_t agent = 0;
    uint8_t mask = 0;
    bool strong = false;
  };
  struct Word {
    Stamp last;
    std::unique_ptr<std::vector<Stamp>> others;  ///< of other bytes, or atomics of other warps
  };
  static constexpr uint64_t kPageBytes = 4096;
  using Page = std::array<Word, kPageBytes / 4>;
  struct Readers {
    Stamp last, other_warp, other_cluster;
  };
  using ReadPage = std::array<Readers, kPageBytes / 4>;
  static constexpr int kMostReadPages = 2048;
  struct Shard {
    std::mutex mutex;
    std::unordered_map<uint64_t, std::unique_ptr<Page>> pages;
    std::unordered_map<uint64_t, std::unique_ptr<ReadPage>> read_pages;
    std::unordered_map<uint64_t, Known> released;  ///< by word: what those who fenced before their atomic had done
  };
  /** What a warp knows from an atomic, which a fence makes its own; `epoch` is the warp's at the time. */
  struct Observation {
    uint32_t epoch;
    Known known;
  };
  struct AgentSide {           // observations stay: other warps may fence after a barrier, each for itself
    Known published;           ///< what its last fence covers
    uint32_t fence_epoch = 0;  ///< the warp's after that fence
    std::vector<Observation> observed;
  };
  struct Acquisition {
    size_t agent;
    uint32_t epoch;
    Known known;
  };
  struct ClusterSide {
    std::vector<AgentSide> agents;
    std::vector<Acquisition> acquisitions;
    std::vector<Acquisition> proxied;  ///< acquisitions behind which a proxy fence was made
  };

  static void join(Known* known, const Known& other);
  bool ordered(const Agent& agent, const Stamp& stamp) const;
  /** Of an engine and what a warp wrote: true if a proxy fence is between. */
  bool proxied(const Agent& agent, const Stamp& stamp) const;
  void note_word(const Agent& agent, uint64_t word, uint8_t mask, Access kind, bool strong, int line);
  void note_reads(const Agent& agent, uint64_t address, uint64_t end, bool strong, int line);
  static void note_reader(Readers* readers, const Stamp& stamp);
  void check_readers(const Agent& agent, Readers* readers, uint64_t word, uint8_t mask, bool strong) const;
  void check(const Agent& agent, const Stamp& stamp, uint64_t word, bool wrote, Access kind, bool strong) const;
  void signal(const Agent& agent, Shard* shard, uint64_t word, Access kind);
  AgentSide& side(const Agent& agent);
  std::atomic<uint8_t>& maybe_written(uint64_t address) { return maybe_written_[(address >> 8) % kFilter]; }

  static constexpr size_t kShards = 64;
  static constexpr size_t kFilter = size_t{1} << 16;
  std::mutex signals_;
  std::array<Shard, kShards> shards_;
  std::atomic<int> read_pages_left_{kMostReadPages};
  std::vector<std::atomic<uint8_t>> maybe_written_;  ///< by 256 bytes: most reads are of memory that nobody writes
  std::vector<ClusterSide> clusters_;
};

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_EXEC_GRID_ORDER_H_
