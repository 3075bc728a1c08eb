#include "core/recheck/apply.h"

#include "core/moe/dispatch.h"
#include "core/recheck/kinds.h"
#include "core/recheck/moe_sample.h"
#include "core/recheck/product_sample.h"
#include "core/recheck/quantise_sample.h"
#include "core/recheck/shadow.h"
#include "core/runtime/dispatch.h"
#include "core/runtime/row_ops.h"

namespace ternary {
namespace {

void run(ternary_runtime& runtime, const Product& product) {
  if (Accelerator* device = runtime.accelerator()) return device->run(runtime, product);
  run_product(runtime, product);
}

void run(ternary_runtime& runtime, const ternary_quantise_operands& operands) {
  if (Accelerator* device = runtime.accelerator()) return device->quantise(runtime, operands);
  run_quantise(runtime, operands);
}

void run(ternary_runtime& runtime, const ternary_moe& moe, const ternary_moe_operands& operands) {
  if (Accelerator* device = runtime.accelerator()) return device->moe(runtime, moe, operands);
  run_moe(runtime, moe, operands);
}

/** Sums of A16 on a GPU have an order of their own, and nothing bounds what gates make of that. */
bool has_bits(const ternary_runtime& runtime, const ternary_moe& moe) {
  return moe.activation == TERNARY_A8 || runtime.accelerator() == nullptr;
}

void run_validated(ternary_runtime& runtime, const Product& product) {
  if (runtime.validation == nullptr) return run(runtime, product);
  validate(
      runtime, kind_of_call(product), {product.M(), product.weights().N, product.weights().K},
      [&] { run(runtime, product); }, [&] { return ProductSample(runtime, product); });
}

void run_validated(ternary_runtime& runtime, const ternary_moe& moe, const ternary_moe_operands& operands) {
  if (runtime.validation == nullptr || !has_bits(runtime, moe)) return run(runtime, moe, operands);
  validate(
      runtime, kind_of_call(runtime, moe, operands), {operands.M, moe.y_columns(operands.T), moe.H()},
      [&] { run(runtime, moe, operands); }, [&] { return MoeSample(runtime, moe, operands); });
}

/** By what the shadow's setting names. */
struct Reference {
  const ternary_runtime& runtime;

  void operator()(const Product& product) const {
    if (runtime.reference != nullptr) return run(*runtime.reference, product);
    oracle_of(product);
  }
  void operator()(const ternary_moe& moe, const ternary_moe_operands& operands) const {
    if (runtime.reference != nullptr) return run(*runtime.reference, moe, operands);
    oracle_of(moe, operands);
  }
};

}  // namespace

void apply(ternary_runtime& runtime, const Product& product) {
  if (!runtime.watched) return run(runtime, product);
  if (runtime.shadow == nullptr || !runtime.shadow->draw()) return run_validated(runtime, product);
  ShadowOfProduct shadow(runtime, product);
  run_validated(runtime, product);
  shadow.compare(Reference{runtime});
}

void apply_quantise(ternary_runtime& runtime, const ternary_quantise_operands& operands) {
  if (runtime.validation == nullptr) return run(runtime, operands);
  validate(
      runtime, kind_of_call(operands), {operands.M, operands.K, operands.K}, [&] { run(runtime, operands); },
      [&] { return QuantiseSample(operands); });
}

void apply_moe(ternary_runtime& runtime, const ternary_moe& moe, const ternary_moe_operands& operands) {
  if (!runtime.watched) return run(runtime, moe, operands);
  const bool drawn = runtime.shadow != nullptr && runtime.shadow->draw();
  const bool bits = has_bits(runtime, moe) && (runtime.reference == nullptr || has_bits(*runtime.reference, moe));
  if (!drawn || !bits) return run_validated(runtime, moe, operands);
  ShadowOfMoe shadow(runtime, moe, operands);
  run_validated(runtime, moe, operands);
  shadow.compare(Reference{runtime});
}

}  // namespace ternary
