/**
 * @file rows.h
 * @brief Runs kernels that go row by row, on the threads of a runtime.
 */
#ifndef TERNARY_CORE_RUNTIME_ROWS_H_
#define TERNARY_CORE_RUNTIME_ROWS_H_

#include <algorithm>

#include "core/runtime/runtime.h"

namespace ternary {

template <typename Task>
struct RowsWork {
  void (*function)(const Task& task, int64_t m_begin, int64_t m_end, float* scratch);
  const Task& task;
  int64_t M, rows;  // rows a chunk
  float* scratch;
  int64_t floats;  // of a thread's scratch

  static void run_chunk(void* context, int64_t chunk, int thread) {
    const auto& work = *static_cast<const RowsWork*>(context);
    const int64_t begin = chunk * work.rows;
    work.function(work.task, begin, std::min(begin + work.rows, work.M), work.scratch + thread * work.floats);
  }
};

/** All M rows of the task by a kernel's function; `scratch` holds activation_scratch(columns) floats for each thread. */
template <typename Task>
void run_rows(ternary_runtime& runtime, const RowShare& share,
              void (*function)(const Task& task, int64_t m_begin, int64_t m_end, float* scratch), const Task& task,
              int64_t M, int64_t columns, float* scratch) {
  if (share.threads == 1) return function(task, 0, M, scratch);
  RowsWork<Task> work{function, task, M, share.rows, scratch, activation_scratch(columns)};
  runtime.pool.run(ceil_div(M, share.rows), static_cast<int>(share.threads), RowsWork<Task>::run_chunk, &work);
}

}  // namespace ternary

#endif  // TERNARY_CORE_RUNTIME_ROWS_H_
