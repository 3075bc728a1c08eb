#include "cpu/frame/lanes_avx2.h"

#include "cpu/frame/rotation.h"

TERNARY_CPU_ROTATE(rotate_any_row_1x16__avx2)
