#!/bin/sh
# Tests and benchmarks ternary-kernels on this machine's GPU. Needs Linux x86-64 with glibc 2.34 or later, an NVIDIA driver
# r580 or later, tar and gzip; no network, no CUDA, no JDK.
#
#   ./run.sh [RESULTS]      RESULTS: the folder to write, by default results-<time> here
#
# BUNDLE_RUNTIME=FOLDER puts the libcudart.so.13 of a folder in the place of NVIDIA's (the software GPU, to try this script),
# BUNDLE_SHAPES, BUNDLE_ROWS and BUNDLE_COPIES choose what is timed (file names of test-data/shapes, values of M, copies of
# the weights), BUNDLE_STEPS what is done.
set -u
here=$(cd "$(dirname "$0")" && pwd)
results=${1:-$here/results-$(date -u +%Y%m%dT%H%M%SZ)}
steps=${BUNDLE_STEPS:-machine c_interface kernels junit bench tool}
shapes=${BUNDLE_SHAPES:-bitnet-2b-4t llama3-8b-1.58 qwen3-30b-a3b}
rows=${BUNDLE_ROWS:-1,2,4,8,16,64,512}
work=$results/work
mkdir -p "$work" || exit 1
failed=0

tar -C "$work" -xzf "$here/native.tar.gz" || exit 1
# libternary.so looks for the GPU libraries and the runtime beside itself.
ln -s "$work"/native/cuda-classes/org/ternarykernels/cuda/linux-x86_64/*.so* "$work/native"
LD_LIBRARY_PATH=${BUNDLE_RUNTIME:+$BUNDLE_RUNTIME:}$work/native${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH
if [ -f "$here/runtime.tar.gz" ]; then
  tar -C "$work" -xzf "$here/runtime.tar.gz" || exit 1
  java=$work/runtime/bin/java
else
  java=java
fi
mkdir -p "$work/test-classes"
tar -C "$work/test-classes" -xf "$here/jars/test-classes.tar" || exit 1
class_path=$work/test-classes:$work/native/cuda-classes
for jar in "$here"/jars/*.jar; do class_path=$class_path:$jar; done

# step NAME COMMAND...: runs it if it is asked for, output in RESULTS/NAME.log, its end in RESULTS/summary.txt
step() {
  name=$1
  shift
  case " $steps " in *" $name "*) ;; *) return ;; esac
  begin=$(date +%s)
  "$@" > "$results/$name.log" 2>&1
  status=$?
  seconds=$(($(date +%s) - begin))
  if [ $status -eq 0 ]; then word=passed; else word="FAILED ($status)"; failed=1; fi
  echo "$name: $word in $seconds s, $(tail -n 1 "$results/$name.log")" | tee -a "$results/summary.txt"
}

machine() {
  uname -a
  cat /etc/os-release
  grep -m 1 'model name' /proc/cpuinfo
  nvidia-smi -q 2>&1 || echo "nvidia-smi: $?"
  library=$("$work/native/cuda_bench" --library) || return 1
  echo "the GPU is served by $library"
}

kernels() {
  library=$("$work/native/cuda_bench" --library) || { echo "$library"; return 1; }
  "$work/native/ternary_cuda_kernel_tests" "$work/native/libternary_bitnet_$library.so"
}

junit() {
  device=gpu
  runtime=
  if [ -n "${BUNDLE_RUNTIME:-}" ]; then
    device=softgpu:sm_${SOFTGPU_ARCH:?names the architecture of the software GPU}
    runtime=-Dternary.cuda.runtime=$BUNDLE_RUNTIME
  fi
  # The classes of java/src/test/gpu-tests.txt but ReadmeExampleTest, which compiles; what only the software GPU can be told to be has the tag softgpu.
  "$java" -Xmx2g -Dternary.test.device="$device" $runtime -Dternary.cache.dir="$work/cache" \
    -Dtest.data="$here/test-data" -cp "$class_path" org.junit.platform.console.ConsoleLauncher execute \
    --disable-banner --details=summary --fail-if-no-tests ${BUNDLE_RUNTIME:---exclude-tag=softgpu} \
    --scan-class-path="$work/test-classes" --reports-dir="$results/junit" \
    --include-classname='.*\.(Cuda.*|Device.*|Lifetime|RmsNormLinear|TernaryBuffer|TernaryLinear|TernaryRuntime)Test'
}

bench() {
  set --
  for shape in $shapes; do set -- "$@" --shapes "$here/test-data/shapes/$shape.txt"; done
  if [ -n "${BUNDLE_COPIES:-}" ]; then set -- "$@" --copies "$BUNDLE_COPIES" --repetitions "$BUNDLE_COPIES"; fi
  for layout in i2s t5; do
    echo "layout $layout"
    "$work/native/cuda_bench" "$@" --m "$rows" --layout "$layout" --json "$results/bench-$layout.json" || return 1
  done
}

tool() {
  "$java" -cp "$class_path" -Dternary.cache.dir="$work/cache" org.ternarykernels.tool.Ternary info --device cuda
}

step machine machine
step c_interface "$work/native/ternary_cuda_tests"
step kernels kernels
step junit junit
step bench bench
step tool tool
rm -rf "$work"
exit $failed
