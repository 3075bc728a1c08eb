# Memory that was dropped makes room for what comes, without close() and though the Java heap is never full: 12 GB of buffers
# pass through an address space of 6 GB, as they do with ByteBuffer.allocateDirect.
compile "$CASE/Buffers.java"
ulimit -v 6000000
for kind in ternary direct; do says "$kind: done" java -Xms1g -Xmx1g -XX:+UseSerialGC Buffers "$kind"; done
