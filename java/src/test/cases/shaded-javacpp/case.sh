# A shaded library computes, or says what must not be relocated.
need mvn
mkdir -p app/src/main/java repository/org/ternarykernels/ternary-kernels/0-case
cp "$CASE/pom.xml" app
cp "$PRODUCT" app/src/main/java
# The user's repository, with a library of our own in it instead of an installed one.
find "$REPOSITORY" -mindepth 1 -maxdepth 1 ! -name org -exec ln -s -t repository {} +
find "$REPOSITORY/org" -mindepth 1 -maxdepth 1 ! -name ternarykernels -exec ln -s -t repository/org {} +
here=repository/org/ternarykernels/ternary-kernels/0-case/ternary-kernels-0-case
cp "$LIBRARY" "$here.jar"
cat > "$here.pom" << 'END'
<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>org.ternarykernels</groupId>
<artifactId>ternary-kernels</artifactId><version>0-case</version></project>
END
versions=()
for name in javacpp jackson slf4j resources.plugin compiler.plugin; do versions+=("-D$name.version=$(version "$name")"); done
exits 0 mvn -q -B -f app/pom.xml "-Dmaven.repo.local=$WORK/repository" "${versions[@]}" package
shaded() { "$JAVA" -cp "app/target/shaded-1-$1.jar" Product; }
for kind in plain minimal jackson bytedeco; do says_text "$RESULT" shaded "$kind"; done
says 'as documented: .*do not relocate org\.ternarykernels' shaded ternarykernels
