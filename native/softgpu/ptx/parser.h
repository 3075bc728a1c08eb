/**
 * @file parser.h
 * @brief The parts of the PTX parser, one a file.
 */
#ifndef TERNARY_SOFTGPU_PTX_PARSER_H_
#define TERNARY_SOFTGPU_PTX_PARSER_H_

#include "softgpu/ptx/module.h"
#include "softgpu/ptx/scanner.h"

namespace ternary::softgpu::ptx {

/** What follows .global, .shared, .param ...: type, alignment, name, dimensions, initial value. Not the semicolon. */
Variable parse_variable(Scanner& scan, Space space, bool external);

/** A function's statements up to its closing brace. */
void parse_body(Scanner& scan, Function* function);

}  // namespace ternary::softgpu::ptx

#endif  // TERNARY_SOFTGPU_PTX_PARSER_H_
