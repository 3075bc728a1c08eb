/**
 * @file tables.h
 * @brief The tables of cuda_bench. Each writes a row as soon as it is measured.
 */
#ifndef TERNARY_BENCH_TABLES_H_
#define TERNARY_BENCH_TABLES_H_

#include "bench/device_product.h"
#include "bench/options.h"

namespace ternary::bench {

/** Products beside the cost model and cuBLASLt, M by M: so the first M of the list are there for all shapes. */
void products_table(const Machine& machine, const Options& options, Deadline& deadline);

/** A chain of products with programmatic launch and without. */
void pdl_table(const Machine& machine, const Options& options, Deadline& deadline);

/** What a call and a replay of a graph cost besides the products. */
void host_table(const Machine& machine, const Options& options, Deadline& deadline);

/** Layers of experts: one after the other and in a graph, with programmatic launch and without. */
void experts_table(const Machine& machine, const Options& options, Deadline& deadline);

}  // namespace ternary::bench

#endif  // TERNARY_BENCH_TABLES_H_
