# SPDX-License-Identifier: GPL-3.0-or-later
"""What the soak promises of bleherd, judged of programs that use bleak: as far as one can from
outside. Pure: from what logs.py read to the report's promises and violations.

A broken promise does not stop a run of the peers: it is counted, and the first few are told.
"""
import bisect
import collections

# As the soak's judge: a deadline of 10 s, a second for the answer to arrive, one more on a machine
# that has much to do.
DEADLINE_US = 10_000_000
LATE_US = DEADLINE_US + 2_000_000
TOLD = 5  # violations of one promise that are told

TEXTS = {
    "answered-once": "Each request is answered exactly once",
    "in-time": "Each answer comes within the deadline",
    "value": "What was read is what was last written",
    "write-once": "A write that was answered arrived, and once",
    "notify-order": "Notifications in order, none twice, losses announced",
    "holders": "Never more holders than slots",
    "owner": "No link without an owner",
    "healthy": "All is well after the last fault",
    "flat": "Memory, descriptors and processes stay flat",
}


class Verdicts:
    def __init__(self, began_us):
        self.began_us = began_us
        self.checked, self.broken = collections.Counter(), collections.Counter()
        self.violations = []

    def check(self, promise, holds, at_us, text, request=None):
        self.checked[promise] += 1
        if holds:
            return
        self.broken[promise] += 1
        if self.broken[promise] > TOLD:
            return
        self.violations.append({
            "at_ms": max(0, (at_us - self.began_us) // 1000), "promise": promise, "text": text,
            "request": request and {"kind": request.kind, "number": request.number,
                                    "device": request.device, "error": request.error},
            "trace": []})

    def promises(self):
        return [{"name": name, "text": text, "checked": self.checked[name],
                 "broken": self.broken[name]} for name, text in TEXTS.items()]


def answers(verdicts, clients, end_us):
    """A request that was asked too late to be over by the end is not judged."""
    for client in clients:
        for r in client.requests:
            took_us = (r.answered_us or end_us) - r.asked_us
            if r.answered_us is None and took_us <= LATE_US:
                continue
            what = f"{client.who}: {r.kind}"
            verdicts.check("answered-once", r.answered_us is not None, r.asked_us,
                           f"{what} was never answered, in {took_us / 1e6:.1f} s", r)
            if r.answered_us is not None:
                verdicts.check("in-time", took_us <= LATE_US, r.asked_us,
                               f"{what} took {took_us / 1e6:.1f} s", r)


def values(verdicts, clients, arrived):
    """Each value is written once, and the order of arrival tells which one is older."""
    places = {device: {v: i + 1 for i, v in enumerate(order)} for device, order in arrived.items()}
    for device, order in arrived.items():
        for value, times in collections.Counter(order).items():
            verdicts.check("write-once", times == 1, verdicts.began_us,
                           f"{value} arrived {times} times at device {device}")
    proofs = collections.defaultdict(list)
    for client in clients:
        for r in client.requests:
            place = places.get(r.device, {}).get(r.value)
            if r.kind == "write" and r.is_done:
                verdicts.check("write-once", place is not None, r.answered_us,
                               f"{client.who}: a write that was answered did not arrive", r)
            if r.kind in ("write", "read") and r.is_done and place:
                proofs[r.device].append((r.answered_us, place))
    for proof in proofs.values():
        proof.sort()
        newest = 0
        for i, (at_us, place) in enumerate(proof):
            newest = max(newest, place)
            proof[i] = (at_us, newest)
    for client in clients:
        for r in client.requests:
            if r.kind == "read" and r.is_done:
                _value_of_read(verdicts, client, r, places.get(r.device, {}), proofs[r.device])


def _value_of_read(verdicts, client, r, places, proofs):
    known = bisect.bisect_left(proofs, (r.asked_us, 0))
    newest = proofs[known - 1][1] if known else 0
    place = 0 if r.value == "hello" else places.get(r.value)
    if place is None:
        text = f"{client.who} read '{r.value}', which nobody has written there"
    else:
        text = f"{client.who} read '{r.value}', which others had been told is overwritten"
    verdicts.check("value", place is not None and place >= newest, r.answered_us, text, r)


def notifications(verdicts, clients):
    """Within a subscription that lasts. bleak announces no losses: each one is unannounced."""
    for client in clients:
        for subscription in client.values:
            for (_, before), (us, counter) in zip(subscription, subscription[1:]):
                text = "again" if counter <= before else f"{counter - before - 1} lost, no word"
                verdicts.check("notify-order", counter == before + 1, us,
                               f"{client.who}: value {counter} after {before}: {text}")


def holders(verdicts, clients, slots):
    """@slots: connect or scan -> how many may hold one adapter's at once."""
    changes = collections.defaultdict(list)
    for client in clients:
        for resource, begin_us, until_us, by_lock in client.holds:
            changes[resource].append((begin_us, 1, client.who, by_lock))
            changes[resource].append((until_us, -1, client.who, by_lock))
    two = 0
    for resource, events in changes.items():
        allowed, held = slots[resource.split(":")[0]], 0
        for us, step, who, by_lock in sorted(events):
            held += step
            if step > 0:
                two += held > allowed
                verdicts.check("holders", held <= allowed, us,
                               f"{who} is number {held} at {resource}, where {allowed} may be"
                               + ("" if by_lock else ": it went on without a lock"))
    return two


def health(verdicts, clients, rest_us, end_us):
    """After the last fault each client has a success, and comes to its end when asked to."""
    for client in clients:
        well = any(r.is_done and r.answered_us > rest_us for r in client.requests)
        verdicts.check("healthy", well, end_us,
                       f"{client.who} had no success in the {(end_us - rest_us) / 1e6:.0f} s "
                       "after the last fault")
        verdicts.check("healthy", client.over_us is not None, end_us,
                       f"{client.who} did not end when asked to")


def links(verdicts, devices, at_us):
    """@devices: of the sim's `stats`, when nobody is there any more."""
    for device in devices:
        verdicts.check("owner", device["link"] is None, at_us,
                       f"{device['address']} is connected, and nobody is there any more")
