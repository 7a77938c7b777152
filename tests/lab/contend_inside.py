# SPDX-License-Identifier: GPL-3.0-or-later
"""The three contestants of tests/lab/contend, one after the other, inside the lab."""
import collections
import json
import os
import subprocess
import sys
import tempfile
import time

SERVICES, ROUNDS = 5, 6
BIN = os.environ.get("BLEHERD_BIN", "build/bin")


def address(i):
    return "C0:AA:BB:00:00:%02X" % i


def run_services(command):
    """Starts the five services at once; returns their answers and the seconds until the last ended."""
    start = time.monotonic()
    services = [
        subprocess.Popen(command + [str(i), address(i), str(ROUNDS)], stdout=subprocess.PIPE, text=True)
        for i in range(SERVICES)
    ]
    answers = []
    for service in services:
        out, _ = service.communicate()
        answers += [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    return answers, time.monotonic() - start


def afresh():
    """A new bluetoothd without links and memory: no contestant inherits from the one before."""
    subprocess.run(["contrib/lab/fresh"], check=True)


def with_bleherd():
    with tempfile.TemporaryDirectory() as directory:
        os.environ["BLEHERD_SOCKET"] = directory + "/s"
        os.environ["BLEHERD_LOCK_DIR"] = directory
        config = directory + "/conf"
        with open(config, "w") as out:
            out.write(f"[daemon]\nruntime_dir = {directory}\n")
        with open(os.environ.get("BLEHERD_LAB_LOGS", directory) + "/bleherdd.log", "w") as log:
            daemon = subprocess.Popen([BIN + "/bleherdd", "--config", config], stderr=log)
            try:
                while subprocess.run([BIN + "/bleherd", "status"], capture_output=True).returncode:
                    if daemon.poll() is not None:
                        sys.exit("contend: bleherdd ended at once")
                    time.sleep(0.05)
                return run_services(["build/tests/contend-client"])
            finally:
                daemon.terminate()
                daemon.wait()


def report(name, answers, seconds):
    ok = sum(a["ok"] for a in answers)
    latencies = sorted(l for a in answers for l in a.get("latencies", []))
    median = latencies[len(latencies) // 2] if latencies else float("nan")
    print(f"{name:<34} {ok:3d} of {SERVICES * ROUNDS}   {seconds:6.1f} s   median round {median:5.2f} s", flush=True)
    errors = collections.Counter()
    for answer in answers:
        errors.update(answer.get("errors", {}))
    for error, n in errors.most_common(5):
        print(f"    {n} x {error}", flush=True)
    return {"name": name, "ok": ok, "rounds": SERVICES * ROUNDS, "seconds": round(seconds, 2), "median_round_s": round(median, 3)}


def main():
    print("kernel", os.uname().release, flush=True)
    python = [sys.executable]
    results = []
    for name, run in (
        ("bleak, no coordination", lambda: run_services(python + ["tests/lab/contend_bleak.py"])),
        ("bleak, one flock per adapter", lambda: run_services(python + ["tests/lab/contend_flock.py"])),
        ("bleherd", with_bleherd),
    ):
        afresh()
        results.append(report(name, *run()))
    _, flock, ours = results
    good = ours["ok"] == ours["rounds"] and ours["seconds"] <= flock["seconds"] / 2
    print(json.dumps({"results": results, "goal_reached": good}), flush=True)
    return 0 if good else 1


sys.exit(main())
