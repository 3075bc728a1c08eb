#include "abi/kernel.h"
#include "cpu/cpu_features.h"
#include "cpu/kernels.h"

namespace ternary::cpu {
namespace {

constexpr int64_t kAnyK =
    (int64_t{1} << 24) - 1;  // every kernel folds its partial sums, so none has a limit of its own

constexpr Kernel kKernels[] = {
#define ROWS(name, stage, isa, function)                                                                               \
  {name,    #function, Stage::stage, Isa::isa, TERNARY_LAYOUT_I2S_TILED, Role::any, 32, kAnyK, 1, 1, RowsFn(function), \
   nullptr, nullptr,   nullptr,      nullptr},
#define GEMM(name, stage, isa, layout, function, role, group_multiple, m_multiple, n_multiple) \
  {name,                                                                                       \
   #function,                                                                                  \
   Stage::stage,                                                                               \
   Isa::isa,                                                                                   \
   TERNARY_LAYOUT_##layout,                                                                    \
   Role::role,                                                                                 \
   group_multiple,                                                                             \
   kAnyK,                                                                                      \
   m_multiple,                                                                                 \
   n_multiple,                                                                                 \
   {},                                                                                         \
   function,                                                                                   \
   function##_scratch,                                                                         \
   function##_table_bytes,                                                                     \
   function##_tables},
#include "cpu/kernels.inc"
};

constexpr LimitLoop kLimitLoops[] = {
#define LIMIT(kind, isa, function, step) {#function, Isa::isa, TERNARY_LIMIT_##kind, step, function},
#include "cpu/limits.inc"
#undef LIMIT
};

constexpr Backend kBackend = {"cpu",
                              kKernels,
                              sizeof kKernels / sizeof kKernels[0],
                              kLimitLoops,
                              sizeof kLimitLoops / sizeof kLimitLoops[0],
                              isa_missing,
                              device_name,
                              device_id};

}  // namespace
}  // namespace ternary::cpu

namespace ternary {

extern "C" TERNARY_API const Backend* ternary_backend(int32_t abi) {
  return abi == kBackendAbi ? &cpu::kBackend : nullptr;
}

}  // namespace ternary
