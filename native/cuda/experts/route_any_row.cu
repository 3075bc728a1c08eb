// Experts of a row, by one warp: scores of all experts in shared memory, the largest by reductions of the warp. A lane has
// the experts e mod 32, which are the contract's partials of the softmax too.
#include "abi/elementary.h"
#include "cuda/device/halving_sum.cuh"
#include "cuda/device/pdl.cuh"
#include "cuda/device/scalar.cuh"
#include "cuda/device/variant.h"
#include "cuda/kernels.h"

namespace ternary::cuda {
namespace {

constexpr unsigned kAll = ~0u;
/** Below every score's key: an expert that may not be chosen (again). */
constexpr int32_t kExcluded = INT32_MIN;

constexpr uint32_t kMinusInfinity = kInfinityPattern | 0x80000000u;

/** A float as an integer of the same order; 0 and -0 are equal. */
__device__ __forceinline__ int32_t key_of(float value) {
  const int32_t bits = __float_as_int(__fadd_rn(value, 0.0f));
  return bits ^ ((bits >> 31) & 0x7fffffff);
}
__device__ __forceinline__ float value_of(int32_t key) { return __int_as_float(key ^ ((key >> 31) & 0x7fffffff)); }

__device__ __forceinline__ bool is_nan(float value) { return abs_bits(value) > kInfinityPattern; }

/** The largest of the lanes' values that are no NaN. */
__device__ __forceinline__ float warp_max(float value) {
#pragma unroll
  for (int half = 16; half >= 1; half /= 2) value = fmaxf(value, __shfl_xor_sync(kAll, value, half));
  return value;
}

/** Keys of which the largest is taken again and again. Each lane knows the largest of its own. */
class Keys {
 public:
  __device__ Keys(int32_t* keys, int count) : keys_(keys), count_(count), lane_(static_cast<int>(threadIdx.x)) {
    find_own();
  }

  /** The place of the largest, at a tie the lowest; it is excluded from then on. */
  __device__ int take() {
    const int32_t largest = __reduce_max_sync(kAll, key_);
    const int place = __reduce_min_sync(kAll, key_ == largest ? place_ : INT32_MAX);
    if (place == place_) {
      keys_[place] = kExcluded;
      find_own();
    }
    return place;
  }

 private:
  __device__ void find_own() {
    key_ = kExcluded;
    place_ = lane_;
    for (int i = lane_; i < count_; i += 32) {
      if (keys_[i] <= key_) continue;
      key_ = keys_[i];
      place_ = i;
    }
    if (place_ >= count_) place_ = INT32_MAX;
  }

  int32_t* keys_;
  int count_, lane_, place_;
  int32_t key_;
};

struct Row {
  const RouteTask& t;
  int64_t m;
  int E, lane;
  float* scores;        ///< [E]: what weights are made of
  int32_t* keys;        ///< [E]: of choice scores
  int32_t* group_keys;  ///< [groups]

  __device__ void set_scores() const {
    for (int e = lane; e < E; e += 32) scores[e] = load_element(t.logits, t.logits_dtype, m * t.ld_logits + e);
    if (t.method == TERNARY_SIGMOID_TOPK) {
      for (int e = lane; e < E; e += 32) scores[e] = elementary::sigmoid<Scalar>(scores[e]);
    }
    if (t.method != TERNARY_SOFTMAX_TOPK) return;
    // A NaN makes the row one of NaN, whatever the largest is then.
    float largest = __uint_as_float(kMinusInfinity), part = 0.0f;
    for (int e = lane; e < E; e += 32) largest = fmaxf(largest, scores[e]);
    largest = warp_max(largest);
    for (int e = lane; e < E; e += 32) {
      scores[e] = elementary::exp<Scalar>(__fsub_rn(scores[e], largest));
      part = __fadd_rn(part, scores[e]);
    }
    const float sum = halving_sum_for_all(part);
    for (int e = lane; e < E; e += 32) scores[e] = __fdiv_rn(scores[e], sum);
  }

  /** False if a choice score is NaN. */
  __device__ bool set_keys() const {
    bool nan = false;
    for (int e = lane; e < E; e += 32) {
      float choice = scores[e];
      if (t.correction_bias != nullptr) choice = __fadd_rn(choice, t.correction_bias[e]);
      nan |= is_nan(choice);
      keys[e] = key_of(choice);
    }
    __syncwarp();
    return !__any_sync(kAll, nan);
  }

