#include "cpu/frame/lanes_portable.h"

#include "cpu/frame/rotation.h"

TERNARY_CPU_ROTATE(rotate_any_row_1x16__portable)
