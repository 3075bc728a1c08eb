#!/usr/bin/env bash
# Makes the self-contained folder for a GPU machine; called by mvn -Pcuda,gpu-bundle when everything has been built.
# Usage: make.sh JAVA_HOME NATIVE_BUILD JARS JAVA_TEST_CLASSES OUTPUT TOOL_JAR CUDA_CLASSES
set -euo pipefail
java_home=$1 build=$2 jars=$3 test_classes=$4 output=$5 tool=$6 cuda_classes=$7
here=$(cd "$(dirname "$0")" && pwd)
limit_mib=64

rm -rf "$output"
mkdir -p "$output/native" "$output/jars" "$output/test-data"

for program in tests/ternary_cuda_tests tests/ternary_cuda_kernel_tests bench/cuda_bench; do
  strip -o "$output/native/${program##*/}" "$build/$program"
done
for library in libternary.so libternary_cpu.so; do
  strip --strip-unneeded -o "$output/native/$library" "$build/$library"
done
# What the CUDA jar holds, unpacked: the programs and Java share one copy of it.
cp -r "$cuda_classes" "$output/native/cuda-classes"
tar -C "$output" -cf - native | gzip -9 > "$output/native.tar.gz"
rm -r "$output/native"

cp "$jars"/*.jar "$tool" "$output/jars"
rm -f "$output"/jars/*-linux-x86_64-cuda.jar
tar -C "$test_classes" -cf "$output/jars/test-classes.tar" .
cp -r "$here/../test-data/golden" "$here/../test-data/shapes" "$here/../test-data/tiny-bitnet" "$output/test-data"
cp "$here/run.sh" "$here/../LICENSE" "$output"

# A Java runtime with what the library, JUnit and the tool use, where this JDK can make one.
if [ -d "$java_home/jmods" ]; then
  rm -rf "$output/runtime"
  "$java_home/bin/jlink" --strip-debug --no-man-pages --no-header-files --compress=2 --output "$output/runtime" --add-modules \
    java.base,java.logging,java.xml,java.management,java.instrument,java.naming,jdk.jfr,jdk.unsupported,jdk.management
  tar -C "$output" -czf "$output/runtime.tar.gz" runtime
  rm -r "$output/runtime"
fi

size=$(du -sm "$output" | cut -f 1)
echo "GPU bundle: $output, $size MiB"
if [ "$size" -gt "$limit_mib" ]; then
  echo "the GPU bundle has $size MiB, must have $limit_mib or less" >&2
  exit 1
fi
