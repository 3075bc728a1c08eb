# A runtime has the CPUs of the process, whichever thread made it: as many threads, and none confined to the creator's CPU.
need taskset
[ "$(nproc)" -ge 2 ] || skip "it needs two CPUs"
compile "$CASE/Pin.java"
cpu=$(taskset -pc $$ | sed 's/.*: \([0-9]*\).*/\1/')
exits 0 java Pin "$cpu"
says "^taskset: 0 $cpu$"
equal "$(sed -n 's/^pinned: //p' "$SAID")" "$(sed -n 's/^free: //p' "$SAID")" "what a pinned thread makes"
# The JVM starts its process reaper from the pinned thread as well.
names=$(sed -n 's/^  //p' "$SAID" | sed 's/ [^ ]*$//' | grep -v '^process reaper$' | sort)
equal "$names" creator "the threads on CPU $cpu alone"
