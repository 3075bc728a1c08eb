#!/bin/sh
# Tests and benchmarks ternary-kernels on this machine's GPU. Needs Linux x86-64 with glibc 2.34 or later, an NVIDIA
# driver r580 or later, tar, gzip and what comes with any shell; no network, no CUDA, no JDK.
#
#   ./run.sh [RESULTS]      RESULTS: the folder to make, by default results-<time> here
#
# RESULTS/summary.txt has a line a step and a last one; RESULTS/<step>.log what the step printed. The exit status is 0
# if all steps passed, else 1. cuBLASLt is timed where the loader finds it (LD_LIBRARY_PATH, /usr/local/cuda/lib64).
#
# BUNDLE_STEPS says what is done (default: machine native junit bench tool; native is all of cuda_c_interface,
# cuda_kernels and the other tests of bundle_tests.txt, which may be named instead). BUNDLE_SHAPES, BUNDLE_ROWS and
# BUNDLE_COPIES choose what is timed (file names of test-data/shapes, values of M, copies of the weights);
# BUNDLE_VERIFY=FILE has shapes for the tool's verify in the place of its own, lines "N K". BUNDLE_RUNTIME=FOLDER puts
# the libcudart.so.13 of a folder in the place of NVIDIA's: the software GPU, to try this script; SOFTGPU_ARCH is its
# architecture.
set -u
here=$(cd "$(dirname "$0")" && pwd)
results=${1:-$here/results-$(date -u +%Y%m%dT%H%M%SZ)}
steps=${BUNDLE_STEPS:-machine native junit bench tool}
shapes=${BUNDLE_SHAPES:-bitnet-2b-4t llama3-8b-1.58 qwen3-30b-a3b}
rows=${BUNDLE_ROWS:-1,2,4,8,16,64,512}

die() {
  echo "run.sh: $*" >&2
  exit 1
}

if [ -n "${BUNDLE_RUNTIME:-}" ]; then
  [ -n "${SOFTGPU_ARCH:-}" ] || die "BUNDLE_RUNTIME is set; SOFTGPU_ARCH must name the architecture of the software GPU"
  BUNDLE_RUNTIME=$(cd "$BUNDLE_RUNTIME" && pwd) || exit 1
fi
[ ! -e "$results" ] || die "$results exists; the results need a folder of their own"
mkdir -p "$results/work" || exit 1
results=$(cd "$results" && pwd)
work=$results/work
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
# Settings of this library that the user may have would change what is tested.
for name in $(env | sed -n 's/^\(TERNARY_[A-Z0-9_]*\)=.*/\1/p'); do unset "$name"; done

