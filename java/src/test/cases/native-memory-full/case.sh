# Where the system gives no more memory or threads, a call throws TernaryException and has written nothing; later calls work.
# The library's own limit is out of the way.
compile "$CASE/NativeMemoryFull.java"
ulimit -v 5000000
exits 0 java -Xmx256m -XX:+UseSerialGC -Dternary.max.memory=64g NativeMemoryFull
says '^buffers held: [1-9]'
says '^refused: [1-9]'
says '^wrong: 0$'
