#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""All benches in one table, beside the peers and the goals of the design. See README.md.

A part is a bench of its own; what it printed is kept in build/bench.parts/PART.log.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

from all_rows import DEAD_HOLDER
from all_table import LAB_PARTS, gather, print_table
from connect_report import cpu_model

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BIN = pathlib.Path(os.environ.get("BLEHERD_BIN", ROOT / "build/bin")).resolve()
BUILT = BIN.parent / "tests"
FORMAT = "bleherd-bench 1"
WAYS_TO_DIE = 4  # tests/lab/dirty_inside.py
# Without growth in notify: four minutes, and connect has it.
PARTS = {"lock": "abcde", "connect": "abcde", "notify": "abd", "survive": "abcd", "guard": ""}


# --- the parts' answers, in one shape: rows of section, how, figures ---

def lock_rows(text):
    rows = json.loads(text)["rows"]
    for row in rows:
        row["figures"] = {"median": {"median": row["median"], "runs": row["medians"]},
                          "p99": {"median": row["p99"], "runs": row["p99s"]}}
        if "most" in row:
            spread = row["most"] / max(row["fewest"], 1)
            row["figures"]["spread"] = {"median": spread, "runs": []}
            row["figures"]["overtaken"] = {"median": row["overtaken"], "runs": []}
    return rows


def guard_rows(text):
    found = re.findall(r"^(\S.*?) +(\d+) ns +(\d+) ns +[\d.]+$", text, re.M)
    return [{"section": "", "how": how, "figures": {
        "free": {"median": float(free), "runs": []},
        "filtered": {"median": float(filtered), "runs": []}}} for how, free, filtered in found]


def contend_rows(text):
    last = next(line for line in reversed(text.splitlines()) if line.startswith('{"results"'))
    return [{"section": "", "how": of["name"], "figures": {
        "failed": {"median": of["rounds"] - of["ok"], "runs": []},
        "seconds": {"median": of["seconds"], "runs": []}}} for of in json.loads(last)["results"]]


def dirty_rows(text):
    """tests/lab/dirty says of each death what the next connect took, all in all."""
    runs = [float(ms) for ms in re.findall(r"^ok +next connect after .*? (\d+) ms; without", text,
                                           re.M)]
    if len(runs) != WAYS_TO_DIE:
        raise ValueError(f"{len(runs)} of {WAYS_TO_DIE} deaths")
    return [{"section": "", "how": DEAD_HOLDER,
             "figures": {"ms": {"median": max(runs), "runs": runs}}}]


READERS = {"lock": lock_rows, "guard": guard_rows, "contend": contend_rows, "dirty": dirty_rows}


# --- running them ---

def command_of(part, sections, json_path):
    if part in LAB_PARTS:
        return [str(ROOT / "tests/lab" / part)]
    if part == "guard":
        return [str(BUILT / "bench-guard")]
    return [str(HERE / f"{part}.sh"), "--json", str(json_path), "--only", sections]


def run_part(part, sections, directory):
    """What the part measured: {"status", "seconds", "rows"}."""
    json_path, log_path = directory / f"{part}.json", directory / f"{part}.log"
    json_path.unlink(missing_ok=True)
    print(f"bench: {part}{' ' + sections if sections else ''} ...", end="", file=sys.stderr,
          flush=True)
    began = time.monotonic()
    with open(log_path, "w", encoding="utf-8") as log:
        status = subprocess.run(
            ["setpriv", "--pdeathsig", "KILL", "--"] + command_of(part, sections, json_path),
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False).returncode
    seconds = time.monotonic() - began
    rows = []
    try:
        answer = json_path if json_path.exists() else log_path
        text = answer.read_text(encoding="utf-8")
        rows = READERS.get(part, lambda text: json.loads(text)["rows"])(text)
        # Its status 1 is that of the goal, which is the table's to judge.
        status = 0 if part == "contend" else status
    except (ValueError, KeyError, StopIteration):
        status = status or 1
    failed = f", status {status}: see {log_path}" if status else ""
    print(f" {seconds:.0f} s{failed}", file=sys.stderr, flush=True)
    return {"status": status, "seconds": round(seconds, 1), "sections": sections, "rows": rows}


