#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Baseline: services that share adapters with bleak alone, as programs do today.

Each service is a process with a peripheral of its own; in each of its rounds it finds, connects,
reads and disconnects, on the adapters in turn. It prints one JSON line at its end.

    contend_bleak.py SERVICE ADDRESS ROUNDS    one service, for a driver that starts several
    contend_bleak.py [--services N] ...        all of them, a summary on standard error
"""
import argparse
import asyncio
import collections
import contextlib
import json
import os
import subprocess
import sys
import time

from bleak import BleakClient, BleakScanner

ECHO = "0000fff3-0000-1000-8000-00805f9b34fb"
FIND_S = 8
CONNECT_S = 10
# bluetoothd may never answer (two StartDiscovery at once): a service that gives up on a round
# after this is already better than many real ones.
ROUND_S = 30
# Services do not start in the same instant: that alone would lose the first round.
STAGGER_S = 0.25


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("service", type=int, nargs="?")
    parser.add_argument("target", nargs="?", metavar="address")
    parser.add_argument("rounds", type=int, nargs="?", default=6)
    parser.add_argument("--services", type=int, default=5)
    parser.add_argument("--adapters", type=int, default=2)
    return parser.parse_args()


class NotFound(Exception):
    """The peripheral was not seen in time."""


async def use(adapter, target):
    device = await BleakScanner.find_device_by_address(target, timeout=FIND_S, adapter=adapter)
    if device is None:
        raise NotFound()
    async with BleakClient(device, adapter=adapter, timeout=CONNECT_S) as client:
        await client.read_gatt_char(ECHO)


async def serve(arguments, turn):
    """All rounds of one service. `turn(adapter)` is held around each round."""
    errors, latencies = collections.Counter(), []
    await asyncio.sleep(arguments.service * STAGGER_S)
    begin = time.monotonic()
    for i in range(arguments.rounds):
        adapter = f"hci{(arguments.service + i) % arguments.adapters}"
        start = time.monotonic()
        try:
            async with turn(adapter):
                await asyncio.wait_for(use(adapter, arguments.target), ROUND_S)
            latencies.append(round(time.monotonic() - start, 3))
        except Exception as error:  # pylint: disable=broad-except
            errors[f"{type(error).__name__}: {error}"[:80].rstrip(": ")] += 1
    return {
        "service": arguments.service,
        "address": arguments.target,
        "ok": len(latencies),
        "rounds": arguments.rounds,
        "errors": dict(errors),
        "seconds": round(time.monotonic() - begin, 2),
        "latencies": latencies,
    }


def run_all(arguments):
    """Starts the services, lets them go when all have loaded, and passes their lines on."""
    services = [
        subprocess.Popen([sys.executable, sys.argv[0], str(i), f"C0:AA:BB:00:00:{i:02X}",
                          str(arguments.rounds), f"--adapters={arguments.adapters}"],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                         env={**os.environ, "CONTEND_WAIT": "1"})
        for i in range(arguments.services)]
    for process in services:
        process.stdout.readline()
    begin = time.monotonic()
    for process in services:
        process.stdin.close()
    results = []
    for process in services:
        line = process.stdout.readline()
        process.wait()
        print(line, end="", flush=True)
        results.append(json.loads(line))
    done, wanted = (sum(r[key] for r in results) for key in ("ok", "rounds"))
    print(f"{done} of {wanted} rounds ok, {time.monotonic() - begin:.1f} s", file=sys.stderr)


@contextlib.asynccontextmanager
async def free_for_all(_adapter):
    yield


def main(turn):
    arguments = options()
    if arguments.service is None:
        run_all(arguments)
        return
    if arguments.target is None:
        sys.exit("contend: a service needs an address")
    if os.environ.get("CONTEND_WAIT"):
        # Loading bleak takes long under emulation, and is not what is compared.
        print("ready", flush=True)
        sys.stdin.read()
    print(json.dumps(asyncio.run(serve(arguments, turn))), flush=True)


if __name__ == "__main__":
    main(free_for_all)
