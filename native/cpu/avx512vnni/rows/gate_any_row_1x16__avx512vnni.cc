#include "cpu/frame/lanes_avx512.h"

#include "cpu/frame/gate.h"

TERNARY_CPU_GATE(gate_any_row_1x16__avx512vnni)
