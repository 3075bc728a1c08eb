#!/usr/bin/env python3
"""Writes the tables of ratios to peers that stand in documents, from what `ternary bench --peer ... --json` has written.

    bench_table.py DOCUMENT.md...              writes the tables
    bench_table.py --check DOCUMENT.md...      writes nothing; exits with 1 if a table would differ, or there is none
    bench_table.py --keep BENCH.json SMALL.json    copies what the tables need, without folders of the machine

A table stands between two lines of the document. The first names the files, from the document's folder:

    <!-- bench_table.py zen3.json zen5.json -->
    <!-- end -->

A cell is the geometric mean over shapes of a peer's time / ours, then the least and the largest of these ratios with their
95 % intervals. Ours is I2S, and T5 in its place where it is faster by more than both errors.
"""

import json
import math
import os
import re
import sys

OWN = ("bf16", "f32", "int8", "portable", "linear")  # and the limit, which comes last
TABLE = re.compile(r"(<!-- bench_table\.py ([^>]*?) *-->\n).*?(<!-- end -->)", re.DOTALL)
MACHINE = ("cpu_model", "cpu_family_model_stepping", "caches", "cores", "os", "jdk", "version", "knobs")
ROW = ("op", "shape", "N", "K", "M", "layout", "isa", "path", "threads", "memory", "ns", "ns_error", "ahead")


def peers(rows):
    """Names in the order of the file; `limit` is the last one."""
    names = [key[len("ratio_to_"):] for row in rows for key in row if re.fullmatch(r"ratio_to_[^_]+", key)]
    return [name for name in dict.fromkeys(names) if name not in OWN + ("limit",)] + ["limit"]


def chosen(rows):
    """The products of int8 activations, each with the layout that is faster."""
    best = {}
    for row in rows:
        if row["op"] != "linear" or "error" in row:
            continue
        product = (row["isa"], row["shape"], row["M"], row["memory"], row["threads"])
        known = best.get(product)
        if known is None or row["ns"] + row["ns_error"] < known["ns"] - known["ns_error"]:
            best[product] = row
    return list(best.values())


def interval(row, peer):
    ratio = f"ratio_to_{peer}"
    return f"{row[ratio]:.2f} [{row[ratio + '_low']:.2f}, {row[ratio + '_high']:.2f}]"


def cell(rows, peer):
    ratio = f"ratio_to_{peer}"
    timed = sorted((row for row in rows if row.get(ratio) is not None), key=lambda row: row[ratio])
    if not timed:
        return "-"
    if len(timed) == 1:
        text = interval(timed[0], peer)
    else:
        mean = math.exp(sum(math.log(row[ratio]) for row in timed) / len(timed))
        text = f"{mean:.2f} ({interval(timed[0], peer)} to {interval(timed[-1], peer)})"
    some = f" of {len(timed)}" if len(timed) < len(rows) else ""
    ahead = sum(peer in row.get("ahead", ()) for row in timed)
    return text + some + (f" \\*{ahead}" if ahead else "")


def lines(bench, isa, rows):
    """The tables of one machine and instruction set."""
    names, machine = peers(bench["rows"]), bench["environment"]
    if names == ["limit"]:
        sys.exit("a file of a table has no ratio to a peer")
    shapes = len({row["shape"] for row in rows})
    yield f"**{machine['cpu_model']}, family/model/stepping {machine['cpu_family_model_stepping']}, {isa}, {bench['date']}**"
    yield ""
    yield f"| work, {shapes} shape{'s' * (shapes > 1)} | threads | {' | '.join(names[:-1])} | limit |"
    yield "|---" * (len(names) + 2) + "|"
    kinds = sorted({(row["M"], row["memory"], row["threads"]) for row in rows})
    for m, memory, threads in kinds:
        of = [row for row in rows if (row["M"], row["memory"], row["threads"]) == (m, memory, threads)]
        yield f"| M = {m}, {memory} | {threads} | {' | '.join(cell(of, name) for name in names)} |"
    yield ""
    yield "| peer | what it is |"
    yield "|---|---|"
    for name in names[:-1]:
        whats = [re.sub(r", \d+ threads?$", "", row[f"{name}_what"]) for row in rows if row.get(f"ratio_to_{name}") is not None]
        yield f"| {name} | {'; '.join(dict.fromkeys(whats)) or 'not timed'} |"
    yield ""


def table(files):
    parts = []
    for file in files:
        with open(file, encoding="utf-8") as text:
            bench = json.load(text)
        rows = chosen(bench["rows"])
        for isa in dict.fromkeys(row["isa"] for row in rows):
            parts += lines(bench, isa, [row for row in rows if row["isa"] == isa])
    return "\n".join(parts) + "\n"


def written(document):
    """The document as it should be, or None if it has no table."""
    with open(document, encoding="utf-8") as text:
        old = text.read()
    folder = os.path.dirname(document)
    new, count = TABLE.subn(
        lambda match: match[1] + table([os.path.join(folder, file) for file in match[2].split()]) + match[3], old)
    return (old, new) if count else None


def keep(source, target):
    with open(source, encoding="utf-8") as text:
        bench = json.load(text)
    names = peers(bench["rows"])
    fields = set(ROW) | {f"ratio_to_{name}{end}" for name in names for end in ("", "_low", "_high")}
    fields |= {f"{name}_what" for name in names} | {"limit"}
    kept = {
        "date": bench["date"],
        "command": re.sub(r"(?<=[ =])[^ =]*/", "", bench["command"]),
        "environment": {key: bench["environment"].get(key) for key in MACHINE},
        "rows": [{key: value for key, value in row.items() if key in fields} for row in chosen(bench["rows"])],
    }
    head = json.dumps({**kept, "rows": []}, indent=1, ensure_ascii=False)
    rows = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in kept["rows"])
    with open(target, "w", encoding="utf-8") as text:
        text.write(head.replace('"rows": []', '"rows": [\n' + rows + "\n ]") + "\n")


def main(arguments):
    if arguments[:1] == ["--keep"] and len(arguments) == 3:
        return keep(*arguments[1:])
    check = arguments[:1] == ["--check"]
    documents = arguments[1 if check else 0:]
    if not documents or documents[0].startswith("-"):
        sys.exit(__doc__)
    tables = {document: written(document) for document in documents}
    if not any(tables.values()):
        sys.exit(f"no table of bench_table.py is in {' '.join(documents)}")
    for document, (old, new) in ((document, texts) for document, texts in tables.items() if texts):
        if old == new:
            continue
        if check:
            sys.exit(f"a table of {document} is not what its files give; run bench_table.py {document}")
        with open(document, "w", encoding="utf-8") as text:
            text.write(new)


if __name__ == "__main__":
    main(sys.argv[1:])
