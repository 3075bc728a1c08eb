#!/bin/sh
# Tests and benchmarks ternary-kernels on this machine's GPU. Needs Linux x86-64 with glibc 2.34 or later, an NVIDIA
# driver r580 or later, tar, gzip, timeout and what comes with any shell; no network, no CUDA, no JDK.
#
#   ./run.sh [RESULTS]      RESULTS: the folder to make or to go on with, by default results-<time> here
#
# Steps run in the order below, what tells most first. Each has a limit of seconds and writes its result at once:
# RESULTS/<step>.log is what it printed, RESULTS/summary.txt has a line a step and a last one. Steps that passed or
# failed are skipped when run.sh is given the folder again; those that were cut short or left out run again. The exit
# status is 0 if all steps passed, 1 if one failed, 2 if none failed and some are unfinished.
#
# BUNDLE_SECONDS is how long all of it may take (default 570), BUNDLE_LIMIT what each step may. BUNDLE_STEPS says what
# is done (default: all; suites is every test of bundle_tests.txt but exactness, and each may be named). BUNDLE_SHAPES,
# BUNDLE_ROWS and BUNDLE_COPIES choose what is timed (file names of test-data/shapes, values of M, copies of the
# weights), BUNDLE_EXPERTS layers of experts (models, or E,T,H,I); BUNDLE_VERIFY=FILE has shapes for the tool's verify in the place of its own, lines "N K".
# BUNDLE_RUNTIME=FOLDER puts the libcudart.so.13 of a folder in the place of NVIDIA's: the software GPU, to try this
# script; SOFTGPU_ARCH is its architecture. cuBLASLt is timed where the loader finds it (LD_LIBRARY_PATH,
# /usr/local/cuda/lib64).
set -u
order="machine exactness suites gemv gemm cutlass blocks experts pdl host residuals junit tool"

die() {
  echo "run.sh: $*" >&2
  exit 1
}

# Seconds that a step may take.
limit_of() {
  case $1 in
    gemm | junit) echo 120 ;;
    gemv | cutlass | tool) echo 90 ;;
    blocks | experts) echo 60 ;;
    cuda_kernels) echo 100 ;;
    c_interface_on_gpu | cuda_c_interface) echo 60 ;;
    pdl) echo 40 ;;
    residuals) echo 10 ;;
    *) echo 30 ;;
  esac
}

# ---- The steps. They run in a process of their own, which inherits what prepare() exports.

machine() {
  uname -a
  cat /etc/os-release
  grep -m 1 'model name' /proc/cpuinfo
  nvidia-smi -q 2>&1 || echo "nvidia-smi: $?"
  "$native/cuda_bench" --facts || return 1
  echo "the GPU is served by $library"
}

# A test program of bundle_tests.txt, which must have found tests to run.
native_test() {
  set -f  # words of the list are filters like Cuda*.*
  # shellcheck disable=SC2046
  set -- $(sed -n "s/^$name //p" "$native/bundle_tests.txt" | sed "s/sm@arch@/$library/g")
  (cd "$native" && TERNARY_TEST_DATA="$here/test-data" env "$@") || return
  if grep -q '^\[==========\] 0 tests' "$results/$name.log"; then
    echo "no test has these names"
    return 1
  fi
}

# bench ROWS WORD...: cuda_bench over the shapes, with seconds to end by itself
bench() {
  m=$1
  shift
  for shape in $shapes; do set -- "$@" --shapes "$here/test-data/shapes/$shape.txt"; done
  if [ -n "${BUNDLE_COPIES:-}" ]; then set -- "$@" --copies "$BUNDLE_COPIES" --repetitions "$BUNDLE_COPIES"; fi
  if [ "$limit" -gt 20 ]; then set -- "$@" --seconds $((limit - 10)); fi
  "$native/cuda_bench" "$@" --m "$m" --json "$results/$name.json"
}

