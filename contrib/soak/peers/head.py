# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run of the peers needs of a fault plan: the world's size, and which faults they cannot
have. The faults themselves are read by bleherd-sim; see bleherd-faults(5)."""
import dataclasses
import pathlib
import re

PLANS = pathlib.Path(__file__).resolve().parent.parent / "plans"
# Faults that bleherd-soak does itself: peers have no such process. bluetoothd's are the sim's on
# the fake; the real one, which peers have, too, is the soak's.
PROCESS = {"fake": re.compile(r"\b(kill|stop|starve)\s+(worker|lockd|daemon|client)\b"),
           "lab": re.compile(r"\b(kill|stop|starve)\s+(worker|lockd|daemon|client|bluetoothd)\b")}


@dataclasses.dataclass
class Head:
    path: pathlib.Path
    title: str = ""
    adapters: int = 2
    devices: int = 12
    notify_ms: int = 200
    sim: list = dataclasses.field(default_factory=list)
    skipped: list = dataclasses.field(default_factory=list)  # fault lines
    has_faults: bool = False


def read(name, face):
    """The head of a plan, by its file or its name in contrib/soak/plans. Raises OSError."""
    path = pathlib.Path(name)
    if "/" not in name and not path.is_file():
        path = PLANS / name
    head = Head(path.resolve())
    for line in path.read_text(encoding="utf-8").splitlines():
        line = line.split("#")[0].strip()
        of, _, rest = line.partition(":")
        if of in ("fake", "lab"):
            line = rest.strip() if of == face else ""
        word, _, rest = line.partition(" ")
        rest = rest.strip()
        if not word or word in ("set", "expect"):
            continue
        if word == "title":
            head.title = rest
        elif word in ("adapters", "devices", "notify-ms"):
            setattr(head, word.replace("-", "_"), int(rest))
        elif word == "sim":
            head.sim.append(rest)
        elif PROCESS[face].search(line):
            head.skipped.append(line)
        else:
            head.has_faults = True
    return head
