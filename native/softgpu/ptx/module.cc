#include "softgpu/ptx/module.h"

namespace ternary::softgpu::ptx {
namespace {

struct TypeRow {
  Type type;
  const char* name;
  int bits;
};
constexpr TypeRow kTypes[] = {
    {Type::pred, "pred", 1},      {Type::b8, "b8", 8},          {Type::b16, "b16", 16},   {Type::b32, "b32", 32},
    {Type::b64, "b64", 64},       {Type::b128, "b128", 128},    {Type::u8, "u8", 8},      {Type::u16, "u16", 16},
    {Type::u32, "u32", 32},       {Type::u64, "u64", 64},       {Type::s8, "s8", 8},      {Type::s16, "s16", 16},
    {Type::s32, "s32", 32},       {Type::s64, "s64", 64},       {Type::f16, "f16", 16},   {Type::f16x2, "f16x2", 32},
    {Type::bf16, "bf16", 16},     {Type::bf16x2, "bf16x2", 32}, {Type::tf32, "tf32", 32}, {Type::f32, "f32", 32},
    {Type::f64, "f64", 64},       {Type::e4m3, "e4m3", 8},      {Type::e5m2, "e5m2", 8},  {Type::e4m3x2, "e4m3x2", 16},
    {Type::e5m2x2, "e5m2x2", 16},
};

const TypeRow* row_of(Type type) {
  for (const TypeRow& row : kTypes) {
    if (row.type == type) return &row;
  }
  return nullptr;
}

}  // namespace

int bits(Type type) {
  const TypeRow* row = row_of(type);
  return row ? row->bits : 0;
}

bool is_signed(Type type) { return type == Type::s8 || type == Type::s16 || type == Type::s32 || type == Type::s64; }

bool is_float(Type type) { return type >= Type::f16; }

Type type_named(const std::string& name) {
  for (const TypeRow& row : kTypes) {
    if (name == row.name) return row.type;
  }
  return Type::none;
}

const char* name_of(Type type) {
  const TypeRow* row = row_of(type);
  return row ? row->name : "none";
}

const Function* Module::find(const std::string& name) const {
  const Function* found = nullptr;
  for (const auto& function : functions) {
    if (function->name == name && (!found || function->defined)) found = function.get();
  }
  return found;
}

const Variable* Module::find_variable(const std::string& name) const {
  for (const Variable& variable : variables) {
    if (variable.name == name) return &variable;
  }
  return nullptr;
}

}  // namespace ternary::softgpu::ptx
