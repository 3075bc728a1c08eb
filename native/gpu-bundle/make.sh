#!/usr/bin/env bash
# Makes target/gpu-bundle, the self-contained folder for a GPU machine; called by mvn -Pcuda,gpu-bundle when everything
# has been built. Usage: make.sh JAVA_HOME
set -euo pipefail
java_home=$1
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=$root/java/target/native
output=$root/target/gpu-bundle
limit_mib=64

rm -rf "$output"
mkdir -p "$output/native" "$output/jars" "$output/test-data"

for program in ternary_tests ternary_exactness_tests ternary_cuda_tests ternary_cuda_kernel_tests; do
  strip -o "$output/native/$program" "$build/tests/$program"
done
strip -o "$output/native/cuda_bench" "$build/cuda_bench"
for library in libternary.so libternary_cpu.so; do
  strip --strip-unneeded -o "$output/native/$library" "$build/$library"
done
cp "$build/bundle_tests.txt" "$output/native"
# What the CUDA jar holds, unpacked: the programs and Java share one copy of it.
cp -r "$root/java/target/cuda-classes" "$output/native/cuda-classes"
# Devices of 8.9 and 10.3 run machine code for 8.0 and 10.0 too: 11 MB of the limit. The list is what Java extracts.
natives=$output/native/cuda-classes/org/ternarykernels/cuda/linux-x86_64
rm "$natives"/libternary_*_sm89.so "$natives"/libternary_*_sm103a.so
sed -i '/_sm\(89\|103a\)\.so$/d' "$natives/natives.txt"
tar -C "$output" -cf - native | gzip -9 > "$output/native.tar.gz"
rm -r "$output/native"

cp "$root"/jmh/target/gpu-bundle-jars/*.jar "$output/jars"
cp "$root"/jmh/target/ternary-kernels-jmh-*.jar "$output/jars"
rm -f "$output"/jars/ternary-kernels-*-linux-x86_64-cuda.jar
# AssertJ wants it for soft assertions and assumptions, which no test of the bundle has: 9 MB.
rm -f "$output"/jars/byte-buddy-*.jar
# Stored, and compressed together: 8.6 MB of 11.6. Of the CUDA presets only the runtime's binding is used: 0.4 of 6 MB.
for jar in "$output"/jars/*.jar; do
  mkdir "$output/unpacked"
  (
    cd "$output/unpacked"
    "$java_home/bin/jar" xf "$jar"
    rm "$jar"
    case ${jar##*/} in
      cuda-*) find . -type f ! -path '*cudart*' ! -path './META-INF/*' -delete ;;
    esac
    "$java_home/bin/jar" c0fM "$jar" .
  )
  rm -r "$output/unpacked"
done
tar -C "$output" -cf - jars | gzip -9 > "$output/jars.tar.gz"
rm -r "$output/jars"
mkdir "$output/test-classes"
cp -r "$root"/java/target/test-classes/. "$root"/jmh/target/test-classes/. "$output/test-classes"
tar -C "$output/test-classes" -cf - . | gzip -9 > "$output/test-classes.tar.gz"
rm -r "$output/test-classes"
cp -r "$root"/test-data/golden "$root"/test-data/shapes "$root"/test-data/tiny-bitnet "$output/test-data"
cp "$here/run.sh" "$root/LICENSE" "$output"

# A Java runtime with what the library, JUnit and the tool use, where this JDK can make one. gzip alone compresses it
# better than jlink and gzip one after the other.
if [ -d "$java_home/jmods" ]; then
  modules=java.base,java.logging,java.xml,java.management,java.instrument,java.naming
  modules=$modules,jdk.jfr,jdk.unsupported,jdk.management
  "$java_home/bin/jlink" --strip-debug --no-man-pages --no-header-files --compress=0 --output "$output/runtime" \
    --add-modules "$modules"
  strip --strip-unneeded "$output/runtime/lib/server/libjvm.so"
  tar -C "$output" -cf - runtime | gzip -9 > "$output/runtime.tar.gz"
  rm -r "$output/runtime"
fi

size=$(du -sm "$output" | cut -f 1)
echo "GPU bundle: $output, $size MiB"
if [ "$size" -gt "$limit_mib" ]; then
  du -a "$output" | sort -n | tail >&2
  echo "the GPU bundle has $size MiB, must have $limit_mib or less" >&2
  exit 1
fi
