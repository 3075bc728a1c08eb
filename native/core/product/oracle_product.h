/**
 * @file oracle_product.h
 * @brief Whole calls by the oracle.
 */
#ifndef TERNARY_CORE_PRODUCT_ORACLE_PRODUCT_H_
#define TERNARY_CORE_PRODUCT_ORACLE_PRODUCT_H_

#include "core/product/product.h"

namespace ternary::oracle {

/** The product of checked operands, on the calling thread. */
void apply(const Product& product);

}  // namespace ternary::oracle

#endif  // TERNARY_CORE_PRODUCT_ORACLE_PRODUCT_H_
