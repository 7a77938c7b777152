# SPDX-License-Identifier: GPL-3.0-or-later
"""report.json of a run of the peers: what contrib/soak/report.h reads. Pure."""
import collections

from recovery import percentile

STEP_MS = 1000
KINDS = ["open", "connect", "read", "write", "subscribe", "disconnect", "scan", "lock"]


def spread(times_us, precise=True):
    """p50, p95, worst in ms."""
    ordered = sorted(times_us)
    digits = 1 if precise else None
    return {key: None if not ordered else round(value / 1000, digits) for key, value in (
        ("p50_ms", percentile(ordered, 50)), ("p95_ms", percentile(ordered, 95)),
        ("worst_ms", ordered[-1] if ordered else None))}


def requests(clients):
    """What was never answered counts as asked and not done, in the class "never answered"."""
    asked, done, times, classes = (collections.Counter(), collections.Counter(),
                                   collections.defaultdict(list), collections.Counter())
    for client in clients:
        for r in client.requests:
            asked[r.kind] += 1
            if r.is_done:
                done[r.kind] += 1
                times[r.kind].append(r.answered_us - r.asked_us)
            else:
                classes[r.error or "never answered"] += 1
    return {"n": sum(asked.values()), "done": sum(done.values()),
            "kinds": [{"kind": kind, "n": asked[kind], "done": done[kind], **spread(times[kind])}
                      for kind in KINDS if asked[kind]],
            "classes": [{"class": name, "n": n} for name, n in classes.most_common()]}


def timeline(clients, began_us, end_us):
    """By the step in which the answer came."""
    steps = max(1, -(-(end_us - began_us) // (STEP_MS * 1000)))
    answered, failed, times = [0] * steps, [0] * steps, [[] for _ in range(steps)]
    for client in clients:
        for r in client.requests:
            if r.answered_us is None or not began_us <= r.answered_us < end_us:
                continue
            step = (r.answered_us - began_us) // (STEP_MS * 1000)
            if r.error is None:
                answered[step] += 1
                times[step].append(r.answered_us - r.asked_us)
            else:
                failed[step] += 1
    spreads = [spread(t) for t in times]
    return {"step_ms": STEP_MS, "answered": answered, "failed": failed,
            **{key: [s[key] for s in spreads] for key in ("p50_ms", "p95_ms", "worst_ms")}}


def locks(clients, two_holders):
    """Of those that do nothing but take turns, as the soak's own lockers."""
    rows, by_resource = [], collections.defaultdict(list)
    for client in clients:
        if not client.who.startswith("locker"):
            continue
        turns = [r for r in client.requests if r.kind == "lock" and r.is_done]
        rows.append({"who": client.who, "kind": "outsider", "grants": len(turns),
                     **spread([r.answered_us - r.asked_us for r in turns])})
        rows[-1] = {{"p50_ms": "wait_p50_ms", "p95_ms": "wait_p95_ms"}.get(key, key): value
                    for key, value in rows[-1].items()}
        if client.holds:
            by_resource[client.holds[0][0].split(":")[0]].append(len(turns))
    unfair = [max(n) / max(1, min(n)) for n in by_resource.values() if len(n) > 1]
    return {"grants": sum(row["grants"] for row in rows), "two_holders": two_holders,
            "fairness": round(max(unfair), 2) if unfair else None, "clients": rows}


def whole(run, clients, verdicts, faults, two_holders, skipped, began_us, end_us):
    """@faults: of recovery.report(); @run: the report's "run"."""
    kinds, marks = faults
    return {"format": "bleherd-soak 1", "run": run,
            "outcome": {"held": not verdicts.violations, "ended_ms": (end_us - began_us) // 1000,
                        "violations": verdicts.violations},
            "promises": verdicts.promises(), "requests": requests(clients), "faults": kinds,
            "timeline": {**timeline(clients, began_us, end_us), "faults": marks},
            "locks": locks(clients, two_holders), "escalations": [], "events": [],
            "resources": {"step_ms": 5000, "processes": [], "count": []}, "skipped": skipped}
