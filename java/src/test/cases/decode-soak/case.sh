# Decoding for a while gives the same bits at every step and holds no more memory than at the beginning (32 MB are the JVM's).
compile "$CASE/DecodeSoak.java"
exits 0 java -Xms256m -Xmx256m -XX:+AlwaysPreTouch DecodeSoak "${SOAK_SECONDS:-15}"
says '^steps: [0-9]{3,}$'
says '^wrong: 0$'
grown=$(sed -n 's/^grown by KB: //p' "$SAID")
[ "$grown" -lt 32768 ] || fail "the process grew by $grown KB"
