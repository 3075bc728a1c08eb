#include "cpu/frame/lanes_avx512.h"

#include "cpu/frame/router.h"

TERNARY_CPU_ROUTER(router_4x32__avx512vnni, 4)
