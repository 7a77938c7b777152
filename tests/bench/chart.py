#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The chart of a JSON file of `make bench` as SVG on standard output: ours beside the peer's.

A bar from 1 x to ours / peer, to the left where ours is less, on a logarithmic scale; a
mark where the goal is. What has no peer is in the table alone.
"""
import argparse
import html
import itertools
import math
import sys

from all_table import figure_text
from compare import Unusable, load

WIDTH, LINE, TOP, BOTTOM = 840, 19, 92, 34
PLOT_LEFT, PLOT_RIGHT = 232, 600
STEPS_ALL = 7
OURS_RIGHT, PEER_RIGHT, WORD_LEFT = 680, 764, 776
# Checked for contrast on both grounds, and for eyes that see no red: blue and orange.
STYLE = """
svg { --ground: #fcfcfb; --ink: #0b0b0b; --soft: #52514e; --grid: #e1e0d9; --less: #2a78d6;
  --more: #d95926; --line: #8a8983; }
@media (prefers-color-scheme: dark) { svg { --ground: #1a1a19; --ink: #ffffff; --soft: #c3c2b7;
  --grid: #2c2c2a; --less: #3987e5; --more: #e87448; --line: #8a8983; } }
text { font: 12px system-ui, "DejaVu Sans", sans-serif; fill: var(--ink); }
.title { font-size: 15px; font-weight: 600; } .row { font-weight: 600; }
.soft { fill: var(--soft); } .end { text-anchor: end; } .middle { text-anchor: middle; }
.ground { fill: var(--ground); } .grid { stroke: var(--grid); } .one { stroke: var(--line); }
.less { fill: var(--less); } .more { fill: var(--more); }
.goal { stroke: var(--ink); stroke-width: 2; }
"""


# --- what is in it ---

def goal_ratio(of):
    """The goal as a share of the peer's figure; None without one."""
    goal = of["goal"]
    if goal is None:
        return None
    limit = goal["share"] if "share" in goal else goal["limit"] / of["peer"]["value"]
    return limit or None  # none at all: has no place on this scale


def drawn(result):
    """(row, beside) -> figures that have a bar."""
    figures = [of for of in result["figures"]
               if of["ours"] and not of["is_own"] and of["ratio"]]
    return [(key, list(group)) for key, group in
            itertools.groupby(figures, lambda of: (of["row"], of["beside"]))]


class Scale:
    """A ratio to a place between the plot's sides, in whole powers of ten."""

    def __init__(self, ratios):
        self.low = min(math.floor(math.log10(min(ratios))), -1)
        self.high = max(math.ceil(math.log10(max(ratios))), 1)

    def at(self, ratio):
        share = (math.log10(ratio) - self.low) / (self.high - self.low)
        return PLOT_LEFT + share * (PLOT_RIGHT - PLOT_LEFT)

    def steps(self):
        return [10.0 ** power for power in range(self.low, self.high + 1)]


# --- SVG ---

def text(x, y, words, kind=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{html.escape(words)}</text>'


def line(x, y1, y2, kind):
    return f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y1:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def step_text(step):
    return f"{step:.0f} x" if step >= 1 else f"1/{1 / step:.0f}"


def head(result, scale, height):
    of = result["machine"]
    middle = scale.at(1)
    out = [text(16, 26, "bleherd's time, CPU and memory, as a share of its peers'", "title"),
           text(16, 46, f"{of['cpu']}, {of['cores']} cores, Linux {of['kernel']}, "
                f"{of['date'][:10]}, {of['commit']}", "soft"),
           f'<rect x="{PLOT_LEFT}" y="56" width="14" height="10" class="less"/>',
           text(PLOT_LEFT + 20, 65, "less than the peer"),
           f'<rect x="{PLOT_LEFT + 150}" y="56" width="14" height="10" class="more"/>',
           text(PLOT_LEFT + 170, 65, "more"),
           line(PLOT_LEFT + 226, 54, 68, "goal"), text(PLOT_LEFT + 234, 65, "goal"),
           text(OURS_RIGHT, TOP - 8, "ours", "soft end"),
           text(PEER_RIGHT, TOP - 8, "peer", "soft end")]
    for step in scale.steps():
        out.append(line(scale.at(step), TOP, height - BOTTOM, "grid"))
        # Where many are beside each other, every other one.
        if scale.high - scale.low <= STEPS_ALL or round(math.log10(step)) % 2 == 0:
            out.append(text(scale.at(step), TOP - 8, step_text(step), "soft middle"))
    return out + [line(middle, TOP, height - BOTTOM, "one")]


def bar(of, scale, y):
    one, end, unit = scale.at(1), scale.at(of["ratio"]), of["unit"]
    out = [text(28, y + 13, of["figure"]),
           f'<rect x="{min(one, end):.1f}" y="{y + 4}" width="{max(abs(end - one), 1):.1f}" '
           f'height="11" rx="2" class="{"less" if of["ratio"] <= 1 else "more"}"/>',
           text(OURS_RIGHT, y + 13, f"{figure_text(of['ours']['value'])} {unit}", "end"),
           text(PEER_RIGHT, y + 13, f"{figure_text(of['peer']['value'])} {unit}", "soft end")]
    goal = goal_ratio(of)
    if goal and scale.steps()[0] <= goal <= scale.steps()[-1]:
        out.append(line(scale.at(goal), y + 1, y + 18, "goal"))
    if of["reached"] is not None:
        out.append(text(WORD_LEFT, y + 13, "reached" if of["reached"] else "short", "soft"))
    return out


def svg(result):
    rows = drawn(result)
    figures = [of for _, group in rows for of in group]
    if not figures:
        raise Unusable("nothing in it has a peer: a chart needs lock, connect or notify")
    scale = Scale([of["ratio"] for of in figures])
    height = TOP + LINE * len(figures) + (LINE + 6) * len(rows) + BOTTOM
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
           f'width="{WIDTH}" height="{height}" role="img" aria-label="bleherd beside its peers: '
           f'{len(figures)} figures">', f"<style>{STYLE}</style>",
           f'<rect width="{WIDTH}" height="{height}" class="ground"/>',
           *head(result, scale, height)]
    y = TOP
    for (row, beside), group in rows:
        # On the ground's colour: the words go over the grid.
        out += [f'<rect x="0" y="{y + 4}" width="{WIDTH}" height="{LINE}" class="ground"/>',
                text(16, y + 18, row, "row"),
                text(WIDTH - 16, y + 18, beside, "soft end")]
        y += LINE + 6
        for of in group:
            out += bar(of, scale, y)
            y += LINE
    alone = sum(bool(of["ours"]) for of in result["figures"]) - len(figures)
    out += [text(16, height - 12, "Medians of alternating runs, logarithmic. Without a peer, or "
                 f"nought: {alone} figures more in the table of make bench.", "soft"), "</svg>"]
    return "\n".join(out)


def main():
    parser = argparse.ArgumentParser(prog="bench-chart",
                                     description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("json", metavar="JSON")
    arguments = parser.parse_args()
    try:
        print(svg(load(arguments.json)))
    except Unusable as error:
        print(f"bench-chart: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
