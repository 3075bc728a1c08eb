#include "cpu/frame/lanes_avx512.h"

#include "cpu/frame/route.h"

TERNARY_CPU_ROUTE(route_any_row_1x16__avx512vnni)