  /** Of `count` experts from `first` on, by the keys of their choice scores. */
  __device__ float group_score(int first, int count) const {
    int32_t best = kExcluded, second = kExcluded;
    for (int e = first; e < first + count; ++e) {
      const int32_t key = keys[e];
      second = key > best ? best : max(second, key);
      best = max(best, key);
    }
    if (t.group_score == TERNARY_GROUP_MAX || count == 1) return value_of(best);
    return __fadd_rn(value_of(best), value_of(second));
  }

  /** Leaves the experts of the best groups; false if a group's score is NaN. */
  __device__ bool exclude_groups() const {
    const int groups = static_cast<int>(t.groups), size = E / groups;
    bool nan = false;
    for (int g = lane; g < groups; g += 32) {
      const float score = group_score(g * size, size);
      nan |= is_nan(score);
      group_keys[g] = key_of(score);
    }
    if (__any_sync(kAll, nan)) return false;
    __syncwarp();
    Keys best(group_keys, groups);
    for (int i = 0; i < t.topk_groups; ++i) best.take();
    __syncwarp();
    for (int e = lane; e < E; e += 32) {
      if (group_keys[e / size] != kExcluded) keys[e] = kExcluded;  // the best were excluded when they were taken
    }
    __syncwarp();
    return true;
  }

  __device__ void store(int slot, int id, float weight) const {
    t.ids[m * t.ld_ids + slot] = id;
    store_element(t.weights, t.weights_dtype, m * t.ld_weights + slot, weight);
  }

  __device__ void store_nan() const {
    for (int slot = lane; slot < t.k; slot += 32) store(slot, slot, __uint_as_float(kNanPattern));
  }

  /** Lane i has slots i and 32 + i. */
  __device__ void store_chosen() const {
    const int k = static_cast<int>(t.k);
    int id[2] = {};
    Keys best(keys, E);
    for (int slot = 0; slot < k; ++slot) {
      const int taken = best.take();
      if (lane == (slot & 31)) (slot < 32 ? id[0] : id[1]) = taken;
    }
    const bool has[2] = {lane < k, lane + 32 < k};
    float weight[2] = {has[0] ? scores[id[0]] : 0.0f, has[1] ? scores[id[1]] : 0.0f};
    if (t.method == TERNARY_TOPK_SOFTMAX) {
      const float largest = warp_max(has[1]   ? fmaxf(weight[0], weight[1])
                                     : has[0] ? weight[0]
                                              : __uint_as_float(kMinusInfinity));
      float part = 0.0f;
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        if (!has[i]) continue;
        weight[i] = elementary::exp<Scalar>(__fsub_rn(weight[i], largest));
        part = __fadd_rn(part, weight[i]);
      }
      const float sum = halving_sum_for_all(part);
#pragma unroll
      for (int i = 0; i < 2; ++i) weight[i] = __fdiv_rn(weight[i], sum);
    }
    if (t.renormalise) {
      float sum = __shfl_sync(kAll, weight[0], 0);
      for (int slot = 1; slot < k; ++slot) {
        sum = __fadd_rn(sum, __shfl_sync(kAll, slot < 32 ? weight[0] : weight[1], slot & 31));
      }
      const float divisor = __fadd_rn(sum, t.renormalise_eps);
#pragma unroll
      for (int i = 0; i < 2; ++i) weight[i] = __fdiv_rn(weight[i], divisor);
    }
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      if (has[i]) store(lane + 32 * i, id[i], __fmul_rn(weight[i], t.scaling));
    }
  }
};

__global__ void __launch_bounds__(32) route_any_row_kernel(const CudaRouteTask t) {
  extern __shared__ float memory[];
  pdl_launch_dependents();
  pdl_wait();
  const int E = static_cast<int>(t.rows.E);
  int32_t* keys = reinterpret_cast<int32_t*>(memory + E);
  const Row row = {t.rows, blockIdx.x, E, static_cast<int>(threadIdx.x), memory, keys, keys + E};
  row.set_scores();
  if (!row.set_keys() || (t.rows.groups > 0 && !row.exclude_groups())) return row.store_nan();
  row.store_chosen();
}

}  // namespace

TERNARY_CUDA_VARIANT(route_any_row, any, route_any_row_kernel)

int route_any_row(const CudaRouteTask& task, const CudaLaunch& how) {
  const int64_t bytes = 4 * (2 * task.rows.E + task.rows.groups);
  return launch<route_any_row_kernel>(how, dim3(static_cast<unsigned>(task.M)), dim3(32), bytes, 1, task);
}

}  // namespace ternary::cuda
