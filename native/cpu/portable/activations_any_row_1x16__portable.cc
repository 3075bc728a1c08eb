#include "cpu/lanes_portable.h"

#include "cpu/activations.h"

TERNARY_CPU_ACTIVATIONS(activations_any_row_1x16__portable)
