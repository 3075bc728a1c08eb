"""Makes of CMake's compile_commands.json what clang-tidy can read: lint_commands.py OUT_FOLDER IN... (cmake/lint.sh).

Prints the files to check.
"""

import json
import pathlib
import re
import sys

# Clang does not know these options of GCC.
GCC_ONLY = re.compile(r" -(mmemset-strategy=\S*|fno-tree-loop-distribute-patterns|Wno-maybe-uninitialized)")


def main(folder, *databases):
    commands = []
    for entry in [entry for database in databases for entry in json.loads(pathlib.Path(database).read_text())]:
        # The emulation redefines intrinsics that Clang has as macros; the same sources are checked without it.
        if "cpu/emulation" in entry["command"]:
            continue
        commands.append({**entry, "command": GCC_ONLY.sub("", entry["command"])})
    if not commands:
        sys.exit(f"{databases} have no files to check")
    out = pathlib.Path(folder)
    out.mkdir(exist_ok=True)
    (out / "compile_commands.json").write_text(json.dumps(commands, indent=1))
    print(*sorted({command["file"] for command in commands}), sep="\n")


main(*sys.argv[1:])
