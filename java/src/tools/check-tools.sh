#!/bin/sh
# Names every missing or too old tool of the native build, with its package, just before that build.
# Usage: check-tools.sh CUDA TESTS (ON, AUTO or OFF; ON or OFF)
set -u
cuda=$1
tests=$2
missing=0

# at_least FOUND WANTED: compares MAJOR.MINOR versions; an empty FOUND is too old.
at_least() {
  [ -n "$1" ] || return 1
  [ "$(printf '%s\n%s\n' "$2" "$1" | sort -t . -k 1,1n -k 2,2n | head -n 1)" = "$2" ]
}

# require NAME FOUND WANTED ADVICE
require() {
  if at_least "$2" "$3"; then return; fi
  missing=1
  echo "missing build tool: $1 $3 or newer (found: ${2:-none}). $4" >&2
}

# The first MAJOR.MINOR[...] of what a command prints.
version_of() { "$@" 2>/dev/null | sed -n 's/^[^0-9]*\([0-9][0-9.]*\).*/\1/p' | head -n 1; }

require g++ "$(version_of g++ -dumpfullversion)" 12 "Install it (Debian: apt-get install g++)."
require CMake "$(version_of cmake --version)" 3.25 "Install it (Debian: apt-get install cmake; or pip install cmake)."
require Ninja "$(version_of ninja --version)" 1.10 "Install it (Debian: apt-get install ninja-build; or pip install ninja)."

# cmake/CudaToolchain.cmake takes an installed CUDA or fetches one.
can_fetch_cuda() { python3 -m pip --version || python3 -c 'import ensurepip, venv'; } >/dev/null 2>&1
has_cuda() { [ -x "${CUDA_HOME:-}/bin/nvcc" ] || [ -x "${CUDA_PATH:-}/bin/nvcc" ] || [ -x /usr/local/cuda/bin/nvcc ] || command -v nvcc; } >/dev/null 2>&1
if [ "$cuda" = ON ] && ! has_cuda && ! can_fetch_cuda; then
  missing=1
  echo "missing build tool: CUDA 13 or newer, or python3 with pip or venv to fetch it (Debian: apt-get install python3-venv)." >&2
  echo "Without -Pcuda the CPU library is built alone." >&2
fi

# cmake's find_package, asked the way the build asks it, costs a second; the header does the same in 10 ms.
if [ "$tests" = ON ] && ! echo '#include <gtest/gtest.h>' | g++ -E -x c++ - >/dev/null 2>&1; then
  missing=1
  echo "missing build tool: GoogleTest 1.12 or newer (Debian: apt-get install libgtest-dev). -DskipTests builds without." >&2
fi
exit $missing
