# SPDX-License-Identifier: LGPL-2.1-or-later
"""A turn on a Bluetooth radio that bleherd shares: its locks, for asyncio programs.

    from bleherd_lock import BleherdLock, LockTimeout

    async with BleherdLock("connect:hci0", "device:C0:AA:BB:00:00:01", timeout=15) as lock:
        client = BleakClient("C0:AA:BB:00:00:01", adapter="hci0")
        await client.connect()          # nobody else connects over hci0, or to that device

    with SyncLock("scan:hci0", timeout=30) as lock:     # a program without asyncio
        scan()

One file, Python 3.9 and its standard library: copy it into your program. It needs a running
bleherdd (`$BLEHERD_SOCKET`, /run/bleherd/bleherd.sock) and the right to open its socket.

Resources: `connect:hciN`, `scan:hciN`, `maintenance:hciN`, `device:ADDR`, up to four at once; all
of them are given, or none. Waiting is in turn: nobody polls.

A lock is a lease. It is renewed in the background, on the event loop: a program that blocks its
loop for longer than half a lease (15 s by default) risks it. Whoever must not go on without the
lock watches `lock.lost`, or gives `on_event`. The body is not interrupted: only the program knows
what can be stopped where. A restart of the arbiter is not noticed; the end of bleherdd is a loss,
after which the radio stays locked until the lock is released.

Not safe across fork(): in a child the lock is the parent's, and leaving the block does nothing.
Wire format: ipc/session.proto, ipc/lock.proto, ipc/chan.h. All times here are seconds.
"""
import array
import asyncio
import collections
import math
import os
import socket
import struct
import sys
import threading

__all__ = ["BleherdLock", "Client", "SyncLock", "LockError", "LockTimeout", "LockRefused",
           "NoDaemon"]

DEFAULT_SOCKET = "/run/bleherd/bleherd.sock"
CLASSES = {"recovery": 1, "interactive": 2, "connect": 3, "scan": 4, "background": 5}
REASONS = {1: "invalid", 2: "limit", 3: "not-allowed", 4: "unusable", 5: "adapter-gone",
           6: "fenced", 7: "expired", 8: "taken", 9: "version"}

_ANSWER_GRACE = 1.0     # beyond a deadline, for the answer to arrive
_FOREVER_MS = 0xffffffff
_RENEW_MIN = 0.1        # a lease about to end is not renewed faster than that


class LockError(Exception):
    """Any of the three below."""


class LockTimeout(LockError):
    """It did not become free within the timeout."""


class LockRefused(LockError):
    """The arbiter will not give it: reason is a value of REASONS ("" if it said none)."""

    def __init__(self, reason, text):
        super().__init__(text or reason)
        self.reason = reason
        self.text = text


class NoDaemon(LockError):
    """bleherdd or its arbiter does not run, went away, or does not let us in."""


# --- messages: field number -> (name, type); [str] is repeated ---

_HELLO = {1: ("version", int), 2: ("label", str)}
_ERROR = {1: ("class", int), 2: ("text", str), 3: ("advice", str)}
_HELD = {1: ("grant", int), 2: ("resources", [str]), 3: ("lock_class", int),
         4: ("max_hold_ms", int), 5: ("under", int), 6: ("label", str)}
_ACQUIRE = {1: ("resources", [str]), 2: ("lock_class", int), 3: ("timeout_ms", int),
            4: ("max_hold_ms", int), 5: ("label", str), 6: ("under", int)}
_GRANTED = {1: ("grant", int), 2: ("waited_ms", int), 3: ("lease_ms", int)}
_GRANT = {1: ("grant", int)}
_RENEWED = {1: ("lease_ms", int), 2: ("wanted", int)}
_REFUSED = {1: ("text", str), 2: ("reason", int)}
_REVOKED = {1: ("grant", int), 2: ("text", str), 3: ("reason", int), 4: ("grace_ms", int)}

