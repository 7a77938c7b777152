#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What contrib/soak/peers makes of what its clients noted: verdicts, recoveries, the report. Needs
nothing that runs, and no bleak."""
import json
import os
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "contrib/soak/peers"))
import head  # noqa: E402
import judge  # noqa: E402
import logs  # noqa: E402
import recovery  # noqa: E402
import report  # noqa: E402
import slots  # noqa: E402

S = 1_000_000
ADDRESS = "C0:AA:BB:00:00:05"


def client(who, *lines):
    return logs.read_client(who, [list(line) for line in lines])


def asked(number, kind, from_s, to_s, error=None, value=None, device=5):
    """A request from its question to its answer; to_s None: there was none."""
    lines = [("ask", int(from_s * S), number, kind, device, value if kind == "write" else None)]
    if to_s is not None:
        lines.append(("end", int(to_s * S), number, error, value if kind == "read" else None))
    return lines


def broken(judged):
    return {p["name"]: p["broken"] for p in judged.promises() if p["broken"]}


class Verdicts(unittest.TestCase):
    def setUp(self):
        self.verdicts = judge.Verdicts(0)

    def test_an_answer_that_never_comes_is_told(self):
        c = client("poller 0", *asked(1, "read", 1, 2), *asked(2, "connect", 3, None))
        judge.answers(self.verdicts, [c], 60 * S)
        self.assertEqual(broken(self.verdicts), {"answered-once": 1})
        self.assertIn("poller 0: connect was never answered", self.verdicts.violations[0]["text"])
        self.assertEqual(self.verdicts.violations[0]["at_ms"], 3000)

    def test_one_that_has_time_left_is_not_judged(self):
        c = client("poller 0", *asked(1, "connect", 55, None))
        judge.answers(self.verdicts, [c], 60 * S)
        self.assertEqual(broken(self.verdicts), {})

    def test_an_answer_far_beyond_its_deadline_is_late(self):
        c = client("poller 0", *asked(1, "read", 1, 11.5), *asked(2, "read", 20, 40, "deadline"))
        judge.answers(self.verdicts, [c], 60 * S)
        self.assertEqual(broken(self.verdicts), {"in-time": 1})

    def test_a_write_arrives_once(self):
        c = client("poller 0", *asked(1, "write", 1, 2, value="aa"),
                   *asked(2, "write", 3, 4, value="bb"), *asked(3, "write", 5, 6, "Failed", "cc"))
        judge.values(self.verdicts, [c], {5: ["aa", "aa"]})
        self.assertEqual(broken(self.verdicts), {"write-once": 2})

    def test_a_read_is_not_older_than_what_was_known(self):
        c = client("poller 0", *asked(1, "write", 1, 2, value="aa"),
                   *asked(2, "write", 3, 4, value="bb"))
        for value, from_s, wrong in (("aa", 3.5, 0), ("bb", 5, 0), ("aa", 5, 1), ("hello", 5, 1),
                                     ("hello", 0, 0), ("dd", 5, 1)):
            verdicts = judge.Verdicts(0)
            reader = client("poller 1", *asked(1, "read", from_s, 6, None, value))
            judge.values(verdicts, [c, reader], {5: ["aa", "bb"]})
            self.assertEqual(broken(verdicts).get("value", 0), wrong, (value, from_s))

    def test_a_late_answer_to_an_old_write_does_not_make_it_new(self):
        old = client("poller 0", *asked(1, "write", 1, 9, value="aa"))
        new = client("poller 1", *asked(1, "write", 3, 4, value="bb"))
        reader = client("poller 2", *asked(1, "read", 10, 11, None, "aa"))
        judge.values(self.verdicts, [old, new, reader], {5: ["aa", "bb"]})
        self.assertEqual(broken(self.verdicts), {"value": 1})

    def test_a_read_proves_what_is_there_to_others(self):
        c = client("poller 0", *asked(1, "write", 1, 9, "deadline", "aa"))
        first = client("poller 1", *asked(1, "read", 2, 3, None, "aa"))
        second = client("poller 2", *asked(1, "read", 4, 5, None, "hello"))
        judge.values(self.verdicts, [c, first, second], {5: ["aa"]})
        self.assertEqual(broken(self.verdicts), {"value": 1})

    def test_notifications_are_judged_within_a_subscription(self):
        lines = asked(1, "subscribe", 0, 1)
        lines += [("note", i * S, 5, n) for i, n in ((2, 7), (3, 8), (4, 8), (5, 9), (6, 12))]
        lines += asked(2, "subscribe", 7, 8) + [("note", 9 * S, 5, 40)]
        judge.notifications(self.verdicts, [client("subscriber 0", *lines)])
        self.assertEqual(broken(self.verdicts), {"notify-order": 2})
        self.assertIn("value 8 after 8: again", self.verdicts.violations[0]["text"])
        self.assertIn("value 12 after 9: 2 lost, no word", self.verdicts.violations[1]["text"])

    def test_the_first_value_may_come_before_its_answer(self):
        lines = asked(1, "subscribe", 0, 1) + [("note", 2 * S, 5, 9)]
        lines += [("ask", 3 * S, 2, "subscribe", 5, None), ("note", 4 * S, 5, 30),
                  ("note", 5 * S, 5, 31), ("end", 6 * S, 2, None, None), ("note", 7 * S, 5, 32)]
        c = client("subscriber 0", *lines)
        self.assertEqual([[n for _, n in v] for v in c.values], [[9], [30, 31, 32]])

    def test_more_holders_than_slots(self):
        def holder(i, from_s, to_s, by_lock=True):
            return client(f"poller {i}", ("hold", from_s * S, "connect:hci0", by_lock),
                          ("drop", to_s * S, "connect:hci0"))

        one_by_one = [holder(0, 1, 2), holder(1, 1, 3), holder(2, 2, 4)]
        self.assertEqual(judge.holders(self.verdicts, one_by_one, {"connect": 2}), 0)
        two = judge.holders(self.verdicts, one_by_one + [holder(3, 2, 5, False)], {"connect": 2})
        self.assertEqual(two, 1)
        self.assertIn("poller 3 is number 3 at connect:hci0", self.verdicts.violations[0]["text"])

    def test_health_is_a_success_after_the_last_fault(self):
        well = client("poller 0", *asked(1, "read", 51, 52), ("over", 60 * S))
        ill = client("poller 1", *asked(1, "read", 1, 2), *asked(2, "read", 51, 52, "Failed"),
                     ("over", 60 * S))
        stuck = client("poller 2", *asked(1, "read", 51, 52))
        judge.health(self.verdicts, [well, ill, stuck], 50 * S, 60 * S)
        self.assertEqual([v["text"][:8] for v in self.verdicts.violations],
                         ["poller 1", "poller 2"])

    def test_a_link_that_is_left_has_no_owner(self):
        judge.links(self.verdicts, [{"address": ADDRESS, "link": 0},
                                    {"address": "C0:AA:BB:00:00:06", "link": None}], 60 * S)
        self.assertEqual(broken(self.verdicts), {"owner": 1})

    def test_many_violations_are_counted_and_a_few_told(self):
        for i in range(100):
            self.verdicts.check("value", False, i, "wrong")
        self.assertEqual(broken(self.verdicts), {"value": 100})
        self.assertEqual(len(self.verdicts.violations), judge.TOLD)


class Recovery(unittest.TestCase):
    @staticmethod
    def user(who, *lines, until_s=None, adapter="hci0", device=5):
        leave = [("leave", int(until_s * S), device)] if until_s else []
        return client(who, ("use", 0, device, adapter), *lines, *leave)

    @staticmethod
    def one(fault, *clients):
        rows, marks = recovery.report([fault], clients, 0)
        return rows[0]["recovered"], marks[0]["recovered_ms"]

    def test_a_peripherals_fault_is_over_when_its_users_are_well(self):
        fault = logs.Fault("mute", ADDRESS, "mute", 1, 10 * S, 12 * S)
        first = self.user("poller 0", *asked(1, "read", 11, 11.5), *asked(2, "read", 11.6, 12.5))
        second = self.user("poller 1", *asked(1, "read", 11, 14), *asked(2, "read", 15, 16))
        other = self.user("poller 2", device=6)
        self.assertEqual(self.one(fault, first, second, other), (1, 2000))
        self.assertEqual(self.one(fault, first), (1, 500))
        self.assertEqual(self.one(fault, first, self.user("poller 3")), (0, None))

    def test_what_the_radio_does_not_do_proves_nothing(self):
        fault = logs.Fault("mute", ADDRESS, "mute", 1, 10 * S, 12 * S)
        self.assertEqual(self.one(fault, self.user("poller 0", *asked(1, "open", 12, 12.1),
                                                   *asked(2, "connect", 12.5, 13))), (1, 1000))

    def test_who_leaves_is_not_waited_for(self):
        fault = logs.Fault("drop", ADDRESS, "drop", 1, 10 * S, 10 * S)
        self.assertEqual(self.one(fault, self.user("poller 0", until_s=11)), (1, 0))

    def test_an_adapters_fault_touches_those_on_it(self):
        fault = logs.Fault("unplug", "hci1", "unplug 1", 1, 10 * S, 12 * S)
        on_it = self.user("poller 0", *asked(1, "read", 13, 15), adapter="hci1")
        self.assertEqual(self.one(fault, on_it, self.user("poller 1")), (1, 3000))

    def test_the_log_tells_how_long_a_fault_was(self):
        faults = logs.read_faults([
            {"us": 1, "line": 4, "kind": "mute", "where": ADDRESS, "for_ms": 2, "reply": "ok"},
            {"us": 5, "line": 5, "kind": "drop", "where": ADDRESS, "for_ms": 0, "reply": "ok"},
            {"us": 900, "line": 4, "end": True},
            {"us": 950, "line": 6, "kind": "plug", "for_ms": 0, "reply": "error: it is"}])
        self.assertEqual([(f.kind, f.at_us, f.end_us) for f in faults],
                         [("mute", 1, 900), ("drop", 5, 5)])


class Report(unittest.TestCase):
    def test_what_was_never_answered_is_asked_and_not_done(self):
        c = client("poller 0", *asked(1, "read", 0, 0.5), *asked(2, "read", 1, 1.2, "InProgress"),
                   *asked(3, "read", 2, None))
        whole = report.whole({}, [c], judge.Verdicts(0), recovery.report([], [c], 0), 0, [], 0,
                             3 * S)
        json.dumps(whole, allow_nan=False)
        self.assertEqual((whole["requests"]["n"], whole["requests"]["done"]), (3, 1))
        self.assertEqual(whole["requests"]["kinds"][0]["p50_ms"], 500)
        self.assertEqual({row["class"] for row in whole["requests"]["classes"]},
                         {"InProgress", "never answered"})
        self.assertEqual(whole["timeline"]["answered"], [1, 0, 0])
        self.assertEqual(whole["timeline"]["failed"], [0, 1, 0])
        self.assertEqual(whole["timeline"]["p95_ms"], [500, None, None])

    def test_percentiles(self):
        self.assertEqual([recovery.percentile(list(range(1, 101)), p) for p in (50, 95, 100)],
                         [50, 95, 100])
        self.assertIsNone(recovery.percentile([], 50))

    def test_a_line_cut_short_is_none(self):
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
            file.write('{"a":1}\n{"a":')
            file.flush()
            self.assertEqual(logs.json_lines(file.name), [{"a": 1}])
        self.assertEqual(logs.json_lines(file.name), [])


class Plans(unittest.TestCase):
    TEXT = ("# comment\ntitle Some text\nadapters 3\ndevices 9\nset links.linger_ms=1\n"
            "fake: sim --a=1\nlab: sim --b=2\nevery 5s kill worker any\n"
            "at 3s for 1s stop lockd # why\nlab: every 2s drop any\n"
            "every 9s for 1s kill bluetoothd\n")

    def read(self, face):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(self.TEXT)
            file.flush()
            return head.read(file.name, face)

    def test_the_head_and_what_peers_cannot_have(self):
        fake, lab = self.read("fake"), self.read("lab")
        self.assertEqual((fake.title, fake.adapters, fake.devices), ("Some text", 3, 9))
        self.assertEqual((fake.sim, lab.sim), (["--a=1"], ["--b=2"]))
        self.assertEqual(fake.skipped, ["every 5s kill worker any", "at 3s for 1s stop lockd"])
        # The sim plays bluetoothd on the fake.
        self.assertEqual(lab.skipped, fake.skipped + ["every 9s for 1s kill bluetoothd"])
        self.assertEqual((fake.has_faults, lab.has_faults), (True, True))


class Turns(unittest.IsolatedAsyncioTestCase):
    class Book:
        def __init__(self):
            self.lines = []

        def line(self, *what):
            self.lines.append(what)

    async def asyncSetUp(self):
        self.folder = tempfile.TemporaryDirectory()
        os.environ["BLEHERD_LOCK_DIR"] = self.folder.name
        self.addCleanup(self.folder.cleanup)

    async def test_two_slots_and_the_next_is_the_one_that_comes_free(self):
        first, second = slots.try_once("connect", "hci0"), slots.try_once("connect", "hci0")
        self.assertIsNone(slots.try_once("connect", "hci0"))
        self.assertEqual(sorted(os.listdir(self.folder.name)),
                         ["bleak-cm-hci0-slot-0.lock", "bleak-cm-hci0-slot-1.lock"])
        os.close(first)
        third = await slots.take("connect", "hci0", 60, 0.01)
        self.assertIsNotNone(third)
        for fd in (second, third):
            os.close(fd)

    async def test_a_busy_scan_goes_on_on_the_next_adapter(self):
        held, book = slots.try_once("scan", "hci0"), self.Book()
        turns = slots.Turns(book, ["hci0", "hci1"])
        async with turns.scanning("hci0") as where:
            self.assertEqual(where, "hci1")
        self.assertEqual(book.lines, [("hold", "scan:hci1", True), ("drop", "scan:hci1")])
        other = slots.try_once("scan", "hci1")
        async with turns.scanning("hci0") as where:
            # Both are busy: it goes on without.
            self.assertEqual(where, "hci0")
        self.assertEqual(book.lines[2], ("hold", "scan:hci0", False))
        for fd in (held, other):
            os.close(fd)


if __name__ == "__main__":
    unittest.main()
