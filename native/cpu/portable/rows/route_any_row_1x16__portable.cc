#include "cpu/frame/lanes_portable.h"

#include "cpu/frame/route.h"

TERNARY_CPU_ROUTE(route_any_row_1x16__portable)
