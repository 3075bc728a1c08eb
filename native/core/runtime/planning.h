/**
 * @file planning.h
 * @brief Makes the plans of a runtime's products on the CPU, and keeps them.
 */
#ifndef TERNARY_CORE_RUNTIME_PLANNING_H_
#define TERNARY_CORE_RUNTIME_PLANNING_H_

#include "core/product/product.h"
#include "core/runtime/runtime.h"

namespace ternary {

/** What a kernel of a product is chosen by, beside its rows. */
struct ProductKind {
  Stage stage;
  ternary_layout layout;
  int64_t K, unit;
};
ProductKind kind_of(const ternary_weights& weights, ternary_activation activation, int64_t block);

/** The first kernel that accepts: those meant for M rows in the table's order, then the others. */
Choice choose_kernel(const ternary_runtime& runtime, const ProductKind& kind, int64_t M);

/** Counts the refusals of a choice; throws if nothing may serve. */
void count_choice(ternary_runtime& runtime, Op op, const Choice& choice);

/** The same of the rows that would have made rows of X ready, had they not been switched off. */
void count_activations_off(ternary_runtime& runtime, Op op);

/** Threads that a stage is worth. */
int threads_for(const ternary_runtime& runtime, int64_t work, int64_t work_per_thread);

/** About as many chunks of Y as are wanted, for `threads` threads. */
GemmShare cut_product(const Kernel& kernel, int64_t M, int64_t N, int64_t chunks, int64_t threads);

/** How M rows of K columns are made ready. */
RowShare share_rows(const ternary_runtime& runtime, int64_t M, int64_t K);

/** How a product is counted, and whether its norm runs before, in a pass of its own. */
struct Passes {
  Op op;
  bool two;
};
Passes passes_of(const ternary_runtime& runtime, const Product& product);

/** What a key of the kept plans says of its product. */
struct PlannedProduct {
  int64_t M, N, K, group, block;
  bool norm;
  ternary_layout layout;
  ternary_activation activation;
};
PlannedProduct product_of(const PlanKey& key);

/** Whether calls still look for it: not once a row was switched off after it was made. */
bool is_current(const ternary_runtime& runtime, const PlanKey& key);

/** The product's plan, kept from an earlier call or made now. Its refusals are counted; throws if nothing may serve. */
Plan plan_for(ternary_runtime& runtime, const Product& product, const Passes& passes);

}  // namespace ternary

#endif  // TERNARY_CORE_RUNTIME_PLANNING_H_
