#include "cpu/frame/lanes_portable.h"

#include "cpu/frame/gate.h"

TERNARY_CPU_GATE(gate_any_row_1x16__portable)
