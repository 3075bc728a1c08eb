#!/usr/bin/env bash
# Formatting and clang-tidy of the native code, with the pinned wheels of lint-requirements.txt. No build calls this:
# `mvn -Plint` does. Usage: lint.sh [BUILD_FOLDER] (default java/target); `lint.sh --format` formats instead. With
# LINT_TESTS=1 clang-tidy reads tests too, which takes it longer than all else: 6 s a file, 2 to 4 s of others.
set -euo pipefail
cd "$(dirname "$0")/.."
format=false
if [ "${1:-}" = --format ]; then format=true && shift; fi
build="${1:-java/target}"
venv="$build/lint-venv"
native="$build/native-lint"

fail() { echo "lint: $*" >&2; exit 1; }

# The stamp holds the requirements that are installed.
if ! cmp -s cmake/lint-requirements.txt "$venv/stamp"; then
  rm -rf "$venv" && mkdir -p "$build"
  python3 -m venv "$venv" || fail "python3 cannot make a virtual environment (Debian: python3-venv)"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
    -r cmake/lint-requirements.txt || fail "pip could not fetch what cmake/lint-requirements.txt pins"
  cp cmake/lint-requirements.txt "$venv/stamp"
fi

mapfile -t sources < <(find native java/src/main/cpp jmh/src -type f -regex '.*[.]\(c\|cc\|h\|cu\|cuh\|inc\)' | sort)
if $format; then
  "$venv/bin/clang-format" -i "${sources[@]}"
  exit
fi
"$venv/bin/clang-format" --dry-run -Werror "${sources[@]}" ||
  fail "native code is not formatted; cmake/lint.sh --format does it"

# configure SOURCE BUILD ARGUMENT...
configure() {
  cmake -S "$1" -B "$2" -G Ninja "${@:3}" >"$2.log" 2>&1 || { cat "$2.log" >&2; fail "CMake could not configure $1"; }
}

# What CMake compiles without CUDA, so host code only. Of the software GPU that is what executes PTX, not the runtime
# around it, which needs CUDA's headers. And what opens peers for the tool.
configure native "$native" -DTERNARY_BUILD_TESTS=ON -DTERNARY_CUDA=OFF
configure jmh/src/main/native "$native-peer" -DCMAKE_EXPORT_COMPILE_COMMANDS=ON
python3 cmake/lint_commands.py "$native/lint" "$native"{,-peer}/compile_commands.json >"$native/files" ||
  fail "no list of files for clang-tidy"
[ -n "${LINT_TESTS:-}" ] || sed -i '\#/tests/#d' "$native/files"
# What it prints besides findings counts warnings of system headers.
xargs -P "$(nproc)" -n 3 "$venv/bin/clang-tidy" --quiet -p "$native/lint" <"$native/files" >"$native/findings" 2>&1 ||
  { grep -vE '^\[[0-9/]+\] Processing|^Error while processing|warnings?( and .*)? generated' "$native/findings" >&2
    fail "clang-tidy has findings (above); .clang-tidy names its checks"; }
echo "lint: ${#sources[@]} native files are formatted, $(wc -l <"$native/files") pass clang-tidy"