# session.proto, control connection
_C_HELLO, _C_LOCK_OPEN, _C_LOCK_OPENED, _C_ERROR = 1, 10, 42, 128
# lock.proto
_L_HELLO, _L_HELD, _L_ACQUIRE, _L_RELEASE, _L_CANCEL, _L_RENEW = 1, 2, 3, 4, 5, 6
_L_GRANTED, _L_TIMED_OUT, _L_CANCELLED, _L_REFUSED, _L_REVOKED, _L_RENEWED = range(32, 38)
_L_HELLO_OK = 38


def _put_varint(value):
    out = bytearray()
    while value > 0x7f:
        out.append(value & 0x7f | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _get_varint(data, at):
    value = 0
    for i in range(10):
        if at + i >= len(data):
            break
        value |= (data[at + i] & 0x7f) << 7 * i
        if data[at + i] < 0x80:
            return value & 0xffffffffffffffff, at + i + 1
    raise ValueError("a number without an end")


def encode(fields, **values):
    """A message's bytes; what is None, or not given, is left out."""
    out = b""
    for number, (name, kind) in fields.items():
        value = values.pop(name, None)
        if value is None:
            continue
        if kind is int:
            out += _put_varint(number << 3) + _put_varint(value)
            continue
        for text in value if isinstance(kind, list) else [value]:
            raw = text.encode()
            out += _put_varint(number << 3 | 2) + _put_varint(len(raw)) + raw
    if values:
        raise TypeError(f"no such field: {', '.join(values)}")
    return out


def decode(fields, data):
    """A message as a dict without what is absent; unknown fields are skipped. ValueError."""
    out = {}
    at = 0
    while at < len(data):
        key, at = _get_varint(data, at)
        wire = key & 7
        if wire == 0:
            value, at = _get_varint(data, at)
        elif wire in (1, 2, 5):
            size, at = _get_varint(data, at) if wire == 2 else (8 if wire == 1 else 4, at)
            value, at = data[at:at + size], at + size
            if at > len(data):
                raise ValueError("a field beyond the end")
        else:
            raise ValueError(f"wire type {wire}")
        name, kind = fields.get(key >> 3, (None, None))
        if name is None:
            continue
        if wire != (0 if kind is int else 2):
            raise ValueError(f"{name} is of another type")
        if isinstance(kind, list):
            out.setdefault(name, []).append(value.decode("utf-8", "replace"))
        else:
            out[name] = value if kind is int else value.decode("utf-8", "replace")
    return out


# --- channels ---

_HEADER = struct.Struct("<HBBHHII")     # magic, version, fds seen, type, flags, id, epoch
_MAGIC, _VERSION, _PING = 0x4842, 1, 1
_BODY_MAX, _FDS_MAX, _READS = 4096, 4, 32


class _Channel:
    """Frames over a SOCK_SEQPACKET socket, on the running loop; never blocks.

    At most one frame with descriptors is unread by the peer: the next one waits, and all behind
    it, until the peer's count in the header shows that the first arrived (asked by PING).
    """

    def __init__(self, sock, on_frame, on_end):
        """on_frame(type, id, body, fds) empties fds if it keeps them; on_end(text) comes once,
        unless it is closed here."""
        sock.setblocking(False)
        self._sock, self._fd = sock, sock.fileno()
        self._on_frame, self._on_end = on_frame, on_end
        self._queue = collections.deque()       # (type, flags, id, body, own fds)
        self._sent = self._arrived = self._received = 0     # frames with fds, modulo 256
        self._asked = self._finishing = self._writing = False
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._fd, self._read)

    def send(self, kind, ident=0, body=b"", fds=()):
        """Sends a frame in its turn. The descriptors stay the caller's."""
        if self._sock is None:
            return
        self._queue.append((kind, 0, ident, body, [os.dup(fd) for fd in fds]))
        self._flush()

    def finish(self):
        """Sends what is queued, then the end; on_end comes when the peer has closed, too."""
        self._finishing = True
        self._flush()

    def close(self):
        if self._sock is None:
            return
        self._loop.remove_reader(self._fd)
        self._loop.remove_writer(self._fd)
        self._sock.close()
        self._sock = None
        while self._queue:
            _close_all(self._queue.popleft()[4])

    def _flush(self):
        while self._sock is not None and self._queue:
            kind, flags, ident, body, fds = self._queue[0]
            if fds and self._sent != self._arrived:
                if not self._asked:
                    self._asked = True
                    self._queue.appendleft((0, _PING, 0, b"", []))
                    continue
                break
            head = _HEADER.pack(_MAGIC, _VERSION, self._received, kind, flags, ident, 0)
            ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))]
            try:
                self._sock.sendmsg([head, body], ancillary if fds else [], socket.MSG_NOSIGNAL)
            except BlockingIOError:
                break
            except OSError:
                pass            # it has gone: reading finds what it still said, then the end
            if fds:
                self._sent = (self._sent + 1) & 0xff
            _close_all(self._queue.popleft()[4])
        if self._sock is None:
            return
        if self._finishing and not self._queue:
            self._finishing = False
            try:
                self._sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass
        waits = bool(self._queue) and not (self._queue[0][4] and self._sent != self._arrived)
        if waits != self._writing:
            self._writing = waits
            if waits:
                self._loop.add_writer(self._fd, self._flush)
            else:
                self._loop.remove_writer(self._fd)

    def _read(self):
        for _ in range(_READS):         # whoever floods us must not stop the rest of the program
            if self._sock is None:
                return
            try:
                data, ancillary, flags, _ = self._sock.recvmsg(
                    _HEADER.size + _BODY_MAX, socket.CMSG_SPACE(4 * _FDS_MAX),
                    socket.MSG_CMSG_CLOEXEC)
            except BlockingIOError:
                return
            except ConnectionResetError:
                continue        # comes before what is queued, once: read on until the end
            except OSError as error:
                return self._end(error.strerror)
            fds = array.array("i")
            for level, kind, raw in ancillary:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    fds.frombytes(raw[:len(raw) - len(raw) % fds.itemsize])
            if not data:
                return self._end("it was closed")
            try:
                if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
                    raise ValueError("too large")
                self._take(data, fds)
            except ValueError as error:
                return self._end(f"a frame that is none: {error}")
            finally:
                _close_all(fds)

    def _take(self, data, fds):
        if len(data) < _HEADER.size:
            raise ValueError("too short")
        magic, version, seen, kind, flags, ident, _ = _HEADER.unpack_from(data)
        # It can only have seen what was sent: one at most is under way.
        if (magic, version) != (_MAGIC, _VERSION) or seen not in (self._sent, self._arrived):
            raise ValueError("its header")
        self._arrived = seen
        self._received = (self._received + bool(fds)) & 0xff
        if kind != 0:
            self._on_frame(kind, ident, data[_HEADER.size:], fds)
        elif flags & _PING:
            self._queue.appendleft((0, 0, 0, b"", []))
        else:
            self._asked = False
        self._flush()

    def _end(self, why):
        if self._sock is not None:
            self.close()
            self._on_end(why)


