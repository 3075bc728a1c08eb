#include "cpu/frame/lanes_avx2.h"

#include "cpu/frame/head_norm.h"

TERNARY_CPU_HEAD_NORM(head_norm_any_row_1x16__avx2)
