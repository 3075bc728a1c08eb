#include "cpu/frame/lanes_portable.h"

#include "cpu/frame/combine.h"

TERNARY_CPU_COMBINE(combine_any_row_1x16__portable)
