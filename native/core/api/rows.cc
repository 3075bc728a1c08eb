/** The functions of the C interface that go row by row and have no weights. */
#include "core/api/device_of.h"
#include "core/base/failure.h"
#include "core/base/float_environment.h"
#include "core/product/head_norm.h"
#include "core/product/oracle.h"
#include "core/product/product.h"
#include "core/product/rotate.h"
#include "core/product/rotation.h"
#include "core/recheck/apply.h"
#include "core/runtime/row_ops.h"

using namespace ternary;

namespace {

/** The checks of operands in host memory, where signs can be read. */
const ternary_quantise_operands& check_on_host(const ternary_quantise_operands* given,
                                               ternary_quantise_operands& room) {
  const ternary_quantise_operands& known = check_quantise(given, room);
  check_signs("rotation_signs", known.rotation_signs, known.K);
  return known;
}

const ternary_rotate_operands& check_on_host(const ternary_rotate_operands* given, ternary_rotate_operands& room) {
  const ternary_rotate_operands& known = check_rotate(given, room);
  check_signs("signs", known.signs, known.K);
  return known;
}

}  // namespace

ternary_status ternary_quantise(ternary_runtime* runtime, const ternary_quantise_operands* operands) {
  return guarded([&] {
    check_runtime(runtime);
    ternary_quantise_operands room;
    const ternary_quantise_operands& known = check_on_host(operands, room);
    apply_quantise(*runtime, known);
  });
}

ternary_status ternary_quantise_async(ternary_runtime* runtime, const ternary_quantise_operands* operands) {
  return guarded([&] {
    Accelerator& device = device_of(runtime, "ternary_quantise_async");
    ternary_quantise_operands room;
    const ternary_quantise_operands& known = check_quantise(operands, room);
    device.start_quantise(*runtime, known, call_of(known.call));
  });
}

ternary_status ternary_oracle_quantise(const ternary_quantise_operands* operands) {
  return guarded([&] {
    const FloatEnvironment environment;
    ternary_quantise_operands room;
    const ternary_quantise_operands& known = check_on_host(operands, room);
    oracle::activations(quantise_task(known), known.M);
  });
}

ternary_status ternary_rotate(ternary_runtime* runtime, const ternary_rotate_operands* operands) {
  return guarded([&] {
    check_runtime(runtime);
    ternary_rotate_operands room;
    const ternary_rotate_operands& known = check_on_host(operands, room);
    if (Accelerator* device = runtime->accelerator()) return device->rotate(*runtime, known);
    run_rotate(*runtime, known);
  });
}

ternary_status ternary_rotate_async(ternary_runtime* runtime, const ternary_rotate_operands* operands) {
  return guarded([&] {
    Accelerator& device = device_of(runtime, "ternary_rotate_async");
    ternary_rotate_operands room;
    const ternary_rotate_operands& known = check_rotate(operands, room);
    device.start_rotate(*runtime, known, call_of(known.call));
  });
}

ternary_status ternary_oracle_rotate(const ternary_rotate_operands* operands) {
  return guarded([&] {
    const FloatEnvironment environment;
    ternary_rotate_operands room;
    const ternary_rotate_operands& known = check_on_host(operands, room);
    oracle::rotate(rotate_task(known), known.M);
  });
}

ternary_status ternary_qk_norm(ternary_runtime* runtime, const ternary_qk_norm_operands* operands) {
  return guarded([&] {
    check_runtime(runtime);
    ternary_qk_norm_operands room;
    const ternary_qk_norm_operands& known = check_qk_norm(operands, room);
    if (Accelerator* device = runtime->accelerator()) return device->qk_norm(*runtime, known);
    run_qk_norm(*runtime, known);
  });
}

ternary_status ternary_qk_norm_async(ternary_runtime* runtime, const ternary_qk_norm_operands* operands) {
  return guarded([&] {
    Accelerator& device = device_of(runtime, "ternary_qk_norm_async");
    ternary_qk_norm_operands room;
    const ternary_qk_norm_operands& known = check_qk_norm(operands, room);
    device.start_qk_norm(*runtime, known, call_of(known.call));
  });
}

ternary_status ternary_oracle_qk_norm(const ternary_qk_norm_operands* operands) {
  return guarded([&] {
    const FloatEnvironment environment;
    ternary_qk_norm_operands room;
    const ternary_qk_norm_operands& known = check_qk_norm(operands, room);
    for (const ternary_heads* heads : {&known.q, &known.k}) {
      if (heads->data != nullptr) oracle::head_norm(head_norm_task(*heads, known.head_dim), known.M);
    }
  });
}
