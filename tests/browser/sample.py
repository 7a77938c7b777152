#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report.json as a soak of two minutes might write it, for the tests of its pages.

    sample.py [held|broken|bleak|locks|long|empty]

The same each time. `broken` has strings in it that try to be HTML; `long` is three hours with
every fault there is; `empty` has nothing but the verdict.
"""
import json
import random
import sys

KINDS = {"open": 12, "connect": 900, "read": 35, "write": 48, "subscribe": 60, "disconnect": 22,
         "scan": 4000, "lock": 300}
FAULTS = ["drop", "hang-adapter", "refuse-connect", "phantom", "late-answer", "kill worker",
          "stop worker", "kill lockd", "restart-bluetoothd", "unplug", "zombie", "slots",
          "no-discovery-results", "stuck-discovering"]
PROMISES = {
    "answered-once": "Each request is answered exactly once",
    "in-time": "Each request is answered before its deadline",
    "value": "What is read is what was last written",
    "write-once": "No write reaches a device twice",
    "notify-order": "Notifications arrive in order, none twice, losses are announced",
    "holders": "No slot has more holders than it has places",
    "owner": "No link is without an owner",
    "healthy": "After the last fault everything is well again",
    "flat": "Memory, descriptors and processes stay flat",
}
HOSTILE = "<script>document.title='x'</script><img src=http://example.invalid/x> \"&' \x07"


def faults_of(rng, length_ms, kinds, pace_ms):
    faults, at = [], 4000.0
    while at < length_ms - 16000:
        kind = rng.choice(kinds)
        long = rng.choice([0, 0, 800, 2000, 4500])
        faults.append({"at_ms": round(at, 3), "for_ms": long, "kind": kind,
                       "where": rng.choice(["hci0", "hci1", "C0:AA:BB:00:00:03"]),
                       "text": f"{kind} {rng.randrange(2)}",
                       "recovered_ms": round(rng.lognormvariate(6.2, 1.1), 3)})
        at += rng.uniform(0.5, 1.5) * pace_ms
    return faults


def steps_of(rng, n, step_ms, faults, slow):
    line = {"step_ms": step_ms, "answered": [], "failed": [], "p50_ms": [], "p95_ms": [],
            "worst_ms": [], "faults": faults}
    for i in range(n):
        at = i * step_ms
        hurt = sum(f["at_ms"] <= at < f["at_ms"] + f["for_ms"] + (f["recovered_ms"] or 3000)
                   for f in faults)
        p50 = 35 * slow * (1 + hurt) * rng.uniform(0.7, 1.4)
        p95 = p50 * rng.uniform(4, 9) * (1 + hurt)
        gap = i % 47 == 30
        line["answered"].append(0 if gap else int(rng.uniform(40, 70) / (1 + 0.3 * hurt)))
        line["failed"].append(int(rng.random() < 0.15 * slow) * rng.randint(1, 4) * hurt)
        for key, value in (("p50_ms", p50), ("p95_ms", p95),
                           ("worst_ms", min(p95 * rng.uniform(1.2, 6), 14000))):
            line[key].append(None if gap else round(value, 4))
    return line


def requests_of(rng, n, slow, fail):
    kinds = []
    for kind, p50 in KINDS.items():
        asked = int(n * rng.uniform(0.05, 0.2))
        kinds.append({"kind": kind, "n": asked, "done": asked - int(asked * fail),
                      "p50_ms": p50 * slow, "p95_ms": p50 * slow * 6.37,
                      "worst_ms": min(p50 * slow * 41.123, 14999.2)})
    total, done = (sum(k[key] for k in kinds) for key in ("n", "done"))
    names = ["link-lost", "timeout", "no-slot", "adapter-lost", "not-found"]
    return {"n": total, "done": done, "kinds": kinds,
            "classes": [{"class": c, "n": int((total - done) * share) + 1}
                        for c, share in zip(names, (0.5, 0.25, 0.15, 0.08, 0.02))]}


def locks_of(rng, n):
    clients = [{"who": f"{kind} {i}", "kind": kind, "grants": int(n * rng.uniform(0.96, 1.02)),
                "wait_p50_ms": 210.5 * rng.uniform(0.9, 1.1), "wait_p95_ms": 930.25,
                "worst_ms": 2210 * rng.uniform(0.9, 1.5)}
               for kind, many in (("library", 2), ("script", 1), ("outsider", 2))
               for i in range(many)]
    return {"grants": sum(c["grants"] for c in clients), "two_holders": 0, "fairness": 1.0312,
            "clients": clients}


def resources_of(rng, length_ms):
    n = int(length_ms / 5000)
    processes = [{"name": name, "pss_kib": [int(kib * rng.uniform(0.97, 1.03)) for _ in range(n)],
                  "fds": [fds + rng.randrange(3) for _ in range(n)]}
                 for name, kib, fds in (("bleherdd", 3400, 31), ("bleherd-worker hci0", 2900, 17),
                                        ("bleherd-worker hci1", 2850, 16),
                                        ("bleherd-lockd", 1400, 24), ("clients", 21000, 140))]
    processes[1]["pss_kib"][2:4] = [None, None]
    return {"step_ms": 5000, "processes": processes, "count": [26 + i % 2 for i in range(n)]}


def recoveries_of(faults):
    rows = []
    for kind in dict.fromkeys(f["kind"] for f in faults):
        all_of = [f["recovered_ms"] for f in faults if f["kind"] == kind]
        times = sorted(t for t in all_of if t is not None)
        at = [times[int((len(times) - 1) * q)] if times else None for q in (0.5, 0.95, 1)]
        rows.append({"kind": kind, "n": len(all_of), "recovered": len(times), "p50_ms": at[0],
                     "p95_ms": at[1], "worst_ms": at[2]})
    return rows


def run_of(name, seed, length_s):
    return {"face": "fake", "plan": "everything", "title": "Everything at once", "seed": seed,
            "clients": 20, "duration_s": length_s, "began": "2026-11-22T01:00:00Z",
            "version": "0.1.0", "kernel": "Linux 6.1.0-41-amd64", "bluetoothd": "fake",
            "adapters": 2, "devices": 12, "contestant": name,
            "repeat": "bleherd-soak --face fake --plan everything --clients 20 "
                      f"--duration {length_s} --seed {seed}"}


def whole(name="bleherd", seed=7, length_s=120, slow=1.0, fail=0.004, kinds=FAULTS, pace_ms=1800):
    rng = random.Random(seed)
    length_ms = length_s * 1000
    faults = faults_of(rng, length_ms, kinds, pace_ms)
    n = length_s * 80
    ours = name == "bleherd"
    return {
        "format": "bleherd-soak 1", "run": run_of(name, seed, length_s),
        "outcome": {"held": True, "ended_ms": length_ms + 412.25, "violations": []},
        "promises": [{"name": p, "text": text, "checked": rng.randrange(100, 40000), "broken": 0}
                     for p, text in PROMISES.items()],
        "requests": requests_of(rng, n, slow, fail), "faults": recoveries_of(faults),
        "timeline": steps_of(rng, length_s, 1000, faults, slow), "locks": locks_of(rng, length_s),
        "escalations": [{"step": s, "n": k} for s, k in
                        (("retry", 112), ("clear", 18), ("rotate", 9), ("reset", 4),
                         ("give-up", 0))] if ours else [],
        "events": [{"event": e, "n": k} for e, k in
                   (("worker-died", 9), ("adapter-lost", 3), ("adapter-ready", 14),
                    ("bluetoothd-restarted", 2), ("slots-full", 6))] if ours else [],
        "resources": resources_of(rng, length_ms) if ours else {},
        "skipped": [] if ours else ["every 20 s kill worker any", "every 40 s kill lockd"],
    }


def broken():
    report = whole(seed=11)
    report["run"]["title"] = "Everything " + HOSTILE
    report["timeline"]["faults"][5]["recovered_ms"] = None
    report["timeline"]["faults"][9]["kind"] = "kind " + HOSTILE
    report["faults"] = recoveries_of(report["timeline"]["faults"])
    report["promises"][0]["broken"] = 1
    report["outcome"] = {"held": False, "ended_ms": 83211.5, "violations": [{
        "at_ms": 83120.75, "promise": "answered-once",
        "text": "read 4711 of poller 3 on C0:AA:BB:00:00:03 was answered twice",
        "request": {"number": 4711, "kind": "read", "device": "C0:AA:BB:00:00:03",
                    "asked_us": 83020112, "answers": 2, "note": HOSTILE},
        "trace": [f"{83.0 + i / 50:.3f} bleherd-worker[91{i % 3}]: session=14 op=read "
                  f"handle=0x0012 step={i} device=C0:AA:BB:00:00:03 state=busy "
                  + "queue=3 " * 6 + HOSTILE for i in range(40)]}]}
    return report


def empty():
    return {"format": "bleherd-soak 1", "run": {}, "outcome": {"held": True, "violations": None},
            "promises": [], "requests": {"n": 0, "done": 0, "kinds": [], "classes": []},
            "faults": [], "timeline": None, "locks": {}, "escalations": [], "events": [],
            "resources": {}}


MADE = {"held": whole, "broken": broken, "empty": empty,
        "bleak": lambda: whole("bleak", slow=3.1, fail=0.41, kinds=FAULTS[:5]),
        "locks": lambda: whole("bleak with locks", slow=2.2, fail=0.17, kinds=FAULTS[:5]),
        "long": lambda: whole(seed=3, length_s=10800, pace_ms=9000,
                              kinds=FAULTS + [f"fault-of-a-long-name-{i}" for i in range(30)])}

if __name__ == "__main__":
    wanted = sys.argv[1] if len(sys.argv) > 1 else "held"
    if wanted not in MADE:
        sys.exit(f"sample.py: no sample '{wanted}'; there are {', '.join(MADE)}")
    json.dump(MADE[wanted](), sys.stdout)