def _close_all(fds):
    for fd in fds:
        os.close(fd)


def _cut(label):
    return label.encode("utf-8", "replace")[:63].decode("utf-8", "ignore")


# --- the client ---

async def _connect(path):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        sock.setblocking(False)
        try:
            sock.connect(path)
        except BlockingIOError:
            # Its backlog is full, and poll() does not tell when that ends: connect(2) does.
            sock.setblocking(True)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", 5, 0))
            await asyncio.get_running_loop().run_in_executor(None, sock.connect, path)
        return sock
    except BaseException as error:
        sock.close()
        if isinstance(error, OSError):
            raise NoDaemon(f"bleherdd at {path}: {error.strerror or error}") from error
        raise


class Client:
    """A connection to bleherdd that several locks of a program may share, on one event loop.

    `async with Client() as client:` opens it (NoDaemon), gives up what is left, and closes it. A
    connection that was lost stays lost: make a new Client.
    """

    def __init__(self, path=None, label=None):
        self.path = path or os.environ.get("BLEHERD_SOCKET") or DEFAULT_SOCKET
        self.label = _cut(label or os.path.basename(sys.argv[0]) or "python")
        self._pid = os.getpid()
        self._locks = []                # waiting and held
        self._renewals = {}             # id -> lock
        self._cancels = {}              # id -> future: the answer to a CANCEL
        self._control = self._arbiter = None
        self._gone = "it is not open"
        self._opening = self._hello = self._last_id = self._failures = 0
        self._ended = None              # future: the arbiter closed its end, too

    async def __aenter__(self):
        await self.open()
        return self

    async def __aexit__(self, *_):
        await self.aclose()

    async def open(self):
        """Connects. NoDaemon. Does not wait for the arbiter."""
        sock = await _connect(self.path)
        self._loop = asyncio.get_running_loop()
        self._gone = ""
        self._control = _Channel(sock, self._on_control, self._on_control_end)
        self._control.send(_C_HELLO, self._new_id(), encode(_HELLO, version=1, label=self.label))

    async def aclose(self):
        """Gives up everything, waits until the arbiter has read that (1 s at most), closes."""
        if os.getpid() != self._pid or self._control is None:
            return
        self._fail_all("the client was closed", tell=True)
        try:
            if self._arbiter is not None:
                self._ended = self._loop.create_future()
                # The supervisor takes the end of the control connection for our end: if it came
                # first, what we held would look abandoned rather than released.
                self._arbiter.finish()
                await asyncio.wait([self._ended], timeout=_ANSWER_GRACE)
        finally:
            self._drop("it was closed")

    def _new_id(self):
        self._last_id = self._last_id % 0xffffffff + 1
        return self._last_id

    def _drop(self, why):
        self._gone = self._gone or why
        for channel in (self._arbiter, self._control):
            if channel is not None:
                channel.close()
        self._arbiter = self._control = None
        for future in self._cancels.values():
            if not future.done():
                future.set_result(None)
        self._cancels.clear()
        self._fail_all(self._gone)

    def _fail_all(self, why, tell=False):
        error = why if isinstance(why, LockError) else NoDaemon(f"bleherdd at {self.path}: {why}")
        for lock in list(self._locks):
            lock._fail(error, tell)

    # -- control connection --

    def _want_arbiter(self):
        if self._control is not None and self._arbiter is None and not self._opening:
            self._opening = self._new_id()
            self._control.send(_C_LOCK_OPEN, self._opening)

    def _on_control(self, kind, ident, body, fds):
        if kind == _C_LOCK_OPENED and ident == self._opening and len(fds) == 1:
            self._opening = 0
            self._start(socket.socket(fileno=fds.pop()))
        elif kind == _C_ERROR:
            said = decode(_ERROR, body)
            text = "; ".join(filter(None, (said.get("text"), said.get("advice"))))
            if ident != self._opening:
                return self._drop(text)
            self._opening = 0
            self._fail_all(text)        # no arbiter; a later lock asks again

    def _on_control_end(self, why):
        self._drop(f"the connection ended: {why}")

    # -- the arbiter --

    def _start(self, sock):
        self._arbiter = _Channel(sock, self._on_arbiter, self._on_arbiter_end)
        self._hello = self._new_id()
        self._arbiter.send(_L_HELLO, self._hello,
                           encode(_HELLO, version=1, label=self.label))
        # A grant under another one has the greater number: the other is handed back first.
        for lock in sorted(self._locks, key=lambda lock: lock.grant):
            if lock.grant:
                self._arbiter.send(_L_HELD, 0, encode(_HELD, grant=lock.grant, **lock._terms()),
                                   lock._fds)
                lock._renew()
        for lock in self._locks:
            if not lock.grant:
                self._ask(lock)

    def _ask(self, lock):
        if self._arbiter is None:
            self._want_arbiter()
            return
        lock._id = self._new_id()
        self._arbiter.send(_L_ACQUIRE, lock._id,
                           encode(_ACQUIRE, timeout_ms=lock._left_ms(), **lock._terms()))

    def _on_arbiter(self, kind, ident, body, fds):
        if kind == _L_GRANTED:
            self._on_granted(ident, decode(_GRANTED, body), fds)
            return
        if kind == _L_HELLO_OK:
            return
        self._failures = 0
        lock = next((lock for lock in self._locks if not lock.grant and lock._id == ident), None)
        if kind in (_L_TIMED_OUT, _L_CANCELLED):
            self._answer_cancel(ident)
            if lock and ident:
                lock._fail(LockTimeout(f"{lock} is not free within {lock.timeout} s"))
        elif kind == _L_REFUSED:
            self._on_refused(ident, lock, decode(_REFUSED, body))
        elif kind == _L_REVOKED:
            said = decode(_REVOKED, body)
            for lock in list(self._locks):
                if lock.grant and lock.grant == said.get("grant"):
                    lock._on_revoked(said)
        elif kind == _L_RENEWED and ident in self._renewals:
            self._renewals.pop(ident)._on_renewed(decode(_RENEWED, body))

    def _on_granted(self, ident, said, fds):
        self._failures = 0
        lock = next((lock for lock in self._locks if not lock.grant and lock._id == ident), None)
        if lock and ident and said.get("grant"):
            lock._on_granted(said, list(fds))
            del fds[:]
            return
        # Too late: its waiter gave up while this was under way.
        self._arbiter.send(_L_RELEASE, 0, encode(_GRANT, grant=said.get("grant", 0)))
        self._answer_cancel(ident)

    def _on_refused(self, ident, lock, said):
        reason = REASONS.get(said.get("reason"), "")
        refused = LockRefused(reason, said.get("text", ""))
        self._answer_cancel(ident)
        if ident in (0, self._hello):   # us altogether: its channel ends now
            self._fail_all(refused)
        elif ident in self._renewals:
            lock = self._renewals.pop(ident)
            # Revoked while this was under way: it is ours to the end of the grace.
            if reason == "fenced" and lock.grant and not lock.revoked.is_set():
                lock._fail(refused)
        elif lock:
            lock._fail(refused)

    def _on_arbiter_end(self, why):
        self._arbiter = None
        self._renewals.clear()
        for ident in list(self._cancels):
            self._answer_cancel(ident)
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)
        for lock in self._locks:
            lock._id = 0
        if not self._locks or self._gone or self._ended:
            return
        # The supervisor answers when the next one runs; one that closes without having answered
        # anything but HELLO (it may not like what we send) is given longer and longer pauses.
        pause = min(2.0, 0.05 * 2 ** self._failures) if self._failures else 0
        self._failures += 1
        self._loop.call_later(pause, self._want_arbiter)

    def _answer_cancel(self, ident):
        future = self._cancels.pop(ident, None)
        if future is not None and not future.done():
            future.set_result(None)

    def _tell(self, kind, ident, fields, **values):
        """Best effort: without an arbiter there is nobody who would have to know."""
        if self._arbiter is not None:
            self._arbiter.send(kind, ident, encode(fields, **values))


