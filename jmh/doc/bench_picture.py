#!/usr/bin/env python3
"""Draws the picture of a benchmark: how many times faster than oneDNN the products are.

    bench_picture.py BENCH.json PICTURE.svg            writes the picture
    bench_picture.py --check BENCH.json PICTURE.svg    writes nothing; exits with 1 if the picture would differ

BENCH.json is what `ternary bench --json` writes. Drawn is `linear` on all threads: I2S, and T5 in its place where it is
faster by more than both errors.
"""

import json
import sys

WIDTH, LABELS, RIGHT = 820, 350, 60
TOP, GROUP, BAR, BOTTOM = 84, 38, 13, 64
RIVALS = (("bf16", "first"), ("int8", "second"))

STYLE = """
  .card { fill: #ffffff; stroke: #d0d7de }
  text { fill: #1f2328; font: 13px sans-serif }
  .title { font-size: 16px; font-weight: bold }
  .small { font-size: 11px }
  .first { fill: #0a6b8f }
  .second { fill: #b35900 }
  .line { stroke: #8c959f; stroke-width: 1 }
  .one { stroke: #1f2328; stroke-width: 1; stroke-dasharray: 4 3 }
  @media (prefers-color-scheme: dark) {
    .card { fill: #161b22; stroke: #30363d }
    text { fill: #e6edf3 }
    .first { fill: #4db3d6 }
    .second { fill: #f0913a }
    .one { stroke: #e6edf3 }
  }
"""


def chosen(rows):
    """A row a product, in the order of the file."""
    best = {}
    threads = max(row["threads"] for row in rows)
    for row in rows:
        if row["op"] != "linear" or row["threads"] != threads or "error" in row:
            continue
        product = (row["shape"], row["M"], row["memory"])
        known = best.get(product)
        if known is None or row["ns"] + row["ns_error"] < known["ns"] - known["ns_error"]:
            best[product] = row
    return list(best.values())


def text(x, y, words, kind="", anchor="start"):
    words = str(words).replace("&", "&amp;").replace("<", "&lt;")
    return f'<text x="{x:.0f}" y="{y:.0f}" class="{kind}" text-anchor="{anchor}">{words}</text>'


def label(row):
    memory = {"streaming": "from memory", "resident": "in cache"}[row["memory"]]
    layout = row["layout"].split("_")[0].upper()
    return f'{row["shape"].split("/")[-1]} {row["N"]} × {row["K"]}, M = {row["M"]}, {memory}, {layout}'


def legend(rows):
    x, parts = LABELS, []
    for name, kind in RIVALS:
        what = next(row[f"{name}_what"] for row in rows)
        parts.append(f'<rect x="{x}" y="48" width="12" height="12" class="{kind}"/>')
        parts.append(text(x + 18, 58, f"× oneDNN {what}"))
        x += 190
    return parts


def picture(bench):
    rows = chosen(bench["rows"])
    largest = max(row[f"ratio_to_{name}"] for row in rows for name, _ in RIVALS)
    scale = (WIDTH - LABELS - RIGHT) / largest
    height = TOP + GROUP * len(rows) + BOTTOM
    end = TOP + GROUP * len(rows)
    machine = bench["environment"]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" role="img">',
        "<title>Ternary products against oneDNN: times faster</title>",
        f"<style>{STYLE}</style>",
        f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="6" class="card"/>',
        text(16, 30, "Times faster than oneDNN, quantisation of activations included", "title"),
        *legend(rows),
    ]
    for i, row in enumerate(rows):
        y = TOP + GROUP * i
        parts.append(text(LABELS - 10, y + BAR + 5, label(row), anchor="end"))
        for j, (name, kind) in enumerate(RIVALS):
            ratio = row[f"ratio_to_{name}"]
            parts.append(f'<rect x="{LABELS}" y="{y + j * BAR}" width="{ratio * scale:.1f}" height="{BAR - 1}" class="{kind}"/>')
            beside = 1 if 0.8 < ratio < 1 else ratio  # not across the line at 1
            parts.append(text(LABELS + beside * scale + 4, y + j * BAR + 10, f"{ratio:.1f}", "small"))
    parts.append(f'<line x1="{LABELS}" y1="{TOP - 6}" x2="{LABELS}" y2="{end - 6}" class="line"/>')
    one = LABELS + scale
    parts.append(f'<line x1="{one:.1f}" y1="{TOP - 6}" x2="{one:.1f}" y2="{end - 6}" class="one"/>')
    parts.append(text(one, end + 8, "1: as fast", "small", "middle"))
    parts.append(text(16, end + 30, f'{machine["cpu_model"]}, {rows[0]["isa"]}, {rows[0]["threads"]} threads, {bench["date"]}', "small"))
    parts.append(text(16, end + 48, bench["command"], "small"))
    return "\n".join(parts + ["</svg>", ""])


def main(arguments):
    check = arguments[:1] == ["--check"]
    files = arguments[1 if check else 0:]
    if len(files) != 2:
        sys.exit(__doc__)
    with open(files[0], encoding="utf-8") as file:
        drawn = picture(json.load(file))
    if not check:
        with open(files[1], "w", encoding="utf-8") as file:
            file.write(drawn)
        return
    with open(files[1], encoding="utf-8") as file:
        if file.read() != drawn:
            sys.exit(f"{files[1]} is not what {files[0]} gives; run bench_picture.py {files[0]} {files[1]}")


if __name__ == "__main__":
    main(sys.argv[1:])
