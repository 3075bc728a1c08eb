# A folder whose name has that of musl's library in it does not make the C library musl.
compile "$PRODUCT"
mkdir "$WORK/ld-musl-compare"
trimmed "$WORK/ld-musl-compare/jre"
says_text "$RESULT" "$WORK/ld-musl-compare/jre/bin/java" -cp "$CLASSPATH" Product
