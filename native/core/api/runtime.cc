/** The functions of the C interface that belong to a runtime. */
#include <memory>

#include "core/base/argument.h"
#include "core/base/failure.h"
#include "core/base/json.h"
#include "core/base/process.h"
#include "core/cuda/calls/accelerator.h"
#include "core/runtime/info.h"
#include "core/runtime/last_path.h"
#include "core/runtime/report.h"

using namespace ternary;

const char* ternary_version(void) { return TERNARY_VERSION; }

ternary_status ternary_runtime_create(const char* settings, ternary_runtime** runtime) {
  return guarded([&] {
    check_pointer("runtime", runtime, alignof(ternary_runtime*));
    auto made = std::make_unique<ternary_runtime>(settings, find_cuda_accelerator);
    join_report(made.get());
    *runtime = made.release();
  });
}

void ternary_runtime_destroy(ternary_runtime* runtime) {
  if (runtime == nullptr) return;
  if (runtime->fork_count != forks()) runtime->abandon_threads();
  leave_report(runtime);
  delete runtime;
}

ternary_status ternary_runtime_info(const ternary_runtime* runtime, char* json, size_t capacity, size_t* length) {
  return guarded([&] {
    check_pointer("runtime", runtime, alignof(ternary_runtime));
    copy_json(info_json(*runtime, TERNARY_VERSION), json, capacity, length);
  });
}

ternary_status ternary_runtime_counters(const ternary_runtime* runtime, char* json, size_t capacity, size_t* length) {
  return guarded([&] {
    check_pointer("runtime", runtime, alignof(ternary_runtime));
    copy_json(counters_json(*runtime), json, capacity, length);
  });
}

ternary_status ternary_runtime_plans(const ternary_runtime* runtime, char* json, size_t capacity, size_t* length) {
  return guarded([&] {
    check_pointer("runtime", runtime, alignof(ternary_runtime));
    copy_json(plans_json(*runtime), json, capacity, length);
  });
}

ternary_status ternary_runtime_reset_counters(ternary_runtime* runtime) {
  return guarded([&] {
    check_pointer("runtime", runtime, alignof(ternary_runtime));
    runtime->counters.reset();
  });
}

const uint64_t* ternary_runtime_notices(const ternary_runtime* runtime) {
  return runtime == nullptr ? nullptr : runtime->notices.count();
}

const char* ternary_last_path(const ternary_runtime* runtime) { return runtime == nullptr ? "" : last_path(*runtime); }

ternary_status ternary_measure_limit(ternary_runtime* runtime, ternary_limit limit, int64_t threads, int64_t bytes,
                                     int64_t nanoseconds, ternary_limit_measurement* result) {
  return guarded([&] {
    check_runtime(runtime);
    check_limit(limit, threads, runtime->pool.threads(), bytes, nanoseconds);
    check_pointer("result", result, alignof(ternary_limit_measurement));
    const LimitQuestion question = {limit, static_cast<int>(threads), bytes};
    *result = runtime->limits.measure(runtime->pool, runtime->limit_loops, question, nanoseconds);
  });
}

ternary_status ternary_write_report(const char* path) {
  return guarded([&] {
    check_pointer("path", path, 1);
    write_report(path);
  });
}
