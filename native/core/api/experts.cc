/** The functions of the C interface for routers and layers of experts. */
#include <memory>

#include "core/api/device_of.h"
#include "core/base/argument.h"
#include "core/base/failure.h"
#include "core/base/float_environment.h"
#include "core/experts/combine.h"
#include "core/experts/moe.h"
#include "core/experts/oracle.h"
#include "core/experts/route.h"
#include "core/moe/order.h"
#include "core/moe/row_ops.h"
#include "core/recheck/apply.h"

using namespace ternary;

ternary_status ternary_moe_create(const ternary_moe_spec* spec, ternary_moe** moe) {
  return guarded([&] {
    check_pointer("moe", moe, alignof(ternary_moe*));
    ternary_moe_spec room;
    const ternary_moe_spec& known = check_moe_spec(spec, room);
    *moe = std::make_unique<ternary_moe>(known).release();
  });
}

void ternary_moe_destroy(ternary_moe* moe) { delete moe; }

int64_t ternary_moe_bytes(const ternary_moe* moe) {
  return moe == nullptr ? 0 : ternary_weights_bytes(&moe->w13) + ternary_weights_bytes(&moe->w2) + moe->bytes();
}

namespace {

/** The checks of operands in host memory, where ids can be read. */
const ternary_moe_operands& check_on_host(const ternary_moe* moe, const ternary_moe_operands* given,
                                          ternary_moe_operands& room) {
  const ternary_moe_operands& known = check_moe_operands(check_moe(moe), given, room);
  check_ids(slots_of(known, moe->E()));
  return known;
}

const ternary_align_operands& check_on_host(const ternary_align_operands* given, ternary_align_operands& room) {
  const ternary_align_operands& known = check_align(given, room);
  check_ids(slots_of(known, known.E));
  return known;
}

const ternary_combine_operands& check_on_host(const ternary_combine_operands* given, ternary_combine_operands& room) {
  const ternary_combine_operands& known = check_combine(given, room);
  check_ids(slots_of(known, known.E));
  return known;
}

}  // namespace

ternary_status ternary_apply_moe(ternary_runtime* runtime, const ternary_moe* moe,
                                 const ternary_moe_operands* operands) {
  return guarded([&] {
    check_runtime(runtime);
    ternary_moe_operands room;
    const ternary_moe_operands& known = check_on_host(moe, operands, room);
    apply_moe(*runtime, *moe, known);
  });
}

ternary_status ternary_route(ternary_runtime* runtime, const ternary_route_operands* operands) {
  return guarded([&] {
    check_runtime(runtime);
    ternary_route_operands room;
    const ternary_route_operands& known = check_route(operands, room);
    if (Accelerator* device = runtime->accelerator()) return device->route(*runtime, known);
    run_route(*runtime, known);
  });
}

ternary_status ternary_align(ternary_runtime* runtime, const ternary_align_operands* operands) {
  return guarded([&] {
    check_runtime(runtime);
    ternary_align_operands room;
    const ternary_align_operands& known = check_on_host(operands, room);
    if (Accelerator* device = runtime->accelerator()) return device->align(*runtime, known);
    sort_slots(slots_of(known, known.E), {known.offsets, known.slots, nullptr});
  });
}

ternary_status ternary_combine(ternary_runtime* runtime, const ternary_combine_operands* operands) {
  return guarded([&] {
    check_runtime(runtime);
    ternary_combine_operands room;
    const ternary_combine_operands& known = check_on_host(operands, room);
    if (Accelerator* device = runtime->accelerator()) return device->combine(*runtime, known);
    run_combine(*runtime, known);
  });
}

ternary_status ternary_prepare_moe(ternary_runtime* runtime, const ternary_moe* moe) {
  return guarded([&] {
    check_runtime(runtime);
    const ternary_moe& known = check_moe(moe);
    if (Accelerator* device = runtime->accelerator()) device->prepare_moe(*runtime, known);
  });
}

ternary_status ternary_moe_workspace_bytes(ternary_runtime* runtime, const ternary_moe* moe, int64_t M, int64_t T,
                                           int64_t* bytes) {
  return guarded([&] {
    const Accelerator& device = device_of(runtime, "ternary_moe_workspace_bytes");
    const ternary_moe& known = check_moe(moe);
    check_slot_counts(M, T);
    check_pointer("bytes", bytes, alignof(int64_t));
    *bytes = device.moe_workspace_bytes(known, M, T);
  });
}

ternary_status ternary_apply_moe_async(ternary_runtime* runtime, const ternary_moe* moe,
                                       const ternary_moe_operands* operands) {
  return guarded([&] {
    Accelerator& device = device_of(runtime, "ternary_apply_moe_async");
    ternary_moe_operands room;
    const ternary_moe_operands& known = check_moe_operands(check_moe(moe), operands, room);
    device.start_moe(*runtime, *moe, known, call_of(known.call));
    if (runtime->shadow != nullptr) runtime->shadow->count_unsampled();
  });
}

ternary_status ternary_route_workspace_bytes(ternary_runtime* runtime, int64_t M, int64_t E, int64_t* bytes) {
  return guarded([&] {
    const Accelerator& device = device_of(runtime, "ternary_route_workspace_bytes");
    check_rows(M);
    check_experts(E);
    check_pointer("bytes", bytes, alignof(int64_t));
    *bytes = device.route_workspace_bytes(M, E);
  });
}

ternary_status ternary_route_async(ternary_runtime* runtime, const ternary_route_operands* operands) {
  return guarded([&] {
    Accelerator& device = device_of(runtime, "ternary_route_async");
    ternary_route_operands room;
    const ternary_route_operands& known = check_route(operands, room);
    device.start_route(*runtime, known, call_of(known.call));
  });
}

ternary_status ternary_align_async(ternary_runtime* runtime, const ternary_align_operands* operands) {
  return guarded([&] {
    Accelerator& device = device_of(runtime, "ternary_align_async");
    ternary_align_operands room;
    const ternary_align_operands& known = check_align(operands, room);
    device.start_align(*runtime, known, call_of(known.call));
  });
}

ternary_status ternary_combine_async(ternary_runtime* runtime, const ternary_combine_operands* operands) {
  return guarded([&] {
    Accelerator& device = device_of(runtime, "ternary_combine_async");
    ternary_combine_operands room;
    const ternary_combine_operands& known = check_combine(operands, room);
    device.start_combine(*runtime, known, call_of(known.call));
  });
}

ternary_status ternary_oracle_apply_moe(const ternary_moe* moe, const ternary_moe_operands* operands) {
  return guarded([&] {
    const FloatEnvironment environment;
    ternary_moe_operands room;
    const ternary_moe_operands& known = check_on_host(moe, operands, room);
    oracle::apply_moe(*moe, known);
  });
}

ternary_status ternary_oracle_route(const ternary_route_operands* operands) {
  return guarded([&] {
    const FloatEnvironment environment;
    ternary_route_operands room;
    oracle::route(check_route(operands, room));
  });
}

ternary_status ternary_oracle_align(const ternary_align_operands* operands) {
  return guarded([&] {
    ternary_align_operands room;
    const ternary_align_operands& known = check_on_host(operands, room);
    oracle::align(known);
  });
}

ternary_status ternary_oracle_combine(const ternary_combine_operands* operands) {
  return guarded([&] {
    const FloatEnvironment environment;
    ternary_combine_operands room;
    const ternary_combine_operands& known = check_on_host(operands, room);
    oracle::combine(known);
  });
}
