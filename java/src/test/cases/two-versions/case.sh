# Two versions in one process each run their own native code. The second is the first with another version in it.
"$JAVA_HOME/bin/javac" --release 17 -d "$WORK/main" "$CASE/TwoVersions.java"
mkdir other
(cd other && "$JAVA_HOME/bin/jar" -xf "$LIBRARY")
binding=other/org/ternarykernels/binding
LC_ALL=C sed -i 's/\x00[0-9]\.[0-9]\.[0-9]\x00/\x009.9.9\x00/g' "$binding/linux-x86_64/libjniternary.so"
echo 9.9.9 > "$binding/version.txt"
"$JAVA_HOME/bin/jar" -cfM other.jar -C other .
exits 0 "$JAVA" "-Ddependencies=$DEPENDENCIES" -cp "$WORK/main" TwoVersions "$LIBRARY" other.jar
says '^A runs [0-8]'
says '^B runs 9\.9\.9'
