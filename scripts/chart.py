# SPDX-License-Identifier: BSL-1.0
"""Prints the rows of benchmarks as a table, writes them as JSON, and draws them as docs/benchmarks.svg.

usage: chart.py ROWS [--json FILE]    ROWS: one JSON object a line, as bench/support/report.hpp writes them

docs/benchmarks.json holds what the chart shows: the last rows of each group.
"""

import argparse
import html
import json
import math
import pathlib

CHART = pathlib.Path("docs/benchmarks.svg")
SHOWN = pathlib.Path("docs/benchmarks.json")

WIDTH, MARGIN, ROW, HEADING = 1000, 20, 26, 40
BARS_FROM, BARS_TO = 400, 690
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-size: 17px; font-weight: 600 }
  .group { font-size: 14px; font-weight: 600 }
  .faint { fill: #59636e }
  .better { fill: #1a7f64 }
  .worse { fill: #bc4c00 }
  .ground { fill: #ffffff }
  line { stroke: #d1d9e0 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .faint { fill: #9198a1 }
    .better { fill: #3fb68b }
    .worse { fill: #e0823d }
    .ground { fill: #0d1117 }
    line { stroke: #3d444d }
  }
"""


def figure(value):
    """Three digits that mean something, without an exponent."""
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}"


def ratio_text(ratio):
    return f"{ratio:.2f}×" if ratio < 10 else f"{ratio:,.0f}×"


def table(rows):
    heads = ["group", "what", "ferry", "unit", "peer", "peer's figure", "ratio"]
    right = {2, 5, 6}
    lines = [
        [r["group"], r["what"], figure(r["ferry"]), r["unit"], r["peer"], figure(r["peer_value"]), ratio_text(r["ratio"])]
        for r in rows
    ]
    widths = [max(len(line[i]) for line in [heads, *lines]) for i in range(len(heads))]
    for line in [heads, ["-" * width for width in widths], *lines]:
        cells = (c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(line, widths)))
        print("  ".join(cells).rstrip())
    print("\nratio: how many times better Ferry is, in the same run")


def by_group(rows):
    groups = {}
    for row in rows:
        groups.setdefault(row["group"], []).append(row)
    return groups


def ticks(low, high):
    """Round ratios for the scale: powers of ten, with 2 and 5 between them when the scale is short."""
    between = (1, 2, 5) if high / low < 200 else (1,)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found = [digit * 10.0**power for power in powers for digit in between]
    return [tick for tick in found if low <= tick <= high]


def chart(rows):
    groups = by_group(rows)
    low = min(0.5, *(r["ratio"] for r in rows)) / 1.1
    high = max(2.0, *(r["ratio"] for r in rows)) * 1.1

    def x(ratio):
        return BARS_FROM + (BARS_TO - BARS_FROM) * math.log(ratio / low) / math.log(high / low)

    def text(at, y, words, kind="", anchor="start"):
        return f'<text x="{at:.1f}" y="{y}" class="{kind}" text-anchor="{anchor}">{html.escape(words)}</text>'

    parts = [text(MARGIN, 36, "How many times better Ferry is than its peer, in the same run", "title")]
    top = y = 78
    for name, members in groups.items():
        parts.append(text(MARGIN, y + 22, name, "group"))
        y += HEADING
        for r in members:
            kind = "better" if r["ratio"] >= 1 else "worse"
            left, right = sorted((x(1), x(r["ratio"])))
            said = f"{r['what']} vs {r['peer']}"
            numbers = f"{figure(r['ferry'])} against {figure(r['peer_value'])} {r['unit']}"
            parts.append(f"<g><title>{html.escape(said)}</title>")
            parts.append(text(BARS_FROM - 12, y + 11, shortened(said, 58), anchor="end"))
            parts.append(
                f'<rect x="{left:.1f}" y="{y}" width="{max(right - left, 1.5):.1f}" height="15" rx="2" class="{kind}"/>'
            )
            parts.append(text(BARS_TO + 12, y + 11, ratio_text(r["ratio"]), kind))
            parts.append(text(WIDTH - MARGIN, y + 11, numbers, "faint", "end") + "</g>")
            y += ROW
    scale = []
    for tick in ticks(low, high):
        strong = ' stroke-width="2"' if tick == 1 else ""
        scale.append(
            f'<line x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="{top}" y2="{y}"{strong}/>'
        )
        scale.append(text(x(tick), top - 8, f"{tick:g}×", "faint", "middle"))
    height = y + MARGIN
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
            ' role="img" aria-label="Benchmarks of Ferry and its peers">',
            f"<style>{STYLE}</style>",
            f'<rect width="{WIDTH}" height="{height}" class="ground"/>',
            *scale,
            *parts,
            "</svg>\n",
        ]
    )


def shortened(words, length):
    return words if len(words) <= length else words[: length - 1] + "…"


def as_json(rows):
    return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("rows", type=pathlib.Path)
    arguments.add_argument("--json", type=pathlib.Path)
    given = arguments.parse_args()

    rows = [json.loads(line) for line in given.rows.read_text().splitlines() if line.strip()]
    if not rows:
        raise SystemExit("chart.py: the benchmarks gave no rows")
    table(rows)
    if given.json:
        given.json.write_text(as_json(rows))

    shown = by_group(json.loads(SHOWN.read_text())) if SHOWN.exists() else {}
    shown.update(by_group(rows))
    rows = [row for name in sorted(shown) for row in shown[name]]
    SHOWN.write_text(as_json(rows))
    CHART.write_text(chart(rows))


main()
