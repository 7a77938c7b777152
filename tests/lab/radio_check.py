#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the software radio itself under the real bluetoothd: contrib/lab/run --no-daemon -- this.

One line per check, `ok` or `FAILED`, with what was measured; status 0 if all passed.
"""
import asyncio
import ctypes
import json
import os
import socket
import struct
import sys
import time

from bleak import BleakClient, BleakScanner
from dbus_fast import BusType, Message, Variant
from dbus_fast.aio import MessageBus

ECHO, COUNTER, INDICATED, LONG = (f"0000fff{n}-0000-1000-8000-00805f9b34fb" for n in "3456")
ADDRESSES = [f"C0:AA:BB:00:00:{i:02X}" for i in range(5)]
MGMT_DISCONNECT = 0x0014
LE_RANDOM = 2
failures = []


def check(name, passed, detail=""):
    print(f"{'ok    ' if passed else 'FAILED'} {name} {detail}".rstrip(), flush=True)
    if not passed:
        failures.append(name)


def fault(line):
    """Sends one command to the simulated world and returns its answer."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as control:
        control.connect(os.environ["BLEHERD_SIM_CONTROL"])
        control.send(line.encode())
        answer = control.recv(1 << 20).decode()
    if answer.startswith("error"):
        raise RuntimeError(f"{line}: {answer}")
    return answer


def device_counters(address):
    return next(d for d in json.loads(fault("stats"))["devices"] if d["address"] == address)


