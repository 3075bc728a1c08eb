#!/usr/bin/env bash
# Runs parts of target/gpu-bundle as a bare machine would: from a folder with a space in its name, with a PATH that has
# what run.sh says it needs and nothing more, on the software GPU. Called by mvn -Pcuda,gpu-bundle. Usage: check.sh
# ARCHS [STEPS]; STEPS are those that must pass, by default all that take seconds here.
set -euo pipefail
arch=${1%%,*}
steps=${2:-residuals tool host pdl experts blocks cutlass gemm gemv cuda_no_device cuda_fault exactness machine}
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$root/target/gpu-bundle-check
bundle="$work/on a GPU machine"
rm -rf "$work"
mkdir -p "$work/bin" "$bundle"
cp -r "$root/target/gpu-bundle/." "$bundle"
for command in sh tar gzip uname cat grep date tail tee ln mkdir mv rm cmp env sed dirname timeout; do
  ln -s "$(command -v $command)" "$work/bin"
done
echo "19 300 tails" > "$work/verify.txt"

# run RESULTS VARIABLE=VALUE...
run() {
  local results=$1
  shift
  (cd / && env -i PATH="$work/bin" BUNDLE_RUNTIME="$root/java/target/native/softgpu" SOFTGPU_ARCH="$arch" \
    BUNDLE_SHAPES=small BUNDLE_EXPERTS=4,2,64,32 BUNDLE_ROWS=1 BUNDLE_COPIES=1 BUNDLE_VERIFY="$work/verify.txt" "$@" "$bundle/run.sh" "$results")
}

fail() {
  echo "GPU bundle: $*" >&2
  exit 1
}

# ends STATUS RESULTS LINE VARIABLE=VALUE...: run.sh has this status, and this last line in its summary
ends() {
  local expected=$1 results=$2 line=$3 status=0
  shift 3
  run "$results" "$@" > "$results.log" 2>&1 || status=$?
  [ "$status" = "$expected" ] || fail "run.sh ended with $status, not $expected: see $results.log"
  grep -qx "$line" <(tail -n 1 "$results/summary.txt") || fail "$results/summary.txt does not end with \"$line\""
}

printf '48 320 small\n48 384 rotated\n' > "$bundle/test-data/shapes/small.txt"
count=$(wc -w <<< "$steps")
ends 0 "$work/results" "passed: all of $count steps" BUNDLE_STEPS="$steps" BUNDLE_SECONDS=1200 BUNDLE_LIMIT=600
[ ! -e "$work/results/work" ] || fail "run.sh left $work/results/work"
# The order is run.sh's, not that of the request; what tells most comes first.
ran=$(sed -n 's/^\([a-z0-9_]*\): passed in .*/\1/p' "$work/results/summary.txt")
for step in machine exactness c_interface_on_gpu cuda_fault cuda_no_device gemv gemm cutlass blocks experts pdl host residuals tool; do
  case " $steps " in *" $step "*) echo "$step" ;; esac
done | cmp -s - <(echo "$ran") || fail "the steps ran in this order: $ran"
# Of the software GPU no time is told, and nothing that the cost model would take for a measurement.
for table in gemv gemm blocks experts pdl host; do
  case " $steps " in *" $table "*) ;; *) continue ;; esac
  grep -q 'software GPU: no times' "$work/results/$table.log" || fail "$table.log does not say that it tells no times"
  grep -q '_us":null\|"us":null' "$work/results/$table.json" || fail "$table.json has times of the software GPU"
  if grep -q '"[a-z0-9_]*_ns":[0-9]\|"us":[0-9]\|\(pdl\|eager\|graph\)_us":[0-9]' "$work/results/$table.json"; then
    fail "$table.json has times of the software GPU"
  fi
done
case " $steps " in
  *" residuals "*)
    grep -q '^# device kernel M N K predicted_us measured_us$' "$work/results/residuals.txt" || fail "no residuals.txt"
    if grep -v '^#' "$work/results/residuals.txt"; then fail "residuals.txt has lines of the software GPU"; fi
    ;;
esac

# CUTLASS's kernels, on the one architecture that has them; a step on any other says that it has none.
if grep -q libternary_cutlass_ <(tar -tzf "$bundle/native.tar.gz"); then
  ends 0 "$work/cutlass" "passed: all of 2 steps" SOFTGPU_ARCH=100f BUNDLE_STEPS="cutlass_kernels cutlass" BUNDLE_ROWS=33 \
    BUNDLE_SECONDS=1200 BUNDLE_LIMIT=600
  grep -q '"linear.cutlass_a8.cuda.sm100a":' "$work/cutlass/cutlass.json" || fail "see $work/cutlass/cutlass.json"
  grep -q '"us":null.*"bf16_peak_fraction":null' "$work/cutlass/cutlass.json" || fail "cutlass.json has times"
fi

# What is finished is not run again, and what is new is.
before=$(cat "$work/results/machine.log")
ends 0 "$work/results" "passed: all of 2 steps" BUNDLE_STEPS="machine cuda_two_devices"
grep -qx 'machine: passed before' "$work/results.log" || fail "machine ran again: see $work/results.log"
[ "$before" = "$(cat "$work/results/machine.log")" ] || fail "machine.log was written again"
# A step ends at its limit, keeps what it had, and is run again; what follows it runs all the same.
ends 2 "$work/cut" "unfinished: 1 of 2 steps; .* goes on" BUNDLE_STEPS="cuda_kernels host" BUNDLE_LIMIT=10
grep -q '^cuda_kernels: cut short after 10 s' "$work/cut/summary.txt" || fail "no limit: see $work/cut/summary.txt"
grep -q '^host: passed' "$work/cut/summary.txt" || fail "nothing ran after a step that was cut short"
ends 2 "$work/cut" "unfinished: 1 of 2 steps; .* goes on" BUNDLE_STEPS="cuda_kernels host" BUNDLE_LIMIT=2
[ "$(ls "$work/cut" | grep -c '^cuda_kernels\.cut-')" = 1 ] || fail "what a step had said before it was cut short is lost"
# No step begins when the seconds of all are over.
ends 2 "$work/late" "unfinished: 1 of 1 steps; .* goes on" BUNDLE_STEPS=machine BUNDLE_SECONDS=0
grep -qx 'machine: left out, the seconds are over' "$work/late/summary.txt" || fail "see $work/late/summary.txt"
# What fails must not look as if it had passed, nor be forgotten.
ends 1 "$work/no-gpu" 'FAILED: 1 of 2 steps, unfinished: 0' SOFTGPU_DEVICES=0 BUNDLE_STEPS="machine cuda_no_device"
ends 1 "$work/no-gpu" 'FAILED: 1 of 1 steps, unfinished: 0' BUNDLE_STEPS=machine
if run "$work/no-step" BUNDLE_STEPS="machin" 2> "$work/no-step.log"; then fail "run.sh took a step that is none"; fi
grep -q 'BUNDLE_STEPS has "machin", which is no step' "$work/no-step.log" || fail "see $work/no-step.log"
mkdir "$work/mine"
if run "$work/mine" 2> "$work/mine.log"; then fail "run.sh wrote into a folder that is not of its results"; fi
grep -q 'exists and is no folder of results' "$work/mine.log" || fail "see $work/mine.log"
rm -rf "$work"