# --- locks ---

class BleherdLock:
    """One lock: `async with`, or acquire() and release(). Can be used again after release().

    resources:  names, 1 to 4; all or nothing
    timeout:    to wait at most; 0: only if free now; None: for ever. Then LockTimeout
    label:      what `bleherd locks` shows; the program's name by default
    lock_class: one of CLASSES; None: by the resource. Others of a class are served in turn
    max_hold:   revoked then, without renewal; None: renewed as long as the arbiter allows
    under:      a grant (number) that covers part of the resources, as in $BLEHERD_GRANT
    on_event:   called on the loop as on_event(lock, what, text); what is "wanted": others wait,
                release it when it suits; "revoked": stop and release, it is taken in lock.grace
                seconds; "lost": it is over
    client:     a Client to share; None: a connection of its own

    While held: grant (the fencing number, grows with each grant of this machine), waited, and the
    asyncio.Events wanted, revoked (set when lost, too) and lost. `why` says what happened.
    """

    def __init__(self, *resources, timeout=15, label=None, lock_class=None, max_hold=None,
                 under=None, on_event=None, client=None):
        if not 1 <= len(resources) <= 4 or not all(
                isinstance(name, str) and len(name) < 64 for name in resources):
            raise ValueError("name 1 to 4 resources: connect:hci0, scan:hci0, device:ADDR")
        if lock_class is not None and lock_class not in CLASSES:
            raise ValueError(f"no such class: {lock_class}; there are {', '.join(CLASSES)}")
        if timeout is not None and not 0 <= timeout < math.inf:
            raise ValueError(f"timeout is {timeout}: seconds, 0: only if free now, or None")
        if max_hold is not None and not 0 < max_hold < math.inf:
            raise ValueError(f"max_hold is {max_hold}: seconds, more than 0, or None")
        self.resources, self.timeout, self.max_hold = resources, timeout, max_hold
        self.label, self.lock_class = label and _cut(label), lock_class
        self.under = int(under) if under else None
        self.on_event = on_event
        self.wanted = self.revoked = self.lost = None
        self.grant, self.waited, self.grace, self.why = 0, 0.0, 0.0, ""
        self._client, self._is_own = client, client is None
        self._future = self._timer = None
        self._id, self._fds, self._until = 0, [], None

    def __str__(self):
        return ", ".join(self.resources)

    async def __aenter__(self):
        await self.acquire()
        return self

    async def __aexit__(self, *_):
        await self.release()

    async def acquire(self):
        """Waits for the lock. LockTimeout, LockRefused, NoDaemon. A cancelled wait leaves nothing
        behind: it takes until the arbiter has answered the CANCEL, 1 s at most."""
        if self._future is not None:
            raise RuntimeError(f"{self} is waited for or held already")
        loop = self._loop = asyncio.get_running_loop()
        self.wanted, self.revoked, self.lost = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.waited, self.grace, self.why = 0.0, 0.0, ""
        self._since = loop.time()
        self._until = None if self.timeout is None else self._since + self.timeout
        future = self._future = loop.create_future()
        try:
            if self._is_own:
                self._client = Client(label=self.label)
                await self._client.open()
            if self._client._gone:
                raise NoDaemon(f"bleherdd at {self._client.path}: {self._client._gone}")
            if self._until is not None:
                self._timer = loop.call_at(self._until + _ANSWER_GRACE, self._expire)
            self._client._locks.append(self)
            self._client._ask(self)
            await future
        except BaseException:
            try:
                await self._give_up()
            finally:
                await self._leave()
            raise

    async def release(self):
        """Gives it up; fine if it was lost. Does not block, but for closing its own connection."""
        if self._future is None or os.getpid() != self._client._pid:
            return
        if not self._future.done():
            raise RuntimeError(f"{self} is being waited for: cancel the task that does")
        if self.grant:
            self._client._tell(_L_RELEASE, 0, _GRANT, grant=self.grant)
        self._end()
        await self._leave()

    # -- what the client calls --

    def _terms(self):
        return {"resources": self.resources, "lock_class": CLASSES.get(self.lock_class),
                "max_hold_ms": _to_ms(self.max_hold), "under": self.under, "label": self.label}

    def _left_ms(self):
        if self._until is None:
            return _FOREVER_MS
        return _to_ms(max(0, self._until - self._loop.time()))

    def _on_granted(self, said, fds):
        self._fds, self.grant = fds, said["grant"]
        self.waited = self._loop.time() - self._since
        self._plan_renewal(said.get("lease_ms", 0))
        if not self._future.done():
            self._future.set_result(None)

    def _plan_renewal(self, lease_ms):
        self._stop_timer()
        if lease_ms:
            self._timer = self._loop.call_later(max(_RENEW_MIN, lease_ms / 2000), self._renew)

    def _renew(self):
        client = self._client
        if self.max_hold or self.revoked.is_set() or client._arbiter is None:
            return              # the next arbiter is asked when it comes
        ident = client._new_id()
        client._renewals[ident] = self
        client._tell(_L_RENEW, ident, _GRANT, grant=self.grant)

    def _on_renewed(self, said):
        if not self.grant:
            return
        self._plan_renewal(said.get("lease_ms", 0))
        if said.get("wanted"):
            self._say("wanted", "others wait for it")

    def _on_revoked(self, said):
        text = said.get("text") or REASONS.get(said.get("reason"), "revoked")
        if not said.get("grace_ms"):
            self._fail(LockRefused(REASONS.get(said.get("reason"), ""), text))
            return
        self._stop_timer()
        self.grace = said["grace_ms"] / 1000
        self._say("revoked", text)

    def _expire(self):
        if not self._future.done():     # acquire() gives it up
            self._future.set_exception(LockTimeout(f"{self}: no answer in {self.timeout} s"))

    def _fail(self, error, tell=False):
        """A waiter gets the error, a holder loses its lock."""
        was_held = self.grant
        if tell and was_held:
            self._client._tell(_L_RELEASE, 0, _GRANT, grant=was_held)
        elif tell and self._id:
            self._client._tell(_L_CANCEL, self._id, {})
        self._let_go()
        if was_held:    # until release() it keeps out whom the arbiter does not let in
            self._say("lost", str(error))
        elif not self._future.done():
            self._future.set_exception(error)

    def _say(self, what, text):
        self.why = text
        if what != "wanted":
            self.revoked.set()
        {"wanted": self.wanted, "revoked": self.revoked, "lost": self.lost}[what].set()
        if self.on_event is not None:
            self._loop.call_soon(self.on_event, self, what, text)

    def _let_go(self):
        self._stop_timer()
        if self in self._client._locks:
            self._client._locks.remove(self)
        self.grant, self._id = 0, 0

    def _end(self):
        self._let_go()
        _close_all(self._fds)
        self._fds = []

    def _stop_timer(self):
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None

    async def _give_up(self):
        """After an acquire() that failed or was cancelled: whatever it got in the meantime goes."""
        client, ident = self._client, self._id
        if self.grant:
            client._tell(_L_RELEASE, 0, _GRANT, grant=self.grant)
        elif ident and self in client._locks and client._arbiter is not None:
            answer = client._cancels[ident] = self._loop.create_future()
            client._tell(_L_CANCEL, ident, {})
            self._end()
            await asyncio.wait([answer], timeout=_ANSWER_GRACE)
        self._end()

    async def _leave(self):
        self._future = None
        if self._is_own and self._client is not None:
            client, self._client = self._client, None
            await client.aclose()


