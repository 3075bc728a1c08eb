# Two applications in one process, each with the library in a class loader of its own, both compute; a deployment that was
# dropped is collected, and the next one computes.
compile "$CASE/Product.java"
"$JAVA_HOME/bin/javac" --release 17 -d "$WORK/main" "$CASE/TwoLoaders.java"
exits 0 "$JAVA" "-Dlib=$CLASSPATH/" -cp "$WORK/main" TwoLoaders
for who in 'application A' 'application B' 'deployment 1' 'deployment 2'; do says_text "$who: $RESULT"; done
for i in 1 2; do says "^deployment $i collected: true"; done
