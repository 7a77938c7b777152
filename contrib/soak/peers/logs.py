# SPDX-License-Identifier: GPL-3.0-or-later
"""What the clients of peer.py noted, what arrived at the peripherals, which faults there were.

Times are CLOCK_MONOTONIC in us, as everywhere in the soak.
"""
import dataclasses
import json
import pathlib

NEVER = 1 << 62


def address_of(device):
    return f"C0:AA:BB:{device >> 16:02X}:{device >> 8 & 255:02X}:{device & 255:02X}"


@dataclasses.dataclass
class Request:
    number: int
    kind: str
    device: int = None
    value: str = None
    asked_us: int = 0
    answered_us: int = None  # None: never
    error: str = None  # None: success, if it was answered

    @property
    def is_done(self):
        return self.answered_us is not None and self.error is None


@dataclasses.dataclass
class Client:
    who: str  # "poller 0"
    requests: list = dataclasses.field(default_factory=list)
    uses: list = dataclasses.field(default_factory=list)  # [device, adapter, from us, until us]
    values: list = dataclasses.field(default_factory=list)  # subscriptions: lists of (us, counter)
    holds: list = dataclasses.field(default_factory=list)  # [resource, from us, until us, by lock]
    over_us: int = None  # None: it did not come to its end when asked to


def read_client(who, lines):
    client, asked = Client(who), {}
    for what, us, *more in lines:
        if what == "ask":
            number, kind, device, value = more
            asked[number] = Request(number, kind, device, value, us)
            client.requests.append(asked[number])
            if kind == "subscribe":
                client.values.append([])  # the first can come before the answer
        elif what == "end":
            request = asked[more[0]]
            request.answered_us, request.error = us, more[1]
            request.value = more[2] if request.kind == "read" else request.value
        elif what == "use":
            client.uses.append([more[0], more[1], us, NEVER])
        elif what == "leave":
            client.uses[-1][3] = us
        elif what == "note":
            client.values[-1].append((us, more[1]))
        elif what == "hold":
            client.holds.append([more[0], us, NEVER, more[1]])
        elif what == "drop":
            client.holds[-1][2] = us
        elif what == "over":
            client.over_us = us
    return client


def json_lines(path):
    """The whole lines of a file; one that its writer's death cut short is none."""
    try:
        text = pathlib.Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in text.splitlines(True) if line.endswith("\n")]


@dataclasses.dataclass
class Fault:
    kind: str
    where: str  # "hci1", a peripheral's address, ""
    text: str
    line: int
    at_us: int
    end_us: int


def read_faults(lines):
    """The sim's fault log: begins, and ends told by the line of the plan."""
    faults = []
    for line in lines:
        if line.get("end"):
            for fault in reversed(faults):
                if fault.line == line.get("line") and fault.end_us > line["us"] >= fault.at_us:
                    fault.end_us = line["us"]
                    break
        elif line.get("kind") and not str(line.get("reply", "ok")).startswith("error"):
            length = line.get("for_ms", 0)
            end = NEVER if length < 0 else line["us"] + length * 1000
            faults.append(Fault(line["kind"], line.get("where", ""), line.get("text", ""),
                                line.get("line", 0), line["us"], end))
    return faults


def read_writes(lines):
    """Values of fff3 by device, in the order in which they arrived."""
    arrived = {}
    for line in lines:
        if line["uuid"] == "fff3":
            device = int(line["device"].replace(":", "")[6:], 16)
            arrived.setdefault(device, []).append(line["hex"])
    return arrived
