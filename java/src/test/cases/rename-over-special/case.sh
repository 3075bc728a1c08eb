# Nothing is renamed over what is no file: a device and a FIFO are written to or refused and stay, a link keeps leading to its
# file. The device is one of our own making; never try this with /dev.
need_root
mknod null c 1 3 || skip "no device can be made in $WORK"
{ : > null; } 2> /dev/null || skip "$WORK is mounted without devices"
mkfifo fifo
echo old > real
ln -s real link
stays() { equal "$(stat -c %F "$1")" "$2" "$1 after $3"; }

exits 0 tool info --json null
stays null 'character special file' --json
exits 2 tool info --json fifo
says 'nobody reads'
stays fifo fifo --json
exits 0 tool info --json link
stays link 'symbolic link' --json
grep -q '"kernels"' real || fail "the link's file has no result: $(cat real)"
TERNARY_PATH_REPORT=$WORK/null exits 0 tool info
stays null 'character special file' TERNARY_PATH_REPORT

compile "$CASE/Save.java"
exits 0 java Save null
for what in weights tensors; do says "^$what: .*no regular file"; done
says '^report: written'
stays null 'character special file' save
