#!/usr/bin/env bash
# playbook.sh [FOLDER]: the whole playbook on tiny shapes, from nothing to the report, in three minutes on two cores. What
# each command is for is in jmh/doc/playbook.md. FOLDER keeps the results; without it they are removed at the end.
set -euo pipefail
cd "$(dirname "$0")/../../.."
out=${1:-}
if [ -z "$out" ]; then
  out=$(mktemp -d)
  trap 'rm -rf "$out"' EXIT
fi
mkdir -p "$out"
ternary() { java -jar jmh/target/ternary.jar "$@"; }
# step NAME COMMAND...: runs it, and says what it took.
step() {
  local name=$1 start=$SECONDS
  shift
  echo "== $name"
  "$@"
  echo "== $name: $((SECONDS - start)) s"
}
# fails CODE COMMAND...: it must end with this exit code.
fails() {
  local wanted=$1 code=0
  shift
  "$@" || code=$?
  [ "$code" = "$wanted" ] || { echo "exit code $code, must be $wanted: $*" >&2; exit 1; }
}

cat >"$out/tiny.txt" <<'SHAPES'
384 256 qkv
256 256 o
1024 256 gate_up
256 512 down
SHAPES
cat >"$out/tiny.yaml" <<'SIZES'
{layers: 2, kv_heads: 2, head_dim: 32, context: 4096, alpha: tensor}
SIZES
echo "256 256 o" >"$out/one.txt"
stack=(--shapes "$out/tiny.txt" --sizes "$out/tiny.yaml")

cat >"$out/gates.yaml" <<'GATES'
gates:
  - name: a product of one row is no slower than ten times the baseline
    metric: ns
    where: {op: linear, M: 1}
    ratio: {max: 10}
GATES
cat >"$out/impossible.yaml" <<'GATES'
gates:
  - {name: no product takes no time, metric: ns, max: 0}
GATES
bench=(bench --shapes "$out/one.txt" --m 1,16 --op linear --layout i2s_tiled --memory resident --seconds 0.02)
step bench ternary "${bench[@]}" --out-dir "$out/bench"
step gate ternary "${bench[@]}" --out-dir "$out/bench-again" --gate "$out/gates.yaml" --baseline "$out/bench"
step "gate that fails" fails 1 ternary "${bench[@]}" --gate "$out/impossible.yaml"

load=(--mix 60x8,40x16 --tokens 4 --requests 8)
step load ternary load "${stack[@]}" "${load[@]}" --users 1,4 --out-dir "$out/load"
step "load, open" ternary load --model test-data/tiny-mangrove "${load[@]}" --users 4 --rate 50 --out-dir "$out/load-open"
step capacity ternary capacity "${stack[@]}" "${load[@]}" --most-users 4 --ttft-ms 1000 --itl-ms 1000 --out-dir "$out/capacity"
step sweep ternary sweep "${stack[@]}" "${load[@]}" --only baseline,split2,t5 --out-dir "$out/sweep" \
  --keep-pareto "$out/settings.txt"
step hybrid ternary hybrid --shapes "$out/one.txt" --m 1,16 --seconds 0.05 --memory resident --settings "$out/threshold.txt" --out-dir "$out/hybrid"
step shadow ternary shadow "${stack[@]}" --by oracle --every 2 --steps 4 --out-dir "$out/shadow"
step "shadow report" ternary shadow --report "$out/shadow"
step parity ternary parity --model test-data/tiny-bitnet --a cpu --b isa:portable --tokens 8 --out-dir "$out/parity"
step report ternary report "$out"/{bench,bench-again,load,load-open,capacity,sweep,hybrid,shadow,parity} --out "$out/report.html"

grep -q '<svg' "$out/report.html"
test -s "$out/report.html.csv"
TERNARY_SETTINGS="$out/settings.txt" ternary info --json "$out/info.json" >/dev/null
grep -q settings.txt "$out/info.json"
echo "the playbook ran in $SECONDS s"
