#include "cpu/frame/lanes_portable.h"

#include "cpu/frame/activations.h"

TERNARY_CPU_ACTIVATIONS(activations_any_row_1x16__portable)
