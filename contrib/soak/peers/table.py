# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs side by side as text, for a terminal of 80 columns. Pure.

    table.py report.json...
"""
import json
import sys

NAME = 26  # columns of a row's name; each run has WIDTH
WIDTH = 18


def ms(value):
    if value is None:
        return "-"
    if value >= 10000:
        return f"{value / 1000:.0f} s"
    if value >= 1000:
        return f"{value / 1000:.1f} s"
    return f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms"


def share(done, n):
    return f"{100 * done / n:.1f} %" if n else "-"


def a_minute(run):
    return run["requests"]["done"] / max(1, run["outcome"]["ended_ms"]) * 60000


def row(name, cells):
    return f"{name[:NAME]:<{NAME}}" + "".join(f"{cell:>{WIDTH}}" for cell in cells)


def by_name(runs, part, key):
    """Names of all runs, in the order of the first that has each; and each run's rows by name."""
    rows = [{entry[key]: entry for entry in part(run)} for run in runs]
    return list(dict.fromkeys(name for of_run in rows for name in of_run)), rows


def requests(runs):
    yield row("requests", [f"{run['requests']['n']}" for run in runs])
    yield row("  succeeded", [share(run["requests"]["done"], run["requests"]["n"]) for run in runs])
    # What fails at once is tried again at once: a share alone says little.
    yield row("  succeeded a minute", [f"{a_minute(run):.0f}" for run in runs])
    names, rows = by_name(runs, lambda run: run["requests"]["kinds"], "kind")
    for name in names:
        kinds = [of_run.get(name, {"n": 0, "done": 0}) for of_run in rows]
        yield row(f"{name}, succeeded", [share(kind["done"], kind["n"]) for kind in kinds])
        yield row("  p50 / p95", [f"{ms(kind.get('p50_ms'))} / {ms(kind.get('p95_ms'))}"
                                  if kind["n"] else "-" for kind in kinds])


def recoveries(runs):
    names, rows = by_name(runs, lambda run: run["faults"], "kind")
    for name in names:
        kinds = [of_run.get(name) for of_run in rows]
        yield row(name, [f"{kind['recovered']} of {kind['n']}" if kind else "-" for kind in kinds])
        yield row("  p50 / p95", [f"{ms(kind['p50_ms'])} / {ms(kind['p95_ms'])}" if kind else "-"
                                  for kind in kinds])


def promises(runs):
    names, rows = by_name(runs, lambda run: run["promises"], "name")
    for name in names:
        kinds = [of_run.get(name, {"checked": 0}) for of_run in rows]
        yield row(name, [f"{kind['broken']} of {kind['checked']}" if kind["checked"] else
                         "not judged" for kind in kinds])


def table(runs):
    lines = [row("", [run["run"].get("contestant") or "bleherd" for run in runs])]
    for title, part in (("", requests), ("recovered, and time to", recoveries),
                        ("promises broken", promises)):
        body = list(part(runs))
        if body:
            lines += ([title] if title else []) + body
    for run in runs:
        if run.get("skipped"):
            lines.append(f"not dealt to {run['run']['contestant']}: {len(run['skipped'])} lines of "
                         "the plan, of processes it does not have")
    return "\n".join(lines)


if __name__ == "__main__":
    RUNS = []
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            RUNS.append(json.load(file))
    print(table(RUNS))
