#include "cpu/frame/lanes_avx512.h"

#include "cpu/frame/activations.h"

TERNARY_CPU_ACTIVATIONS(activations_any_row_1x16__avx512vnni)