class Mgmt:
    """The kernel's management socket; Python's own bind() cannot name its channel."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_BLUETOOTH, socket.SOCK_RAW, socket.BTPROTO_HCI)
        name = struct.pack("=HHH", socket.AF_BLUETOOTH, 0xFFFF, 3)
        if ctypes.CDLL(None, use_errno=True).bind(self.socket.fileno(), name, len(name)) < 0:
            raise OSError(ctypes.get_errno(), "bind of the MGMT socket")
        self.socket.settimeout(5)

    def disconnect(self, index, address, address_type):
        """Returns the status and the milliseconds that it took."""
        body = bytes.fromhex(address.replace(":", ""))[::-1] + bytes([address_type])
        start = time.monotonic()
        self.socket.send(struct.pack("<HHH", MGMT_DISCONNECT, index, len(body)) + body)
        while True:
            event, _, _ = struct.unpack_from("<HHH", packet := self.socket.recv(1024))
            if event in (1, 2) and struct.unpack_from("<H", packet, 6)[0] == MGMT_DISCONNECT:
                return packet[8], (time.monotonic() - start) * 1000


async def find(address, adapter, timeout=10.0):
    return await BleakScanner.find_device_by_address(address, timeout=timeout, adapter=adapter)


async def see_all():
    """Both adapters scan at once; five devices are to be seen by each, with different RSSI."""
    async def scan(adapter):
        async with BleakScanner(adapter=adapter) as scanner:
            await asyncio.sleep(2)
            return scanner.discovered_devices_and_advertisement_data

    seen = await asyncio.gather(scan("hci0"), scan("hci1"))
    counts = [sum(a in result for a in ADDRESSES) for result in seen]
    check("both adapters see five devices", counts == [5, 5], f"{counts}")
    rssi = [[result[a][1].rssi for a in ADDRESSES if a in result] for result in seen]
    check("RSSI differs by adapter", rssi[0] != rssi[1], f"{rssi}")
    return {a: (seen[i % 2].get(a) or (None, None))[0] for i, a in enumerate(ADDRESSES)}


async def use(client, index):
    """Reads, writes in both ways, a long value, notifications and indications."""
    numbers, indicated = [], []
    await client.start_notify(COUNTER, lambda _, v: numbers.append(struct.unpack("<I", v)[0]))
    await client.start_notify(INDICATED, lambda _, v: indicated.append(struct.unpack("<I", v)[0]))
    value = bytes([index]) * 20
    await client.write_gatt_char(ECHO, value, response=True)
    with_response = bytes(await client.read_gatt_char(ECHO)) == value
    await client.write_gatt_char(ECHO, b"command %d" % index, response=False)
    without_response = bytes(await client.read_gatt_char(ECHO)) == b"command %d" % index
    value = bytes((i * 7 + index) & 0xFF for i in range(500))
    await client.write_gatt_char(LONG, value, response=True)
    is_long = bytes(await client.read_gatt_char(LONG)) == value
    await asyncio.sleep(3)
    return {
        "write": with_response,
        "command": without_response,
        "long": is_long,
        "notified": len(numbers) >= 10,
        "no gap": all(b - a == 1 for a, b in zip(numbers, numbers[1:])),
        "indicated": len(indicated) >= 2,
    }


async def complete(client):
    """bleak 0.20 now and then sees ServicesResolved before the last services: connects again."""
    while client.services.get_characteristic(LONG) is None:
        print("note   services came late, connecting again", flush=True)
        await client.disconnect()
        await client.connect()


async def five_at_once(devices):
    clients = [BleakClient(d, adapter=f"hci{i % 2}", timeout=20)
               for i, d in enumerate(devices.values())]
    start = time.monotonic()
    await asyncio.gather(*(c.connect() for c in clients))
    check("five devices on two adapters connect at once", all(c.is_connected for c in clients),
          f"{time.monotonic() - start:.2f} s")
    for client in clients:
        await complete(client)
    results = await asyncio.gather(*(use(c, i) for i, c in enumerate(clients)))
    for key in results[0]:
        check(f"five at once: {key}", all(r[key] for r in results), f"{[r[key] for r in results]}")
    start = time.monotonic()
    await asyncio.gather(*(c.disconnect() for c in clients))
    check("five disconnects", not any(c.is_connected for c in clients),
          f"{time.monotonic() - start:.2f} s")


async def burst(device, address):
    client = BleakClient(device, adapter="hci0", timeout=20)
    await client.connect()
    await complete(client)
    numbers = []
    await client.start_notify(COUNTER, lambda _, v: numbers.append(struct.unpack("<I", v)[0]))
    fault(f"burst {address} 300")
    await asyncio.sleep(2)
    gaps = sum(b - a != 1 for a, b in zip(numbers, numbers[1:]))
    check("burst of 300", len(numbers) >= 300 and gaps == 0, f"{len(numbers)}, {gaps} gaps")
    await client.disconnect()


async def lost(client, seconds=3.0):
    """Waits until the client knows that its link is gone; returns the seconds, or None."""
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        if not client.is_connected:
            return time.monotonic() - start
        await asyncio.sleep(0.005)
    return None


async def ending_links(device, address):
    """`device` was found on hci0."""
    client = BleakClient(device, adapter="hci0", timeout=20)
    await client.connect()
    status, ms = Mgmt().disconnect(0, address, LE_RANDOM)
    check("MGMT Disconnect", status == 0 and ms < 1000, f"status {status}, {ms:.1f} ms")
    check("D-Bus hears of it", await lost(client) is not None)

    await client.connect()
    fault(f"drop {address} 0x13")
    seconds = await lost(client)
    check("drop", seconds is not None and seconds < 1, f"{seconds}")

    await client.connect()
    fault(f"vanish {address} on")
    seconds = await lost(client, 15)
    fault(f"vanish {address} off")
    check("vanish ends in a supervision timeout", seconds is not None, f"{seconds}")


async def call(path, interface, member, signature, body):
    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    await bus.call(Message(destination="org.bluez", path=path, interface=interface, member=member,
                           signature=signature, body=body))
    bus.disconnect()


def device_path(adapter, address):
    return f"/org/bluez/{adapter}/dev_{address.replace(':', '_')}"


async def failing_connects(address):
    """Each fault is used up by one attempt; what bluetoothd makes of it is printed only."""
    for line in ("refuse {} 1 0x0c", "lie {} 1 0x3e", "early-drop {} 1"):
        client = BleakClient(await find(address, "hci0"), adapter="hci0", timeout=3)
        # Else the object goes with the first failure.
        await call(device_path("hci0", address), "org.freedesktop.DBus.Properties", "Set", "ssv",
                   ["org.bluez.Device1", "Trusted", Variant("b", True)])
        fault(line.format(address))
        before = device_counters(address)
        try:
            await client.connect()
            outcome = "connected"
        except Exception as error:  # pylint: disable=broad-except
            outcome = f"{type(error).__name__}: {error}"
        await client.disconnect()
        after = device_counters(address)
        used = after["refused"] + after["connects"] > before["refused"] + before["connects"]
        check(line.split()[0], used, outcome[:70])
    async with BleakClient(await find(address, "hci0"), adapter="hci0", timeout=20) as client:
        check("connects afterwards", bytes(await client.read_gatt_char(ECHO)) != b"")


async def silence(address):
    fault(f"silent {address} on")
    await asyncio.sleep(0.2)
    await call("/org/bluez/hci1", "org.bluez.Adapter1", "RemoveDevice", "o",
               [device_path("hci1", address)])
    check("silent: not found", await find(address, "hci1", 3) is None)
    fault(f"silent {address} off")
    check("silent off: found", await find(address, "hci1", 5) is not None)


def adapter_numbers():
    return sorted(os.listdir("/sys/class/bluetooth"))


async def plugging(address):
    start = time.monotonic()
    fault("unplug 1")
    check("unplug", adapter_numbers() == ["hci0"], f"{time.monotonic() - start:.2f} s")
    fault("plug 1")
    end = time.monotonic() + 10
    while len(adapter_numbers()) < 2 and time.monotonic() < end:
        await asyncio.sleep(0.05)
    await asyncio.sleep(1.5)
    name = adapter_numbers()[-1]
    device = await find(address, name)
    check("plug: found on the new adapter", device is not None, name)
    if device:
        async with BleakClient(device, adapter=name, timeout=20) as client:
            check("plug: connects there", client.is_connected)


async def main():
    devices = await see_all()
    if None in devices.values():
        sys.exit(1)
    await five_at_once(devices)
    await burst(devices[ADDRESSES[0]], ADDRESSES[0])
    await ending_links(devices[ADDRESSES[0]], ADDRESSES[0])
    await failing_connects(ADDRESSES[2])
    await silence(ADDRESSES[3])
    await plugging(ADDRESSES[4])
    links = [c["links"] for c in json.loads(fault("radio"))]
    check("no link is left", not any(links), f"{links}")
    sys.exit(1 if failures else 0)


asyncio.run(main())
