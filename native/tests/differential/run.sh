#!/usr/bin/env bash
# Compares libternary.so with the second contract: run.sh FOLDER PROGRAM LIBRARY [OPTIONS]. FOLDER is for the virtual
# environment with the pinned NumPy, PROGRAM compare.py or mutants.py; mangrove.py wants a model for a LIBRARY. Exits with 77 where NumPy cannot be had, which
# ctest shows as skipped; with TERNARY_NUMPY=required, as in the gate, that is a failure.
# TERNARY_DIFFERENTIAL_PROBLEMS chooses another number of problems, unless it is 0.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
venv=$1/differential-venv
program=$2
shift 2

without() {
  echo "not compared: $*" >&2
  [ "${TERNARY_NUMPY:-}" = required ] && exit 1
  exit 77
}

# One at a time makes it; the stamp holds the requirements that are installed.
exec 9>"$venv.lock"
flock 9
if ! cmp -s "$here/requirements.txt" "$venv/stamp"; then
  rm -rf "$venv"
  python3 -m venv "$venv" >&2 || without "python3 cannot make a virtual environment (Debian: python3-venv)"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
    -r "$here/requirements.txt" >&2 || without "pip could not fetch what requirements.txt pins"
  cp "$here/requirements.txt" "$venv/stamp"
fi
flock -u 9

export PYTHONDONTWRITEBYTECODE=1
if [ "$program" = compare.py ] && [ "${TERNARY_DIFFERENTIAL_PROBLEMS:-0}" != 0 ]; then
  set -- "$@" --problems "$TERNARY_DIFFERENTIAL_PROBLEMS"
fi
exec "$venv/bin/python" "$here/$program" "$@"