def _to_ms(seconds):
    return None if seconds is None else min(_FOREVER_MS, math.ceil(seconds * 1000))


class SyncLock:
    """The same for programs without an event loop: `with`, or acquire() and release().

    Arguments as for BleherdLock, but for client. A thread of its own renews it and calls on_event.
    """

    def __init__(self, *resources, **options):
        self._lock = BleherdLock(*resources, **options)
        self._loop = None

    def __enter__(self):
        self.acquire()
        return self

    def __exit__(self, *_):
        self.release()

    @property
    def grant(self):
        """The fencing number; 0: not held (any more)."""
        return self._lock.grant

    @property
    def why(self):
        return self._lock.why

    def acquire(self):
        """Blocks for as long as the timeout. LockTimeout, LockRefused, NoDaemon."""
        if self._loop is not None:
            raise RuntimeError(f"{self._lock} is held already")
        self._pid, self._loop = os.getpid(), asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True,
                                        name="bleherd-lock")
        self._thread.start()
        waiter = asyncio.run_coroutine_threadsafe(self._lock.acquire(), self._loop)
        try:
            waiter.result()
        except BaseException:
            waiter.cancel()     # Ctrl-C in here: acquire() is still at it
            self._stop()
            raise

    def release(self):
        """Gives it up; blocks until the arbiter has read that, 1 s at most."""
        if self._loop is not None and os.getpid() == self._pid:
            self._stop()

    def _stop(self):
        async def finish():
            others = asyncio.all_tasks() - {asyncio.current_task()}
            await asyncio.gather(*others, return_exceptions=True)
            await self._lock.release()

        loop, self._loop = self._loop, None
        try:
            asyncio.run_coroutine_threadsafe(finish(), loop).result()
        finally:
            loop.call_soon_threadsafe(loop.stop)
            self._thread.join()
            loop.close()
