#include "core/recheck/shadow.h"

#include <cstring>

#include "abi/dtype.h"
#include "core/base/float_environment.h"
#include "core/experts/oracle.h"
#include "core/product/a16_bound.h"
#include "core/product/oracle_product.h"
#include "core/weights/layout.h"

namespace ternary {
namespace {

/** Results go to memory of the shadow's own, packed; the residual is as it was before the call. */
template <typename Operands>
Operands apart(const Operands& o, const KeptMatrix& overwritten, int64_t y_columns, int64_t residual_columns, Bytes& y,
               Bytes& residual_out) {
  Operands again = o;
  y.resize(o.M * y_columns * dtype_bytes(o.y_dtype));
  again.y = y.data();
  again.ldy = y_columns;
  if (o.residual == nullptr) return again;
  // One stride is of both: a residual that is left in place keeps its own, and its sum has it too.
  if (overwritten.data() != nullptr) again.residual = overwritten.data(), again.ld_residual = residual_columns;
  residual_out.resize(o.M * again.ld_residual * dtype_bytes(o.residual_dtype));
  again.residual_out = residual_out.data();
  return again;
}

template <typename Operands>
ResultMatrix y_of(const Operands& o, int64_t columns) {
  return {o.y, o.y_dtype, o.M, columns, o.ldy};
}

template <typename Operands>
ResultMatrix residual_of(const Operands& o, int64_t columns) {
  return {o.residual_out, o.residual_dtype, o.M, columns, o.ld_residual};
}

constexpr auto kNeverMay = [](int64_t, int64_t, float, float) { return false; };

/** The name of the path that served the thread's last call, which was this runtime's. */
std::string path_of(const ternary_runtime& runtime) { return last_path(runtime); }

std::string op_of(const std::string& path) { return path.substr(0, path.find('.')); }

const char* activation_name(ternary_activation activation) { return activation == TERNARY_A8 ? "A8" : "A16"; }

/** The bound of A16's elements of Y. Rows are made ready when one of them is asked for. */
class A16Judge {
 public:
  /** `again` has the inputs as they were before the call. */
  explicit A16Judge(const Product& again) : again_(again) {}

  bool may_be(int64_t m, int64_t n, double value, double expected) {
    if (m != row_) {
      row_ = m;
      one_ = row_operands(m);
      ready_ = std::make_unique<OracleRows>(Product{again_.layer, one_});
    }
    return within(a16_bound_of({again_.layer, one_}, *ready_, 0, n, expected), value, expected);
  }

 private:
  ternary_operands row_operands(int64_t m) {
    const ternary_operands& o = again_.operands;
    ternary_operands one = o;
    one.M = 1;
    one.x = static_cast<const uint8_t*>(o.x) + m * o.ldx * dtype_bytes(o.x_dtype);
    if (o.x_scale != nullptr) one.x_scale = o.x_scale + m;
    if (o.residual == nullptr) return one;
    one.residual = static_cast<const uint8_t*>(o.residual) + m * o.ld_residual * dtype_bytes(o.residual_dtype);
    sum_.resize(o.ld_residual * dtype_bytes(o.residual_dtype));
    one.residual_out = sum_.data();
    return one;
  }

  const Product& again_;
  int64_t row_ = -1;
  ternary_operands one_ = {};
  Bytes sum_;
  std::unique_ptr<OracleRows> ready_;
};

}  // namespace

void oracle_of(const Product& product) {
  const FloatEnvironment environment;
  oracle::apply(product);
}

void oracle_of(const ternary_moe& moe, const ternary_moe_operands& operands) {
  const FloatEnvironment environment;
  oracle::apply_moe(moe, operands);
}

ShadowOfProduct::ShadowOfProduct(ternary_runtime& runtime, const Product& product) noexcept
    : runtime_(runtime), product_(product) {
  shadowed(runtime, [&] {
    overwritten_ = std::make_unique<KeptMatrix>(overwritten_residual(product.operands, product.weights().K));
  });
}

ternary_operands ShadowOfProduct::prepare(Bytes& y, Bytes& residual_out) const {
  return apart(product_.operands, *overwritten_, product_.weights().N, product_.weights().K, y, residual_out);
}

void ShadowOfProduct::judge(const Product& again) const {
  const FloatEnvironment environment;
  const ternary_weights& w = product_.weights();
  const ResultMatrix y = y_of(product_.operands, w.N), reference = y_of(again.operands, w.N);
  Differences differences;
  if (product_.layer.activation == TERNARY_A16) {
    A16Judge bound(again);
    add_differences(y, reference, differences, [&](int64_t m, int64_t n, float value, float expected) {
      return bound.may_be(m, n, value, expected);
    });
  } else {
    add_differences(y, reference, differences, kNeverMay);
  }
  add_differences(residual_of(product_.operands, w.K), residual_of(again.operands, w.K), differences, kNeverMay);
  const std::string path = path_of(runtime_);
  runtime_.shadow->add(
      {op_of(path), path, product_.M(), w.N, w.K, activation_name(product_.layer.activation), traits(w.layout).name},
      differences);
}

ShadowOfMoe::ShadowOfMoe(ternary_runtime& runtime, const ternary_moe& moe,
                         const ternary_moe_operands& operands) noexcept
    : runtime_(runtime), moe_(moe), operands_(operands) {
  shadowed(runtime, [&] { overwritten_ = std::make_unique<KeptMatrix>(overwritten_residual(operands, moe.H())); });
}

ternary_moe_operands ShadowOfMoe::prepare(Bytes& y, Bytes& residual_out) const {
  return apart(operands_, *overwritten_, moe_.y_columns(operands_.T), moe_.H(), y, residual_out);
}

void ShadowOfMoe::judge(const ternary_moe_operands& again) const {
  const int64_t columns = moe_.y_columns(operands_.T);
  Differences differences;
  add_differences(y_of(operands_, columns), y_of(again, columns), differences, kNeverMay);
  add_differences(residual_of(operands_, moe_.H()), residual_of(again, moe_.H()), differences, kNeverMay);
  runtime_.shadow->add({"moe", path_of(runtime_), operands_.M, columns, moe_.H(), activation_name(moe_.activation),
                        traits(moe_.w13.layout).name},
                       differences);
}

}  // namespace ternary
