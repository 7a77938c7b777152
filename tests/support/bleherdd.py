# SPDX-License-Identifier: GPL-3.0-or-later
"""The bleherdd of a world (contrib/sim/world), killed and started again by a test."""
import ctypes
import os
import select
import signal
import socket
import subprocess
import tempfile

LIMIT = 10      # seconds; on a loaded machine


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)     # PR_SET_PDEATHSIG


class Bleherdd:
    """The first one is the world's and not our child; those after it die with us."""

    def __init__(self):
        self.pidfd = os.pidfd_open(int(os.environ["BLEHERD_DAEMON_PID"]))
        self.process = None
        self.dir = tempfile.TemporaryDirectory()
        self.ready = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.ready.bind(os.path.join(self.dir.name, "ready"))
        self.ready.settimeout(LIMIT)

    def kill(self):
        """SIGKILL; returns when it has gone."""
        signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
        if not select.select([self.pidfd], [], [], LIMIT)[0]:
            raise AssertionError("bleherdd does not die")
        os.close(self.pidfd)
        self.pidfd = -1
        if self.process:
            self.process.wait()

    def start(self):
        """Another one, with the world's configuration; returns when it serves."""
        program = os.path.join(os.environ["BLEHERD_BIN"], "bleherdd")
        self.process = subprocess.Popen(
            [program, "--config", os.environ["BLEHERD_CONFIG"]], stderr=subprocess.DEVNULL,
            env={**os.environ, "NOTIFY_SOCKET": self.ready.getsockname()},
            preexec_fn=_die_with_parent)
        self.pidfd = os.pidfd_open(self.process.pid)
        while b"READY=1" not in self.ready.recv(4096):
            pass

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(LIMIT)
        if self.pidfd >= 0:
            os.close(self.pidfd)
        self.ready.close()
        self.dir.cleanup()
