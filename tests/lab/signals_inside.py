# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests/lab/signals does inside the lab: bluetoothd first, then bleherd beside others."""
import asyncio
import json
import subprocess
import time

from dbus_fast import BusType, Message, MessageType
from dbus_fast.aio import MessageBus

from lab import BLEHERD, Command, characteristic, fault, main, need, ok

DEVICE = "C0:AA:BB:00:00:00"
CHRC = "org.bluez.GattCharacteristic1"
PROPERTIES = "org.freedesktop.DBus.Properties"
LISTEN_S = 0.6
UNDER_WAY_S = 0.002     # its write takes a connection event: 30 ms
VALUES = 10
ON, OFF, DONE = ("Notifying", True), ("Notifying", False), ("answer", None)


class Program:
    """One past bleherd; it notes what is signalled of characteristics, and the answers to its calls."""

    def __init__(self, bus):
        self.bus, self.log, self.path = bus, [], None
        bus.add_message_handler(self.hear)

    def hear(self, message):
        if message.member == "PropertiesChanged":
            for name, value in message.body[1].items():
                self.log.append((name, value.value))
        elif message.message_type in (MessageType.METHOD_RETURN, MessageType.ERROR):
            self.log.append(("answer", message.error_name))

    async def listen(self):
        await self.bus.call(Message(
            destination="org.freedesktop.DBus", path="/org/freedesktop/DBus", member="AddMatch",
            interface="org.freedesktop.DBus", signature="s",
            body=[f"type='signal',sender='org.bluez',interface='{PROPERTIES}',arg0='{CHRC}'"]))

    async def call(self, member):
        """Notifying as it was signalled before the answer, then that."""
        self.log.clear()
        await self.bus.call(Message(destination="org.bluez", path=self.path, interface=CHRC,
                                    member=member))
        return [entry for entry in self.log if entry[0] != "Value"]

    async def times(self):
        """How often each value is signalled, without the first and the last one."""
        self.log.clear()
        await asyncio.sleep(LISTEN_S)
        values = [bytes(value) for name, value in self.log if name == "Value"]
        return {values.count(value) for value in set(values) - {values[0], values[-1]}} if values \
            else set()


async def program(path=None):
    it = Program(await MessageBus(bus_type=BusType.SYSTEM).connect())
    it.path = path
    return it


async def leave_under_way(path):
    """StartNotify whose sender is gone before its answer."""
    it = await program(path)
    call = asyncio.ensure_future(it.call("StartNotify"))
    await asyncio.sleep(UNDER_WAY_S)
    it.bus.disconnect()
    call.add_done_callback(lambda done: done.cancelled() or done.exception())
    await asyncio.sleep(LISTEN_S)


class BlueZ:
    """What bluetoothd itself does: the fake does the same."""

    def __init__(self, me, other):
        self.me, self.other = me, other

    async def step(self, member, wanted, times):
        found = await self.me.call(member)
        need(found == wanted, f"{member}: {found}, not {wanted}")
        await self.need_times(times)

    async def need_times(self, times):
        found = await self.me.times()
        need(found == times, f"each value {found} times, not {times}")

    async def one_session(self):
        await self.step("StartNotify", [ON, DONE], {1})
        await self.step("StopNotify", [OFF, DONE], set())
        ok("Notifying is said before the answer")

    async def two_sessions(self):
        await self.other.call("StartNotify")
        await self.need_times({1})
        await self.step("StartNotify", [DONE], {2})
        await self.step("StopNotify", [DONE], {1})
        ok("a second session is not said, and doubles")

    async def left_under_way(self):
        await leave_under_way(self.me.path)
        await self.need_times({1})
        await self.step("StartNotify", [DONE], {2})
        await self.step("StopNotify", [DONE], {1})
        ok("one that left under way has a session")


class Listener:
    """bleherd notify --reconnect: each value is larger than the one before, by one but for gaps."""

    def __init__(self):
        self.command = Command("notify", DEVICE, "fff4", "--reconnect")

    def values(self, count):
        found = []
        end = time.monotonic() + 30
        for line in self.command.process.stdout:
            need(time.monotonic() < end, f"no {count} values in 30 s")
            said = json.loads(line)
            if "hex" in said:
                found.append(int.from_bytes(bytes.fromhex(said["hex"])[:4], "little"))
            if len(found) == count:
                break
        need(len(found) == count, "it has ended")
        need(found == sorted(set(found)), f"not in order, or twice: {found}")
        return found


async def beside_a_program(other):
    listener = Listener()
    last = listener.values(VALUES)
    await other.call("StopNotify")
    need(listener.values(VALUES) > last, "twice")
    listener.command.stop()
    ok("bleherd beside a program, which ends")


async def beside_the_dead():
    listener = Listener()
    last = listener.values(VALUES)
    fault(f"drop {DEVICE} 0x13")
    need(listener.values(2 * VALUES) > last, "twice")
    listener.command.stop()
    ok("bleherd beside the dead, on two links")


async def all_steps():
    path = characteristic(DEVICE, "fff4")
    bluez = BlueZ(await program(path), await program(path))
    await bluez.me.listen()
    await bluez.one_session()
    await bluez.two_sessions()
    await beside_a_program(bluez.other)
    await bluez.left_under_way()
    await beside_the_dead()


def steps():
    holder = subprocess.Popen([BLEHERD, "connect", DEVICE, "--hold", "150"], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL)
    holder.stdout.readline()
    asyncio.run(all_steps())
    holder.kill()
    holder.wait()


if __name__ == "__main__":
    main("signals", steps)
