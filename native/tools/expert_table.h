/**
 * @file expert_table.h
 * @brief What the cost model expects of layers of experts, as text.
 */
#ifndef TERNARY_TOOLS_EXPERT_TABLE_H_
#define TERNARY_TOOLS_EXPERT_TABLE_H_

#include <string>

namespace ternary {

/** Of two models' layers on every device of the model's table, beside separate calls of layers. */
std::string expert_tables();

}  // namespace ternary

#endif  // TERNARY_TOOLS_EXPERT_TABLE_H_