gemv() { bench "${BUNDLE_ROWS:-1,8,16,2,4}" --layout i2s,t5 --residuals "$results/residuals-gemv.txt"; }
# Those that every GPU has: CUTLASS's have a step of their own.
gemm() {
  export TERNARY_CUTLASS=0
  bench "${BUNDLE_ROWS:-64,512,32,128,17,24,48,96}" --layout i2s,t5 --residuals "$results/residuals-gemm.txt"
}
# CUTLASS's kernels, which a device of compute capability 10.0 has. Four copies of weights: many rows do not wait for them.
cutlass() {
  if [ "$library" != sm100f ]; then
    echo "this device is of no compute capability that CUTLASS's library is made for"
    return
  elif [ ! -e "$native/libternary_cutlass_sm100a.so" ]; then
    echo "the bundle was made without CUTLASS's library"
    return
  fi
  export TERNARY_CUTLASS=1
  BUNDLE_COPIES=${BUNDLE_COPIES:-4}
  bench "${BUNDLE_ROWS:-512,4096,128,32,2048,64,1024,256}" --layout i2s --residuals "$results/residuals-cutlass.txt"
  status=$?
  if ! grep -q '"linear\.cutlass_' "$results/$name.json"; then
    echo "CUTLASS's kernels served nothing"
    return 1
  fi
  return $status
}
# X by block and rotated, beside X by token. One model's shapes tell what all of them would.
blocks() {
  shapes=${shapes%% *}
  bench "${BUNDLE_ROWS:-1,64,512,8,16,128}" --layout i2s,t5 --block 0,128 --rotation 0,128
}
# Layers of experts, of two models or of BUNDLE_EXPERTS.
experts() {
  set --
  for layer in ${BUNDLE_EXPERTS:-qwen3-30b-a3b maple-20b-a1b}; do set -- "$@" --experts "$layer"; done
  if [ "$limit" -gt 20 ]; then set -- "$@" --seconds $((limit - 10)); fi
  "$native/cuda_bench" "$@" --m "${BUNDLE_ROWS:-1,64,4,16,256}" --layout i2s,t5 ${BUNDLE_COPIES:+--repetitions "$BUNDLE_COPIES"} \
    --json "$results/$name.json"
}
# One model's shapes tell of launches what all of them would.
pdl() {
  shapes=${shapes%% *}
  bench "${BUNDLE_ROWS:-1,8,32}" --pdl
}
host() {
  shapes=${shapes%% *}
  bench "${BUNDLE_ROWS:-1,32}" --host
}

# What the cost model loads: one file, which a runtime must accept.
residuals() {
  cat "$results"/residuals-*.txt > "$results/residuals.txt" || return 1
  TERNARY_COST_RESIDUALS="$results/residuals.txt" "$native/cuda_bench" --library > "$work/library" || return 1
  echo "$(grep -vc '^#' "$results/residuals.txt") measurements beside the cost model in residuals.txt"
}

need_java() {
  [ ! -d "$work/test-classes" ] || return 0
  if [ -f "$here/runtime.tar.gz" ]; then tar -C "$work" -xzf "$here/runtime.tar.gz" || return 1; fi
  tar -C "$work" -xzf "$here/jars.tar.gz" || return 1
  mkdir "$work/test-classes" && tar -C "$work/test-classes" -xzf "$here/test-classes.tar.gz"
}

