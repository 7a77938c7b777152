#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became slower: two JSON files of `make bench`, figure by figure.

A figure is worse, or better, when no run of the one file is inside the runs of the other: with five
runs each that is chance once in 252 times. Of what was run once nothing is said. Status 1 if
something is worse.
"""
import argparse
import itertools
import json
import statistics
import sys

from all_table import figure_text

FORMAT = "bleherd-bench 1"
HEADS = ("date", "commit", "cpu", "cores", "kernel", "load")


class Unusable(Exception):
    """A file that is none of ours, in words."""


def load(path):
    try:
        with open(path, encoding="utf-8") as text:
            result = json.load(text)
    except OSError as error:
        raise Unusable(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise Unusable(f"{path} is no JSON: {error}") from error
    if not isinstance(result, dict) or result.get("format") != FORMAT:
        raise Unusable(f"{path} is none of `make bench`: its format should be '{FORMAT}'")
    needed = {"row", "figure", "unit", "design", "beside", "is_own", "is_again", "goal", "ours"}
    if not all(needed <= set(of) for of in result.get("figures", [{}])):
        raise Unusable(f"{path} is of another version of `make bench`: measure it again")
    return result


def verdict(old, new):
    """'worse', 'better', or '' for two lists of runs."""
    if len(old) < 2 or len(new) < 2:
        return ""
    if min(new) > max(old):
        return "worse"
    return "better" if max(new) < min(old) else ""


def span(runs):
    return f"{figure_text(min(runs))} to {figure_text(max(runs))}" if len(runs) > 1 else "once"


def measured(result):
    return [of for of in result["figures"] if of["ours"] and not of["is_again"]]


def peers_pace(old, new):
    """By what the peers took longer in NEW, the median: the machine's part. None without peers."""
    before = {(of["row"], of["figure"]): of["peer"] for of in measured(old) if not of["is_own"]}
    shares = [of["peer"]["value"] / was["value"] for of in measured(new)
              if (was := before.get((of["row"], of["figure"]))) and was["value"] and of["peer"]]
    return statistics.median(shares) if shares else None


def compared(old, new):
    """Of each figure that both have: (row, figure, unit, old, new, ratio or None, verdict)."""
    before = {(of["row"], of["figure"]): of["ours"] for of in measured(old)}
    for of in measured(new):
        was, now = before.get((of["row"], of["figure"])), of["ours"]
        if was:
            ratio = now["value"] / was["value"] if was["value"] else None
            yield (of["row"], of["figure"], of["unit"], was, now, ratio,
                   verdict(was["runs"], now["runs"]))


def print_heads(old, new):
    for key in HEADS:
        a, b = (" ".join(map(str, value)) if isinstance(value, list) else str(value)
                for value in (of["machine"].get(key, "?") for of in (old, new)))
        print(f"{key:<8} {a:<34} {b}".rstrip())
    differs = [key for key in ("cpu", "cores", "kernel")
               if old["machine"].get(key) != new["machine"].get(key)]
    if differs:
        print(f"These are two machines ({', '.join(differs)} differ): ratios say little.")


def print_figures(rows):
    print(f"\n{'':<26} {'old':>7} {'new':>7} {'':<3} {'ratio':>5} {'old runs':>13} "
          f"{'new runs':>13}")
    for row, figures in itertools.groupby(rows, lambda one: one[0]):
        print(row)
        for _, name, unit, was, now, ratio, word in figures:
            values = f"{figure_text(was['value']):>7} {figure_text(now['value']):>7}"
            share = "" if ratio is None else f"{ratio:.2f}"
            print(f"  {name:<24} {values} {unit if unit != 'times' else '':<3} {share:>5} "
                  f"{span(was['runs']):>13} {span(now['runs']):>13} {word}".rstrip())


def main():
    parser = argparse.ArgumentParser(prog="bench-compare",
                                     description=__doc__.split("\n\n", maxsplit=1)[0],
                                     epilog=__doc__.split("\n\n", maxsplit=1)[1])
    parser.add_argument("old", metavar="OLD")
    parser.add_argument("new", metavar="NEW")
    arguments = parser.parse_args()
    try:
        old, new = load(arguments.old), load(arguments.new)
    except Unusable as error:
        print(f"bench-compare: {error}", file=sys.stderr)
        return 2
    rows = list(compared(old, new))
    if not rows:
        print("bench-compare: the two files have no figure in common", file=sys.stderr)
        return 2
    print_heads(old, new)
    print_figures(rows)
    words = [row[-1] for row in rows]
    alone = len(measured(old)) + len(measured(new)) - 2 * len(rows)
    print(f"\nworse: {words.count('worse')}; better: {words.count('better')}; of {len(rows)} "
          f"figures; in one file only: {alone}")
    if pace := peers_pace(old, new):
        print(f"The peers took {pace:.2f} times as long in the new file: that much is the machine.")
    return 1 if "worse" in words else 0


if __name__ == "__main__":
    sys.exit(main())
