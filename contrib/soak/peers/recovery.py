# SPDX-License-Identifier: GPL-3.0-or-later
"""From a fault's end until every client that it touched had a success again: by the same rules as
contrib/soak/recovery.h. Pure.
"""
import collections

import logs

# What cannot succeed without the peripheral. A search can, from what is remembered.
BY_RADIO = ("connect", "read", "write", "subscribe", "scan")


def waits_for(fault, client):
    """Whether the fault touches the client, and until when it is waited for: (bool, us)."""
    if not fault.where:
        return True, logs.NEVER
    touched, until_us = False, 0
    for device, adapter, begin_us, end_us in client.uses:
        if begin_us > fault.end_us or end_us < fault.at_us:
            continue
        if fault.where.startswith("hci"):
            touched, until_us = touched or adapter == fault.where, logs.NEVER
        elif logs.address_of(device) == fault.where:
            # Who leaves the device meanwhile is not waited for.
            touched, until_us = True, end_us
    return touched, until_us


def recovered_at(fault, clients):
    """(whether, us): None instead of a time if nobody had to recover."""
    last_us = None
    for client in clients:
        touched, until_us = waits_for(fault, client)
        if not touched:
            continue
        device = ":" in fault.where
        success = next((r.answered_us for r in client.requests
                        if r.is_done and r.kind in BY_RADIO and r.answered_us > fault.end_us
                        and (not device or r.device is not None
                             and logs.address_of(r.device) == fault.where)), None)
        if success is None or success > until_us:
            if until_us == logs.NEVER:
                return False, None
            continue
        last_us = max(last_us or 0, success)
    return True, last_us


def percentile(ordered, percent):
    """The smallest value that so many percent are not above; None of nothing."""
    if not ordered:
        return None
    return ordered[min(len(ordered) - 1, max(0, -(-len(ordered) * percent // 100) - 1))]


def report(faults, clients, began_us):
    """The report's faults, and its timeline's."""
    rows, timeline = collections.OrderedDict(), []
    for fault in faults:
        done, at_us = recovered_at(fault, clients)
        took_ms = None if at_us is None else max(0, (at_us - fault.end_us) // 1000)
        row = rows.setdefault(fault.kind, {"n": 0, "recovered": 0, "times": []})
        row["n"] += 1
        row["recovered"] += done
        if took_ms is not None:
            row["times"].append(took_ms)
        for_ms = 0 if fault.end_us == logs.NEVER else (fault.end_us - fault.at_us) // 1000
        timeline.append({"at_ms": (fault.at_us - began_us) // 1000, "for_ms": for_ms,
                         "kind": fault.kind, "where": fault.where, "text": fault.text,
                         "recovered_ms": took_ms if took_ms is not None else 0 if done else None})
    kinds = []
    for kind, row in rows.items():
        times = sorted(row["times"])
        kinds.append({"kind": kind, "n": row["n"], "recovered": row["recovered"],
                      "p50_ms": percentile(times, 50), "p95_ms": percentile(times, 95),
                      "worst_ms": times[-1] if times else None})
    return kinds, timeline
