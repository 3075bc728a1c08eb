#include "cpu/frame/lanes_avx2.h"

#include "cpu/frame/router.h"

TERNARY_CPU_ROUTER(router_3x32__avx2, 3)