tar -C "$work" -xzf "$here/native.tar.gz" || exit 1
native=$work/native
# libternary.so looks for the GPU libraries and the runtime beside itself.
ln -s "$native"/cuda-classes/org/ternarykernels/cuda/linux-x86_64/*.so* "$native" || exit 1
if [ -n "${BUNDLE_RUNTIME:-}" ]; then ln -sf "$BUNDLE_RUNTIME/libcudart.so.13" "$native" || exit 1; fi
LD_LIBRARY_PATH=$native:${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}/usr/local/cuda/lib64
export LD_LIBRARY_PATH
if [ -f "$here/runtime.tar.gz" ]; then
  tar -C "$work" -xzf "$here/runtime.tar.gz" || exit 1
  java=$work/runtime/bin/java
else
  java=java
fi
mkdir "$work/test-classes"
tar -C "$work/test-classes" -xzf "$here/test-classes.tar.gz" || exit 1
class_path=$work/test-classes:$native/cuda-classes
for jar in "$here"/jars/*.jar; do class_path=$class_path:$jar; done

for name in $steps; do
  case $name in
    machine | native | junit | bench | tool) ;;
    *) grep -q "^$name " "$native/bundle_tests.txt" || die "BUNDLE_STEPS has \"$name\", which is no step" ;;
  esac
done
passed=0
failed=0

# step NAME COMMAND...: output in RESULTS/NAME.log, its end in RESULTS/summary.txt
step() {
  name=$1
  shift
  begin=$(date +%s)
  "$@" > "$results/$name.log" 2>&1 < /dev/null
  status=$?
  seconds=$(($(date +%s) - begin))
  if [ $status -eq 0 ]; then
    word=passed
    passed=$((passed + 1))
  else
    word="FAILED ($status)"
    failed=$((failed + 1))
  fi
  echo "$name: $word in $seconds s, $(tail -n 1 "$results/$name.log")" | tee -a "$results/summary.txt"
}

wanted() {
  case " $steps " in *" $1 "*) return 0 ;; *) return 1 ;; esac
}

machine() {
  uname -a
  cat /etc/os-release
  grep -m 1 'model name' /proc/cpuinfo
  nvidia-smi -q 2>&1 || echo "nvidia-smi: $?"
  library=$("$native/cuda_bench" --library) || return 1
  echo "the GPU is served by $library"
}

# native_test LIBRARY WORDS...: a test program, which must have found tests to run
native_test() {
  library=$1
  shift
  for word in "$@"; do  # each is taken from the front and put back behind, with the library in it
    shift
    set -- "$@" "$(echo "$word" | sed "s/sm@arch@/$library/")"
  done
  (cd "$native" && TERNARY_TEST_DATA="$here/test-data" env "$@") || return
  if grep -q '^\[==========\] 0 tests' "$results/$name.log"; then
    echo "no test has these names"
    return 1
  fi
}

native_tests() {
  # Where that fails the kernels' step says so; the others find a GPU themselves.
  library=$("$native/cuda_bench" --library 2> /dev/null) || library=none
  set -f  # words of the list are filters like Cuda*.*
  while read -r test words; do
    # shellcheck disable=SC2086
    if wanted native || wanted "$test"; then step "$test" native_test "$library" $words; fi
  done < "$native/bundle_tests.txt"
  set +f
}

junit() {
  # The classes of the two gpu-tests.txt but ReadmeExampleTest, which compiles.
  classes='Cuda.*|Device.*|Lifetime|RmsNormLinear|TernaryBuffer|TernaryLinear|TernaryRuntime'
  set -- --include-classname=".*\.($classes)Test"
  if [ -n "${BUNDLE_RUNTIME:-}" ]; then
    device=softgpu:sm_$SOFTGPU_ARCH
  else
    device=gpu
    set -- "$@" --exclude-tag=softgpu  # what only the software GPU can be told to be
  fi
  "$java" -Xmx2g -Dternary.test.device="$device" ${BUNDLE_RUNTIME:+"-Dternary.cuda.runtime=$BUNDLE_RUNTIME"} \
    -Dternary.cache.dir="$work/cache" -Dtest.data="$here/test-data" -cp "$class_path" \
    org.junit.platform.console.ConsoleLauncher execute --disable-banner --details=tree --disable-ansi-colors \
    --fail-if-no-tests --scan-class-path="$work/test-classes" --reports-dir="$results/junit" "$@" || return
  # For the summary, after what runtimes say at the JVM's end.
  echo $(sed -n 's/^\[ *\([0-9]* tests \(successful\|skipped\|failed\)\) *\]$/\1/p' "$results/$name.log")
}

bench() {
  set --
  for shape in $shapes; do set -- "$@" --shapes "$here/test-data/shapes/$shape.txt"; done
  if [ -n "${BUNDLE_COPIES:-}" ]; then set -- "$@" --copies "$BUNDLE_COPIES" --repetitions "$BUNDLE_COPIES"; fi
  for layout in i2s t5; do
    echo "layout $layout"
    "$native/cuda_bench" "$@" --m "$rows" --layout "$layout" --json "$results/bench-$layout.json" || return 1
  done
}

ternary() {
  "$java" ${BUNDLE_RUNTIME:+"-Dternary.cuda.runtime=$BUNDLE_RUNTIME"} -Dternary.cache.dir="$work/cache" \
    -cp "$class_path" org.ternarykernels.tool.cli.Ternary "$@"
}

# The command line as users have it: the text of tiny-bitnet must be the CPU's, byte for byte.
tool() {
  ternary info --device cuda --json "$results/info.json" || return 1
  for device in cpu cuda; do
    ternary decode --model "$here/test-data/tiny-bitnet" --prompt 'import os' --tokens 32 --temperature 0.8 \
      --device $device --json "$results/decode-$device.json" > "$results/text-$device.txt" || return 1
  done
  cat "$results/text-cuda.txt"
  cmp "$results/text-cpu.txt" "$results/text-cuda.txt" || return 1
  grep -q '\.cuda\.sm' "$results/decode-cuda.json" || { echo "the GPU served nothing"; return 1; }
  ternary verify --device cuda ${BUNDLE_VERIFY:+--shapes "$BUNDLE_VERIFY"} --json "$results/verify.json"
}

if wanted machine; then step machine machine; fi
native_tests
if wanted junit; then step junit junit; fi
if wanted bench; then step bench bench; fi
if wanted tool; then step tool tool; fi
if [ $failed -gt 0 ] || [ $passed -eq 0 ]; then
  echo "FAILED: $failed of $((passed + failed)) steps" | tee -a "$results/summary.txt"
  exit 1
fi
echo "passed: all of $passed steps" | tee -a "$results/summary.txt"
