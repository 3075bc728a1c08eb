#!/usr/bin/env bash
# Runs parts of target/gpu-bundle as a bare machine would: from a folder with a space in its name, with a PATH that has
# what run.sh says it needs and nothing more, on the software GPU. Called by mvn -Pcuda,gpu-bundle. Usage: check.sh
# ARCHS
set -euo pipefail
arch=${1%%,*}
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$root/target/gpu-bundle-check
bundle="$work/on a GPU machine"
rm -rf "$work"
mkdir -p "$work/bin" "$bundle"
cp -r "$root/target/gpu-bundle/." "$bundle"
for command in sh tar gzip uname cat grep date tail tee ln mkdir rm cmp env sed dirname; do
  ln -s "$(command -v $command)" "$work/bin"
done
echo "19 300 tails" > "$work/verify.txt"

# run RESULTS VARIABLE=VALUE...
run() {
  local results=$1
  shift
  (cd / && env -i PATH="$work/bin" BUNDLE_RUNTIME="$root/java/target/native/softgpu" SOFTGPU_ARCH="$arch" \
    BUNDLE_SHAPES=small BUNDLE_ROWS=1 BUNDLE_COPIES=1 BUNDLE_VERIFY="$work/verify.txt" "$@" "$bundle/run.sh" "$results")
}

fail() {
  echo "GPU bundle: $*" >&2
  exit 1
}

echo "48 320 small" > "$bundle/test-data/shapes/small.txt"
run "$work/results" BUNDLE_STEPS="machine cuda_fault cuda_no_device c_interface_on_gpu bench tool" ||
  fail "see $work/results"
grep -qx 'passed: all of 6 steps' "$work/results/summary.txt" || fail "no last line in $work/results/summary.txt"
[ ! -e "$work/results/work" ] || fail "run.sh left $work/results/work"
# What fails must not look as if it had passed.
if run "$work/no-gpu" SOFTGPU_DEVICES=0 BUNDLE_STEPS="machine cuda_no_device" > "$work/no-gpu.log"; then
  fail "run.sh passed without a GPU"
fi
grep -qx 'FAILED: 1 of 2 steps' "$work/no-gpu/summary.txt" || fail "no last line in $work/no-gpu/summary.txt"
if run "$work/no-step" BUNDLE_STEPS="machin" 2> "$work/no-step.log"; then fail "run.sh took a step that is none"; fi
grep -q 'BUNDLE_STEPS has "machin", which is no step' "$work/no-step.log" || fail "see $work/no-step.log"
if run "$work/results" 2> "$work/again.log"; then fail "run.sh wrote into results that were there"; fi
grep -q 'exists; the results need a folder of their own' "$work/again.log" || fail "see $work/again.log"
rm -rf "$work"
