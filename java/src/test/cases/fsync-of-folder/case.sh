# Where a folder has no fsync, files are written and natives extracted all the same.
need gcc
gcc -shared -fPIC -o "$WORK/preload.so" "$CASE/no_fsync_of_folders.c" -ldl
without() { LD_PRELOAD=$WORK/preload.so tool "$@"; }
says '^linear: ' without run --op linear --in "$CASE/in.safetensors" --out "$WORK/out.safetensors"
[ -s "$WORK/out.safetensors" ] || fail "no output was written"
for cold in 1 2 3 4; do TERNARY_CACHE_DIR=$WORK/cold$((cold / 2)) says '^version' without info; done
