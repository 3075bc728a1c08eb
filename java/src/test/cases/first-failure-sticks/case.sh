# A failure to load is the documented error, says what to do, and is not remembered.
compile "$CASE/Retry.java"
exits 0 java Retry "$WORK/retry"
says '^1: UnsatisfiedLinkError: .*/proc/nowhere.*ternary\.cache\.dir'
for time in 2 3; do says "^$time: \{\}"; done
