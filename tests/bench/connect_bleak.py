#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What connect-client does, with bleak: the peer of bench-connect.

    connect_bleak.py ADDR...          commands on standard input, a line of JSON for each
    connect_bleak.py first ADDR       connect, read, print the value, end
    connect_bleak.py hold ADDR        StartNotify on fff4, bare, until the input ends

Peripherals are addressed by their object, without a search: the fastest that bleak has.
"""
import sys


def path_of(address):
    return "/org/bluez/hci0/dev_" + address.replace(":", "_")


ECHO = "0000fff3-0000-1000-8000-00805f9b34fb"
COUNTER = "0000fff4-0000-1000-8000-00805f9b34fb"
WAIT_S = 20


def client_of(address):
    from bleak import BleakClient
    from bleak.backends.device import BLEDevice

    return BleakClient(BLEDevice(address, address, {"path": path_of(address), "props": {}}, 0))


async def first(address):
    client = client_of(address)
    await client.connect()
    print(bytes(await client.read_gatt_char(ECHO)).decode(), flush=True)
    await client.disconnect()


async def lines():
    import asyncio

    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while True:
        line = await reader.readline()
        if not line:
            return
        yield line.decode().split()


class Peripheral:
    def __init__(self, address):
        self.client = client_of(address)
        self.address, self.values, self.lost, self.counter = address, 0, 0, 0
        self.until, self.reached = 0, None

    def on_value(self, _sender, value):
        counter = int.from_bytes(value, "little")
        # bluetoothd tells all of them once for each program that has called StartNotify.
        if counter <= self.counter:
            return
        if self.counter:
            self.lost += counter - self.counter - 1
        self.counter = counter
        self.values += 1
        if self.reached and self.values >= self.until:
            self.reached.set()

    async def await_values(self, until):
        import asyncio

        self.until, self.reached = until, asyncio.Event()
        if self.values < until:
            await asyncio.wait_for(self.reached.wait(), WAIT_S)
        self.reached = None


class Bench:
    def __init__(self, addresses):
        self.peripherals = [Peripheral(address) for address in addresses]
        self.samples, self.sim = [], None

    async def find(self):
        import asyncio

        from bleak import BleakScanner

        missing, all_seen = {p.address for p in self.peripherals}, asyncio.Event()

        def seen(device, _advert):
            missing.discard(device.address)
            if not missing:
                all_seen.set()

        async with BleakScanner(seen):
            await asyncio.wait_for(all_seen.wait(), WAIT_S)

    async def open(self):
        for p in self.peripherals:
            await p.client.connect()

    async def close(self):
        for p in self.peripherals:
            await p.client.disconnect()

    async def cycle(self, count):
        import time

        for i in range(int(count)):
            at = time.monotonic_ns()
            client = self.peripherals[i % len(self.peripherals)].client
            await client.connect()
            await client.read_gatt_char(ECHO)
            await client.disconnect()
            self.samples.append((time.monotonic_ns() - at) // 1000)

    async def fresh(self, count):
        import time

        for i in range(int(count)):
            at = time.monotonic_ns()
            async with client_of(self.peripherals[i % len(self.peripherals)].address) as client:
                await client.read_gatt_char(ECHO)
            self.samples.append((time.monotonic_ns() - at) // 1000)

    async def write(self, count, open_count="1"):
        import asyncio

        client, count, open_count = self.peripherals[0].client, int(count), int(open_count)

        async def every(first):
            for i in range(first, count + 1, open_count):
                await client.write_gatt_char(ECHO, i.to_bytes(4, "big"), response=False)

        await asyncio.gather(*(every(i + 1) for i in range(open_count)))

    async def sub(self):
        for p in self.peripherals:
            p.counter = p.values = 0
            await p.client.start_notify(COUNTER, p.on_value)

    async def unsub(self):
        for p in self.peripherals:
            await p.client.stop_notify(COUNTER)

    async def receive(self, count):
        import asyncio

        await asyncio.gather(*(p.await_values(p.values + int(count)) for p in self.peripherals))

    async def reach(self, count):
        import asyncio

        await asyncio.gather(*(p.await_values(int(count)) for p in self.peripherals))

    async def settle(self, count):
        await self.receive(count)
        for p in self.peripherals:
            p.lost = 0

    async def burst(self, count, size):
        import os
        import socket

        if not self.sim:
            self.sim = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self.sim.connect(os.environ["BLEHERD_SIM_CONTROL"])
        p = self.peripherals[0]
        for _ in range(int(count)):
            until = p.values + int(size)
            self.sim.send(f"burst {p.address} {size}".encode())
            answer = self.sim.recv(256)
            if not answer.startswith(b"ok"):
                raise RuntimeError(f"burst: {answer.decode()}")
            await p.await_values(until)

    async def serve(self):
        import json
        import time

        async for command, *arguments in lines():
            self.samples = []
            at = time.monotonic_ns()
            await getattr(self, command)(*arguments)
            print(json.dumps({"wall_us": (time.monotonic_ns() - at) // 1000,
                              "lost": sum(p.lost for p in self.peripherals),
                              "samples_us": self.samples}), flush=True)


async def hold(address):
    """Another program's StartNotify: AcquireNotify is refused while it is there."""
    from dbus_fast import BusType, Message, MessageType
    from dbus_fast.aio import MessageBus

    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()

    async def call(method):
        reply = await bus.call(Message(
            destination="org.bluez", path=path_of(address) + "/service0010/char0014",
            interface="org.bluez.GattCharacteristic1", member=method))
        if reply.message_type == MessageType.ERROR:
            sys.exit(f"{method}: {reply.error_name} {reply.body}")

    await call("StartNotify")
    print("{}", flush=True)
    async for _ in lines():
        pass
    await call("StopNotify")
    bus.disconnect()


def main():
    import asyncio

    if sys.argv[1] in ("first", "hold"):
        asyncio.run({"first": first, "hold": hold}[sys.argv[1]](sys.argv[2]))
    else:
        asyncio.run(Bench(sys.argv[1:]).serve())


if __name__ == "__main__":
    main()