def first_line(*command):
    """Of what it prints; empty where there is no such program."""
    if not shutil.which(command[0]):
        return ""
    done = subprocess.run(command, cwd=ROOT, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=False)
    return done.stdout.split("\n")[0]


def machine():
    """On what it was measured. A commit with '+' has changes that are not committed."""
    changed = first_line("git", "status", "--porcelain", "--untracked-files=no")
    return {"date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "cpu": cpu_model(),
            "cores": os.cpu_count(), "kernel": os.uname().release,
            "commit": (first_line("git", "rev-parse", "--short", "HEAD") or "unknown") +
                      ("+" if changed else ""),
            "version": first_line(str(BIN / "bleherd"), "--version").split(" ")[-1],
            "load": [round(load, 1) for load in os.getloadavg()]}


# --- the command line ---

def parts_of(parser, only, is_lab):
    """The parts to run, and their sections, from 'lock,survive:ab'."""
    known = dict(PARTS, **dict.fromkeys(LAB_PARTS, ""))
    if only is None:
        return known if is_lab else PARTS
    chosen = {}
    for word in only.split(","):
        part, _, sections = word.partition(":")
        if part not in known:
            parser.error(f"there is no part '{part}'; there are {', '.join(known)}")
        if set(sections) - set(known[part]):
            parser.error(f"'{word}': the sections of {part} are '{known[part]}'")
        chosen[part] = sections or known[part]
    return chosen


def need_built(chosen):
    if not (BIN / "bleherd").exists():
        return "bleherd is not built: make bench"
    if set(chosen) & {"connect", "notify", "survive"} and subprocess.run(
            ["/usr/bin/python3", "-c", "import bleak"], stderr=subprocess.DEVNULL,
            check=False).returncode:
        return "no bleak: contrib/bootstrap bench"
    return None


def main():
    parser = argparse.ArgumentParser(prog="bench", description=__doc__.split("\n\n", maxsplit=1)[0],
                                     epilog="What the table means: tests/bench/README.md")
    parser.add_argument("--json", metavar="FILE", default="build/bench.json",
                        help="what was measured (build/bench.json)")
    parser.add_argument("--only", metavar="PART[:SECTIONS],...",
                        help=f"of {', '.join([*PARTS, *LAB_PARTS])}; as in lock,survive:ab")
    parser.add_argument("--lab", action="store_true",
                        help="those on the real kernel and bluetoothd, too (QEMU, 15 min more)")
    arguments = parser.parse_args()
    chosen = parts_of(parser, arguments.only, arguments.lab)
    if trouble := need_built(chosen):
        print(f"bench: {trouble}", file=sys.stderr)
        return 70
    out = pathlib.Path(arguments.json)
    directory = BIN.parent / "bench.parts"
    for needed in (directory, out.parent):
        needed.mkdir(parents=True, exist_ok=True)

    began, of = time.monotonic(), machine()
    parts = {part: run_part(part, sections, directory) for part, sections in chosen.items()}
    of["load_after"] = [round(load, 1) for load in os.getloadavg()]
    result = {"format": FORMAT, "machine": of, "seconds": round(time.monotonic() - began),
              "parts": {name: {key: part[key] for key in ("status", "seconds", "sections")}
                        for name, part in parts.items()},
              "figures": gather(parts)}
    out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print_table(result)
    print(f"\n{result['seconds']} s; kept in {out}")
    return 1 if any(part["status"] for part in parts.values()) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OSError as error:
        print(f"bench: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("\nbench: interrupted", file=sys.stderr)
        sys.exit(130)
