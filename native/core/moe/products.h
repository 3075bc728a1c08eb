/**
 * @file products.h
 * @brief Products of all experts that have rows, as one job: any routing is shared by all threads.
 */
#ifndef TERNARY_CORE_MOE_PRODUCTS_H_
#define TERNARY_CORE_MOE_PRODUCTS_H_

#include "core/runtime/planning.h"

namespace ternary {

/** The product of an expert's rows with its weights, or with some rows of them. */
struct ExpertProduct {
  int64_t expert, place, rows;  ///< its rows are those of places place ... place + rows - 1
  int64_t x_row, x_step;        ///< where they lie, see set_inputs()
  bool x_of_row;                ///< among the rows of X, not by place
  int64_t part;                 ///< of gate and up, where each has its x'
  const Kernel* kernel;
  GemmShare share;
  int64_t n_begin, n_end;  ///< rows of W: share is of n_end - n_begin
  int64_t first_chunk;
};

/** The kernels of the products with one matrix of experts. An expert's is chosen by its rows, as a layer's by M. */
class ExpertKernels {
 public:
  ExpertKernels(const ternary_runtime& runtime, const ProductKind& kind);

  /** Null: none may serve. */
  const Kernel* for_rows(int64_t rows);
  /** Counts the refusals of those that were asked for; throws if one of them was null. */
  void count_choices(ternary_runtime& runtime, Op op) const;
  /** Counts those that were asked for. */
  void count_paths(ternary_runtime& runtime, Op op, int64_t block) const;

 private:
  bool first_of_its_kernel(int kind) const;

  /** Choices differ where rows reach a threshold of the tuning. */
  static constexpr int kKinds = 4;
  int kind_of_rows(int64_t rows) const { return (rows >= gemm_min_m_) + 2 * (rows >= tile_gemm_min_m_); }

  const int64_t gemm_min_m_, tile_gemm_min_m_;
  const ternary_runtime& runtime_;
  const ProductKind kind_;
  Choice choices_[kKinds];
  bool used_[kKinds] = {};
};

/** Sets share and first_chunk of all products, whose rows of W are N of K columns; returns the chunks of all. */
int64_t cut_products(const ternary_runtime& runtime, ExpertProduct* products, int64_t count, int64_t K,
                     int64_t& threads);

/** The product that a chunk belongs to. */
const ExpertProduct& product_of(const ExpertProduct* products, int64_t count, int64_t chunk);

/** Computes a chunk of a product by a task that is set up for it. */
void run_chunk(const ExpertProduct& product, const GemmTask& task, int64_t chunk, void* scratch);

}  // namespace ternary

#endif  // TERNARY_CORE_MOE_PRODUCTS_H_
