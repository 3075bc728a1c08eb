#include "core/product/rotate.h"

#include "abi/dtype.h"
#include "core/base/argument.h"
#include "core/base/sized.h"
#include "core/product/product.h"
#include "core/product/ranges.h"
#include "core/product/rotation.h"
#include "core/weights/layout.h"

namespace ternary {

static_assert(sizeof(ternary_rotate_operands) >= kFirstRotateBytes, "operands only grow");

const ternary_rotate_operands& check_rotate(const ternary_rotate_operands* given, ternary_rotate_operands& room) {
  const ternary_rotate_operands& o = sized("operands", given, room, kFirstRotateBytes);
  check_rows(o.M);
  check_shape(1, o.K);
  check_float_x(o.x, o.x_dtype, o.ldx, o.x_scale, o.M, o.K);
  check_float_dtype("y_dtype", o.y_dtype);
  check_matrix("y", "ldy", o.y, o.y_dtype, o.M, o.K, o.ldy);
  check_rotation(o.rotation, o.K);
  check_vector("signs", o.signs);
  static constexpr const char* kWords[] = {"forward", "inverse"};
  check_choice("inverse", o.inverse, kWords);

  const Range inputs[] = {vector_range("x_scale", o.x_scale, o.M), vector_range("signs", o.signs, o.K),
                          matrix_range("x", o.x, o.x_dtype, o.M, o.K, o.ldx)};
  const bool in_place = o.y == o.x && o.y_dtype == o.x_dtype && o.ldy == o.ldx;
  check_apart(matrix_range("y", o.y, o.y_dtype, o.M, o.K, o.ldy), inputs, in_place ? 2 : 3);
  return o;
}

RotateTask rotate_task(const ternary_rotate_operands& operands) {
  RotateTask task = {};
  task.x = operands.x;
  task.x_dtype = operands.x_dtype;
  task.ldx = operands.ldx;
  task.x_scale = operands.x_scale;
  task.rotation = operands.rotation;
  task.signs = operands.signs;
  task.inverse = operands.inverse != 0;
  task.K = operands.K;
  task.y = operands.y;
  task.y_dtype = operands.y_dtype;
  task.ldy = operands.ldy;
  return task;
}

}  // namespace ternary
