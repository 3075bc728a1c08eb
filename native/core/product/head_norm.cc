#include "core/product/head_norm.h"

#include <cinttypes>
#include <string>

#include "abi/dtype.h"
#include "core/base/argument.h"
#include "core/base/failure.h"
#include "core/base/sized.h"
#include "core/product/product.h"
#include "core/product/ranges.h"
#include "core/weights/layout.h"

namespace ternary {
namespace {

static_assert(sizeof(ternary_qk_norm_operands) >= kFirstQkNormBytes, "operands only grow");

/** The names of a side's fields, for sentences. */
struct HeadNames {
  const char *data, *ld, *count, *weight, *eps, *dtype;
};
constexpr HeadNames kNamesOfQ = {"q.data", "q.ld", "q.count", "q.weight", "q.eps", "q.dtype"};
constexpr HeadNames kNamesOfK = {"k.data", "k.ld", "k.count", "k.weight", "k.eps", "k.dtype"};

void check_absent(const HeadNames& names, const ternary_heads& heads) {
  const auto refuse = [&](const char* name, const std::string& value) {
    fail(TERNARY_INVALID_ARGUMENT, "%s is %s and %s is null; it must be 0 then", name, value.c_str(), names.data);
  };
  if (heads.ld != 0) refuse(names.ld, std::to_string(heads.ld));
  if (heads.count != 0) refuse(names.count, std::to_string(heads.count));
  if (heads.weight != nullptr) refuse(names.weight, "given");
  if (heads.eps != 0) refuse(names.eps, std::to_string(heads.eps));
  if (heads.dtype != 0) refuse(names.dtype, std::to_string(heads.dtype));
}

void check_heads(const HeadNames& names, const ternary_heads& heads, int64_t M, int64_t head_dim) {
  if (heads.data == nullptr) return check_absent(names, heads);
  const int64_t most = kMaxM / head_dim;
  if (heads.count < 1 || heads.count > most) {
    fail(TERNARY_INVALID_ARGUMENT, "%s is %" PRId64 "; it must be 1 to %" PRId64 " with a head_dim of %" PRId64,
         names.count, heads.count, most, head_dim);
  }
  check_float_dtype(names.dtype, heads.dtype);
  check_matrix(names.data, names.ld, heads.data, heads.dtype, M, heads.count * head_dim, heads.ld);
  check_pointer(names.weight, heads.weight, alignof(float));
  check_eps(names.eps, heads.eps);
}

/** Of Q and K in columns of one matrix the rows take turns: as ranges they overlap, but no element is in both. */
bool take_turns(const ternary_heads& q, const ternary_heads& k, int64_t head_dim) {
  const int64_t pitch = q.ld * dtype_bytes(q.dtype);
  if (pitch != k.ld * dtype_bytes(k.dtype)) return false;
  const auto address = [](const ternary_heads& heads) { return reinterpret_cast<uintptr_t>(heads.data); };
  const int64_t from_q = static_cast<int64_t>(address(k) - address(q)) % pitch;
  const int64_t apart = from_q < 0 ? from_q + pitch : from_q;
  return apart >= q.count * head_dim * dtype_bytes(q.dtype) &&
         apart + k.count * head_dim * dtype_bytes(k.dtype) <= pitch;
}

Range range_of(const HeadNames& names, const ternary_heads& heads, int64_t M, int64_t head_dim) {
  if (heads.data == nullptr) return {names.data, nullptr, 0};
  return matrix_range(names.data, heads.data, heads.dtype, M, heads.count * head_dim, heads.ld);
}

}  // namespace

const ternary_qk_norm_operands& check_qk_norm(const ternary_qk_norm_operands* given, ternary_qk_norm_operands& room) {
  const ternary_qk_norm_operands& o = sized("operands", given, room, kFirstQkNormBytes);
  check_rows(o.M);
  if (o.head_dim < 1 || o.head_dim > kMaxK) {
    fail(TERNARY_INVALID_ARGUMENT, "head_dim is %" PRId64 "; it must be 1 to %" PRId64, o.head_dim, kMaxK);
  }
  if (o.q.data == nullptr && o.k.data == nullptr) {
    fail(TERNARY_INVALID_ARGUMENT, "q.data and k.data are null; one of them must be given");
  }
  check_heads(kNamesOfQ, o.q, o.M, o.head_dim);
  check_heads(kNamesOfK, o.k, o.M, o.head_dim);

  const Range q = range_of(kNamesOfQ, o.q, o.M, o.head_dim), k = range_of(kNamesOfK, o.k, o.M, o.head_dim);
  const Range weights[] = {vector_range(kNamesOfQ.weight, o.q.weight, o.head_dim),
                           vector_range(kNamesOfK.weight, o.k.weight, o.head_dim)};
  const bool both = o.q.data != nullptr && o.k.data != nullptr;
  if (both && !take_turns(o.q, o.k, o.head_dim)) check_apart(q, &k, 1);
  check_apart(q, weights, 2);
  check_apart(k, weights, 2);
  return o;
}

HeadNormTask head_norm_task(const ternary_heads& heads, int64_t head_dim) {
  HeadNormTask task = {};
  task.data = heads.data;
  task.dtype = heads.dtype;
  task.ld = heads.ld;
  task.heads = heads.count;
  task.head_dim = head_dim;
  task.weight = heads.weight;
  task.eps = heads.eps;
  return task;
}

}  // namespace ternary
