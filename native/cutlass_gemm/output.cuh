/**
 * @file output.cuh
 * @brief The epilogue of a CUTLASS kernel: sums in tensor memory, or parts of them, to Y by the library's own rules.
 *
 * A warp holds 32 neighbouring rows of W, so elements of a row of Y leave in runs of 32: whole sectors of memory for
 * every type, with no copy through shared memory, and with no rule for N, ldy or the address of Y.
 */
#ifndef TERNARY_CUTLASS_GEMM_OUTPUT_CUH_
#define TERNARY_CUTLASS_GEMM_OUTPUT_CUH_

#include "cutlass_gemm/tensor_map.h"
// CUTLASS's headers come behind it.
#include "cutlass/epilogue/collective/collective_builder.hpp"

#include "cuda/device/epilogue.cuh"
#include "cuda/device/pdl.cuh"
#include "cutlass_gemm/decode.cuh"

namespace ternary::cutlass_gemm {

/** What of a task the epilogue reads, and where parts of K meet. */
struct OutputOperands {
  const float* s;  ///< A8: [M]; null: A16
  const float* alpha;
  const float* bias;
  void* y;
  ternary_dtype y_dtype;
  int64_t ldy;
  int splits;
  int32_t* tickets;  ///< [tiles] zeros, where K is split
  float* sums;       ///< [tiles][rows of X][128] zeros
};

/** The output of tiles of 128 rows of W by kPatchM rows of X. The names of its members are CUTLASS's. */
template <int kPatchM>
class Output {
  static constexpr int kThreads = 128, kColumns = 16, kSets = kPatchM / kColumns;

 public:
  using ElementC = void;
  using ElementD = float;  // of no effect: Y's type is an operand
  using StrideC = cute::Stride<cute::_1, int64_t, int64_t>;
  using StrideD = StrideC;
  using EpilogueTile = cute::Shape<cute::Int<kThreads>, cute::Int<kColumns>>;
  using CopyOpT2R = cute::SM100_TMEM_LOAD_32dp32b16x;
  using GmemTiledCopyC = void;
  using GmemTiledCopyD = void;
  using ThreadEpilogueOp = cutlass::epilogue::thread::LinearCombination<float, 1, float, float>;
  static constexpr uint32_t TmaTransactionBytes = 0;
  struct SharedStorage {
    /** s of the tile's rows of X, loaded once: so one latency is seen, not one each set. */
    alignas(16) float scales[kPatchM];
    int last;
  };
  using Arguments = OutputOperands;
  using Params = OutputOperands;

  template <class Problem>
  static constexpr Params to_underlying_arguments(const Problem&, const Arguments& arguments, void*) {
    return arguments;
  }
  template <class Problem>
  static size_t get_workspace_size(const Problem&, const Arguments&) {
    return 0;
  }
  template <class Problem>
  static cutlass::Status initialize_workspace(const Problem&, const Arguments&, void*, cudaStream_t,
                                              cutlass::CudaHostAdapter* = nullptr) {
    return cutlass::Status::kSuccess;
  }
  template <class Problem>
  static bool can_implement(const Problem&, const Arguments&) {
    return true;
  }

  /** What a thread does first: so the next kernel may start as early as behind the library's other kernels. CUTLASS says
   *  so itself, but only when the last sums of a CTA are made. */
  CUTLASS_DEVICE Output(const Params& operands, SharedStorage&) : t_(operands) { cuda::pdl_launch_dependents(); }

  /** By the 128 threads of the epilogue's warps; `sums` is [128, kPatchM] in tensor memory, given back to `pipeline`. */
  template <bool kReuse = false, class Pipeline, class State, class Problem, class Tile, class Coord, class Sums>
  CUTLASS_DEVICE auto operator()(Pipeline pipeline, State state, Problem problem, Tile, Coord coord, const Sums& sums,
                                 SharedStorage& shared) {
    using namespace cute;
    static_assert(!kReuse, "kernels of mixed input do not ask for it");
    cuda::pdl_wait();
    const Place place(t_, problem, coord);
    load_scales(place, shared);
    const auto sets = flat_divide(sums(make_coord(_, _), _0{}, _0{}), EpilogueTile{});  // [128, 16, 1, sets]
    const auto loader = make_tmem_copy(CopyOpT2R{}, sets(_, _, _0{}, _0{}));
    const auto slice = loader.get_slice(thread());
    const auto source = slice.partition_S(sets);
    Tensor set = make_tensor<float>(shape(slice.partition_D(make_identity_tensor(EpilogueTile{}))));
    // All sets of sums to Y; where K is split to memory, and by the last to come from there to Y. One loop, so that write()
    // is there once.
    CUTLASS_PRAGMA_NO_UNROLL
    for (int i = 0; i < 2 * kSets; ++i) {
      if (i < kSets) {
        copy(loader, source(_, _, _, _0{}, i), set);
        if (i == kSets - 1) {
          cutlass::arch::fence_view_async_tmem_load();
          pipeline.consumer_release(state);
          ++state;
        }
        if (t_.splits > 1) {
          add(place, i, set);
          continue;
        }
      } else {
        if (i == kSets && (t_.splits == 1 || !is_last(place, shared))) break;
        read(place, i - kSets, set);
      }
      write(place, i % kSets, shared.scales, set);
    }
    return make_tuple(state);
  }

