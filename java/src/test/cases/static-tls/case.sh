# Threads start where static thread-local memory takes more than a small stack has.
need gcc
gcc -shared -fPIC -o "$WORK/preload.so" "$CASE/large_tls.c"
started() { says '^threads +2' env TERNARY_NUM_THREADS=2 "$@" "$JAVA" -jar "$TOOL" info; }
started "LD_PRELOAD=$WORK/preload.so"
started GLIBC_TUNABLES=glibc.rtld.optional_static_tls=300000
