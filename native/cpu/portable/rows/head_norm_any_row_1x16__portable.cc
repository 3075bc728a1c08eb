#include "cpu/frame/lanes_portable.h"

#include "cpu/frame/head_norm.h"

TERNARY_CPU_HEAD_NORM(head_norm_any_row_1x16__portable)
