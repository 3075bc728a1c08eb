/**
 * @file shadow.h
 * @brief TERNARY_SHADOW: a call that was drawn is computed again by a reference, and what differs is written down.
 *
 * Nothing of it reaches the caller: a reference that fails, memory that is not there and a file that cannot be written are
 * counted, and said once by the runtime's notices.
 */
#ifndef TERNARY_CORE_RECHECK_SHADOW_H_
#define TERNARY_CORE_RECHECK_SHADOW_H_

#include <exception>
#include <memory>

#include "core/experts/moe.h"
#include "core/recheck/product_inputs.h"
#include "core/runtime/last_path.h"
#include "core/runtime/runtime.h"

namespace ternary {

/** Whole calls by the oracle. */
void oracle_of(const Product& product);
void oracle_of(const ternary_moe& moe, const ternary_moe_operands& operands);

/** Runs the body; what it throws is counted and told. */
template <typename Body>
void shadowed(ternary_runtime& runtime, Body body) noexcept {
  try {
    body();
  } catch (const std::bad_alloc&) {
    runtime.shadow->count_failed();
    runtime.notices.shadow_failed("memory for computing a call again could not be allocated");
  } catch (const std::exception& exception) {
    runtime.shadow->count_failed();
    runtime.notices.shadow_failed(exception.what());
  }
}

/** Made before the call, since a call may overwrite the residual; compares behind it. */
class ShadowOfProduct {
 public:
  ShadowOfProduct(ternary_runtime& runtime, const Product& product) noexcept;

  /** `reference(product)` computes again. */
  template <typename Reference>
  void compare(const Reference& reference) noexcept {
    if (overwritten_ == nullptr) return;
    shadowed(runtime_, [&] {
      Bytes y, residual_out;
      const ternary_operands operands = prepare(y, residual_out);
      const Product again = {product_.layer, operands};
      {
        const KeptLastPath path;
        reference(again);
      }
      judge(again);
    });
  }

 private:
  ternary_operands prepare(Bytes& y, Bytes& residual_out) const;
  void judge(const Product& again) const;

  ternary_runtime& runtime_;
  const Product& product_;
  std::unique_ptr<KeptMatrix> overwritten_;  ///< null: it could not be copied
};

/** The same of a layer of experts. */
class ShadowOfMoe {
 public:
  ShadowOfMoe(ternary_runtime& runtime, const ternary_moe& moe, const ternary_moe_operands& operands) noexcept;

  /** `reference(moe, operands)` computes again. */
  template <typename Reference>
  void compare(const Reference& reference) noexcept {
    if (overwritten_ == nullptr) return;
    shadowed(runtime_, [&] {
      Bytes y, residual_out;
      const ternary_moe_operands again = prepare(y, residual_out);
      {
        const KeptLastPath path;
        reference(moe_, again);
      }
      judge(again);
    });
  }

 private:
  ternary_moe_operands prepare(Bytes& y, Bytes& residual_out) const;
  void judge(const ternary_moe_operands& again) const;

  ternary_runtime& runtime_;
  const ternary_moe& moe_;
  const ternary_moe_operands& operands_;
  std::unique_ptr<KeptMatrix> overwritten_;  ///< null: it could not be copied
};

}  // namespace ternary

#endif  // TERNARY_CORE_RECHECK_SHADOW_H_
