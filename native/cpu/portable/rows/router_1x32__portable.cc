#include "cpu/frame/lanes_portable.h"

#include "cpu/frame/router.h"

TERNARY_CPU_ROUTER(router_1x32__portable, 1)