 private:
  /** A thread's row of W, and the tile. */
  struct Place {
    int n, m, M, tile;
    bool in;            ///< the row is one of W's
    float alpha, bias;  ///< of the row

    template <class Problem, class Coord>
    CUTLASS_DEVICE Place(const Params& t, const Problem& problem, const Coord& coord)
        : n(cute::get<0>(coord) * kThreads + thread()),
          m(cute::get<1>(coord) * kPatchM),
          M(cute::get<1>(problem)),
          tile(cute::get<0>(coord) * cute::ceil_div(M, kPatchM) + cute::get<1>(coord)),
          in(n < cute::get<0>(problem)),
          alpha(in ? t.alpha[n] : 0.0f),
          bias(in && t.bias != nullptr ? t.bias[n] : 0.0f) {}
  };

  CUTLASS_DEVICE static int thread() { return static_cast<int>(threadIdx.x) % kThreads; }
  /** A barrier of the epilogue's warps. */
  CUTLASS_DEVICE static void meet() {
    cutlass::arch::NamedBarrier::sync(kThreads, cutlass::arch::ReservedNamedBarriers::EpilogueBarrier);
  }

  CUTLASS_DEVICE void load_scales(const Place& place, SharedStorage& shared) const {
    const int m = place.m + thread();
    meet();  // everyone has left those of the tile before
    if (thread() < kPatchM) shared.scales[thread()] = t_.s != nullptr && m < place.M ? t_.s[m] : 1.0f;
    meet();
  }

  CUTLASS_DEVICE float* sum_of(const Place& place, int set) const {
    return t_.sums + (int64_t{place.tile} * kPatchM + set * kColumns) * kThreads + thread();
  }

  /** Sums of int8 times -1, 0, +1 are whole numbers below 2^24: fp32 adds them exactly, in any order. */
  template <class Set>
  CUTLASS_DEVICE void add(const Place& place, int i, const Set& set) const {
    float* sum = sum_of(place, i);
    CUTLASS_PRAGMA_UNROLL
    for (int j = 0; j < kColumns; ++j) atomicAdd(sum + j * kThreads, set(j));
  }

  template <class Set>
  CUTLASS_DEVICE void read(const Place& place, int i, Set& set) const {
    const float* sum = sum_of(place, i);
    CUTLASS_PRAGMA_UNROLL
    for (int j = 0; j < kColumns; ++j) set(j) = __ldcg(sum + j * kThreads);
  }

  /** As last_to_come() (cluster.cuh), among the epilogue's warps: the sums of all parts are there then. */
  CUTLASS_DEVICE bool is_last(const Place& place, SharedStorage& shared) const {
    meet();
    if (thread() == 0) {
      __threadfence();
      shared.last = atomicAdd(t_.tickets + place.tile, 1) == t_.splits - 1;
      __threadfence();
    }
    meet();
    return shared.last != 0;
  }

  template <class Set>
  CUTLASS_DEVICE void write(const Place& place, int i, const float* scales, const Set& set) const {
    switch (t_.y_dtype) {
      case TERNARY_F32: return write_as<TERNARY_F32>(place, i, scales, set);
      case TERNARY_F16: return write_as<TERNARY_F16>(place, i, scales, set);
      default: write_as<TERNARY_BF16>(place, i, scales, set);
    }
  }

  template <ternary_dtype kType, class Set>
  CUTLASS_DEVICE void write_as(const Place& place, int i, const float* scales, const Set& set) const {
    const int m = place.m + i * kColumns;
    char* y = static_cast<char*>(t_.y) + (m * t_.ldy + place.n) * cuda::element_bytes(kType);
    CUTLASS_PRAGMA_UNROLL
    for (int j = 0; j < kColumns; ++j, y += t_.ldy * cuda::element_bytes(kType)) {
      const float c = __fmul_rn(scales[i * kColumns + j], place.alpha);  // alpha where X is A16
      // The codes are those of 2 * w. A sum of zeros may be -0 in tensor memory; an integer's is +0.
      const float sum = __fmaf_rn(set(j), kHalf, 0.0f);
      const float value = cuda::a16_output(sum, c, t_.bias != nullptr, place.bias);
      if (place.in && m + j < place.M) cuda::store_element(y, kType, 0, value);
    }
  }

  const Params& t_;
};

}  // namespace ternary::cutlass_gemm

#endif  // TERNARY_CUTLASS_GEMM_OUTPUT_CUH_