run_java() {
  java=java
  if [ -x "$work/runtime/bin/java" ]; then java=$work/runtime/bin/java; fi
  class_path=$work/test-classes:$native/cuda-classes
  for jar in "$work"/jars/*.jar; do class_path=$class_path:$jar; done
  "$java" ${BUNDLE_RUNTIME:+"-Dternary.cuda.runtime=$BUNDLE_RUNTIME"} -Dternary.cache.dir="$work/cache" \
    -cp "$class_path" "$@"
}

junit() {
  need_java || return 1
  # The classes of the two gpu-tests.txt but ReadmeExampleTest, which compiles.
  classes='BlockLayers|Cuda.*|Device.*|Experts|Lifetime|MoeLayer|RmsNormLinear|RowOperations'
  classes="$classes|TernaryBuffer|TernaryLinear|TernaryRuntime"
  set -- --include-classname=".*\.($classes)Test"
  if [ -n "${BUNDLE_RUNTIME:-}" ]; then
    device=softgpu:sm_$SOFTGPU_ARCH
  else
    device=gpu
    set -- "$@" --exclude-tag=softgpu  # what only the software GPU can be told to be
  fi
  run_java -Xmx2g -Dternary.test.device="$device" -Dtest.data="$here/test-data" \
    org.junit.platform.console.ConsoleLauncher execute --disable-banner --details=tree --disable-ansi-colors \
    --fail-if-no-tests --scan-class-path="$work/test-classes" --reports-dir="$results/junit" "$@" || return
  # For the summary, after what runtimes say at the JVM's end.
  echo $(sed -n 's/^\[ *\([0-9]* tests \(successful\|skipped\|failed\)\) *\]$/\1/p' "$results/$name.log")
}

ternary() { run_java org.ternarykernels.tool.cli.Ternary "$@"; }

# The command line as users have it: the text of tiny-bitnet must be the CPU's, byte for byte.
tool() {
  need_java || return 1
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

if [ "${1:-}" = --step ]; then
  name=$2
  limit=$3
  case $name in
    machine | gemv | gemm | cutlass | blocks | experts | pdl | host | residuals | junit | tool) "$name" ;;
    *) native_test ;;
  esac
  exit
fi

# ---- What chooses, limits and counts them.

prepare() {
  here=$(cd "$(dirname "$0")" && pwd)
  results=${1:-$here/results-$(date -u +%Y%m%dT%H%M%SZ)}
  shapes=${BUNDLE_SHAPES:-bitnet-2b-4t llama3-8b-1.58 qwen3-30b-a3b}
  end=$(($(date +%s) + ${BUNDLE_SECONDS:-570}))
  if [ -n "${BUNDLE_RUNTIME:-}" ]; then
    [ -n "${SOFTGPU_ARCH:-}" ] || die "BUNDLE_RUNTIME is set; SOFTGPU_ARCH must name the architecture of the software GPU"
    BUNDLE_RUNTIME=$(cd "$BUNDLE_RUNTIME" && pwd) || exit 1
  fi
  if [ -e "$results" ] && [ ! -d "$results/finished" ]; then die "$results exists and is no folder of results"; fi
  mkdir -p "$results/finished" || exit 1
  results=$(cd "$results" && pwd)
  work=$results/work
  rm -rf "$work"
  mkdir "$work" || exit 1
  child=
  trap 'rm -rf "$work"' EXIT
  trap '[ -z "$child" ] || kill "$child"; exit 1' HUP INT TERM
  # Settings of this library that the user may have would change what is tested.
  for setting in $(env | sed -n 's/^\(TERNARY_[A-Z0-9_]*\)=.*/\1/p'); do unset "$setting"; done
  tar -C "$work" -xzf "$here/native.tar.gz" || exit 1
  native=$work/native
  # libternary.so looks for the GPU libraries and the runtime beside itself.
  ln -s "$native"/cuda-classes/org/ternarykernels/cuda/linux-x86_64/*.so* "$native" || exit 1
  if [ -n "${BUNDLE_RUNTIME:-}" ]; then ln -sf "$BUNDLE_RUNTIME/libcudart.so.13" "$native" || exit 1; fi
  LD_LIBRARY_PATH=$native:${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}/usr/local/cuda/lib64
  # Where that fails the steps say so themselves.
  library=$(LD_LIBRARY_PATH=$LD_LIBRARY_PATH "$native/cuda_bench" --library 2> /dev/null) || library=none
  export here results work native library shapes LD_LIBRARY_PATH
}

# The steps that are wanted, suites by their names, in their order.
choose() {
  suites=$(sed 's/ .*//' "$native/bundle_tests.txt" | grep -vx exactness)
  for wish in ${BUNDLE_STEPS:-}; do
    case " $order $(echo $suites) " in
      *" $wish "*) ;;
      *) die "BUNDLE_STEPS has \"$wish\", which is no step" ;;
    esac
  done
  wanted=
  for step in $order; do
    names=$step
    if [ "$step" = suites ]; then names=$suites; fi
    for each in $names; do
      case " ${BUNDLE_STEPS:-$order} " in *" $each "* | *" $step "*) wanted="$wanted $each" ;; esac
    done
  done
}

say() { echo "$*" | tee -a "$results/summary.txt"; }

# Runs a step within its limit, and says how it ended.
run_step() {
  name=$1
  left=$((end - $(date +%s)))
  limit=${BUNDLE_LIMIT:-$(limit_of "$name")}
  if [ "$limit" -gt "$left" ]; then limit=$left; fi
  if [ "$limit" -lt 1 ]; then
    say "$name: left out, the seconds are over"
    return
  fi
  begin=$(date +%s)
  # What a run that was cut short has measured stays.
  for file in "$name.log" "$name.json" "residuals-$name.txt"; do
    if [ -e "$results/$file" ]; then mv "$results/$file" "$results/${file%.*}.cut-$begin.${file##*.}"; fi
  done
  timeout -k 5 "$limit" "$here/run.sh" --step "$name" "$limit" > "$results/$name.log" 2>&1 < /dev/null &
  child=$!
  wait $child
  status=$?
  child=
  case $status in
    0) word=passed ;;
    3 | 124 | 137) word="cut short after $limit s" ;;  # 3: cuda_bench's, whose seconds were over
    *) word="FAILED ($status)" ;;
  esac
  case $word in cut*) ;; *) echo "$word" > "$results/finished/$name" ;; esac
  say "$name: $word in $(($(date +%s) - begin)) s, $(tail -n 1 "$results/$name.log")"
}

prepare "$@"
choose
for each in $wanted; do
  if [ -e "$results/finished/$each" ]; then
    echo "$each: $(cat "$results/finished/$each") before"
  else
    run_step "$each"
  fi
done
all=0
failed=0
unfinished=0
for each in $wanted; do
  all=$((all + 1))
  if [ ! -e "$results/finished/$each" ]; then
    unfinished=$((unfinished + 1))
  elif [ "$(cat "$results/finished/$each")" != passed ]; then
    failed=$((failed + 1))
  fi
done
if [ $failed -gt 0 ]; then
  say "FAILED: $failed of $all steps, unfinished: $unfinished"
  exit 1
elif [ $unfinished -gt 0 ]; then
  say "unfinished: $unfinished of $all steps; run.sh $results goes on"
  exit 2
fi
say "passed: all of $all steps"
