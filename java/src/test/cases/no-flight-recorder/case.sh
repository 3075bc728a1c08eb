# A Java runtime without the flight recorder computes, without events.
compile "$PRODUCT"
trimmed "$WORK/jre"
says_text "$RESULT" "$WORK/jre/bin/java" -cp "$CLASSPATH" Product
