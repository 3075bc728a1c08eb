/** The functions of the C interface for layers and their products on host memory. */
#include <memory>

#include "core/base/failure.h"
#include "core/base/float_environment.h"
#include "core/base/sized.h"
#include "core/product/oracle_product.h"
#include "core/product/product.h"
#include "core/recheck/apply.h"

using namespace ternary;

ternary_status ternary_layer_create(const ternary_layer_spec* spec, ternary_layer** layer) {
  return guarded([&] {
    check_pointer("layer", layer, alignof(ternary_layer*));
    ternary_layer_spec room;
    const ternary_layer_spec& known = sized("spec", spec, room, kFirstSpecBytes);
    check_spec(known);
    *layer = std::make_unique<ternary_layer>(known).release();
  });
}

void ternary_layer_destroy(ternary_layer* layer) { delete layer; }

int64_t ternary_layer_bytes(const ternary_layer* layer) {
  return layer == nullptr ? 0 : ternary_weights_bytes(&layer->weights) + layer->bytes();
}

ternary_status ternary_apply(ternary_runtime* runtime, const ternary_layer* layer, const ternary_operands* operands) {
  return guarded([&] {
    check_runtime(runtime);
    ternary_operands room;
    const Product product = {check_layer(layer), check_operands(*layer, operands, room)};
    apply(*runtime, product);
  });
}

ternary_status ternary_oracle_apply(const ternary_layer* layer, const ternary_operands* operands) {
  return guarded([&] {
    const FloatEnvironment environment;
    ternary_operands room;
    oracle::apply({check_layer(layer), check_operands(*layer, operands, room)});
  });
}
