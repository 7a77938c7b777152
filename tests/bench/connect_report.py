# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of a section: medians of runs, beside the peer's, with goals; as a table and as JSON."""
import json
import os
import platform
import statistics
import sys
import time


class Report:
    def __init__(self, name, json_path, version):
        self.name, self.json_path, self.began = name, json_path, time.monotonic()
        self.rows, self.columns, self.peers = [], [], {}
        self.failed = self.short = 0
        with open("/proc/loadavg", encoding="ascii") as load:
            self.machine = {"cpu": cpu_model(), "cores": os.cpu_count(),
                            "kernel": platform.release(), "version": version,
                            "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                            "load": load.read().strip()}
        m = self.machine
        print(f"{name}: bleherd {version}, {m['cpu']}, {m['cores']} cores, "
              f"Linux {m['kernel']}, {m['date']}, load before {m['load']}")
        print("Medians of the alternating runs; in brackets lowest to highest run.")

    def section(self, letter, title, columns):
        """@columns: (key, heading) of what the rows have."""
        self.letter, self.columns, self.peers = letter, columns, {}
        heads = "".join(f"{heading:>26}" for _, heading in columns)
        print(f"\n{letter}. {title}\n  {'':42} {'runs':>4}{heads}", flush=True)

    def row(self, how, runs, goals=(), note=""):
        """
        @runs:  a dict with the columns' keys each
        @goals: (column, "<=" or ">=", limit, row that it is a share of or None for a figure)
        """
        medians = {key: statistics.median(run[key] for run in runs) for key, _ in self.columns}
        self.peers[how] = medians
        cells = ""
        for key, _ in self.columns:
            values = [run[key] for run in runs]
            cells += f"{figure(medians[key]):>10} " + \
                f"[{figure(min(values))} to {figure(max(values))}]".rjust(15)
        print(f"  {how:42} {len(runs):4}{cells}{'  ' + note if note else ''}")
        record = {"section": self.letter, "how": how, "runs": len(runs),
                  "figures": {key: {"median": round(medians[key], 3),
                                    "runs": [round(run[key], 3) for run in runs]}
                              for key, _ in self.columns}, "goals": []}
        for goal in goals:
            record["goals"].append(self.judge(medians, *goal))
        if note:
            record["note"] = note
        self.rows.append(record)
        sys.stdout.flush()

    def judge(self, medians, key, sign, limit, of):
        value = medians[key]
        if of is not None:
            # A share of the peer's figure, or how many times better than it.
            base = self.peers[of][key]
            value = value / base if sign == "<=" else base / value
        is_met = value <= limit if sign == "<=" else value >= limit
        self.short += not is_met
        words = f"{key} {figure(value)}" + (f" of '{of}'" if of and sign == "<=" else
                                            f" x better than '{of}'" if of else "")
        print(f"  {'':8}{words}, goal {sign} {figure(limit)}: {'ok' if is_met else 'short'}")
        return {"column": key, "value": round(value, 4), "sign": sign, "limit": limit, "of": of,
                "ok": is_met}

    def failure(self, what, error):
        self.failed += 1
        print(f"  {what}: FAILED")
        print(f"{self.name}: {what}: {error}", file=sys.stderr, flush=True)

    def end(self):
        print(f"\n{time.monotonic() - self.began:.0f} s; goals not reached: {self.short}; "
              f"sections that failed: {self.failed}")
        if self.json_path:
            try:
                with open(self.json_path, "w", encoding="utf-8") as out:
                    json.dump({"machine": self.machine, "rows": self.rows}, out, indent=1)
                    out.write("\n")
            except OSError as error:
                print(f"{self.name}: {error}", file=sys.stderr)
                return 1
        return 1 if self.failed else 0


def figure(value):
    """Three digits that mean something."""
    if value == 0 or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}" if abs(value) >= 1 \
        else f"{value:.3f}"


def cpu_model():
    with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
        for line in cpuinfo:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()
