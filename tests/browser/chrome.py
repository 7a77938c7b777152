# SPDX-License-Identifier: GPL-3.0-or-later
"""A headless Chromium, spoken to over its DevTools protocol on a pair of pipes: nothing but the
standard library is needed, no port is opened, and it ends with us."""
import base64
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time

# For any one answer: far more than a busy machine needs.
ANSWER_S = 120


class Chrome:
    """Use as a context manager; page() opens one page and yields what it said and asked for."""

    def __init__(self):
        program = shutil.which("chromium") or shutil.which("chromium-browser")
        if not program:
            raise SystemExit("browser: no chromium; run contrib/bootstrap browser")
        self.home = tempfile.mkdtemp(prefix="bleherd-browser-")
        # Chromium reads commands at descriptor 3 and answers at 4. The first pipe has the lower
        # numbers, so that 3 cannot be what 4 is to become.
        theirs_in, self.to = os.pipe()
        self.back, theirs_out = os.pipe()
        self.buffer, self.number, self.events = b"", 0, []
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--",
             "sh", "-c", f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}', "sh",
             program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
             "--no-first-run", "--disable-dev-shm-usage", "--disable-background-networking",
             f"--user-data-dir={self.home}", "--remote-debugging-pipe", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            pass_fds=(theirs_in, theirs_out), start_new_session=True)
        os.close(theirs_in)
        os.close(theirs_out)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.to)
        # Its helpers are its process group; they are gone when it is.
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self.back)
        shutil.rmtree(self.home, ignore_errors=True)

    def _message(self, until):
        while b"\0" not in self.buffer:
            if not select.select([self.back], [], [], max(until - time.monotonic(), 0))[0]:
                raise SystemExit(f"browser: Chromium did not answer for {ANSWER_S} s")
            piece = os.read(self.back, 1 << 20)
            if not piece:
                raise SystemExit("browser: Chromium ended")
            self.buffer += piece
        text, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, session=None, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + ANSWER_S
        while True:
            got = self._message(until)
            if got.get("id") == self.number:
                if "error" in got:
                    raise SystemExit(f"browser: {method}: {got['error']['message']}")
                return got["result"]
            self.events.append(got)

    def wait(self, event, session):
        until = time.monotonic() + ANSWER_S
        while not any(e.get("method") == event and e.get("sessionId") == session
                      for e in self.events):
            self.events.append(self._message(until))


class Page:
    """One page in a tab of its own, as wide and as light as wanted."""

    def __init__(self, chrome, url, width, scheme, media="screen"):
        self.chrome, self.url = chrome, url
        chrome.events.clear()
        self.target = chrome.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = chrome.call("Target.attachToTarget", targetId=self.target,
                                   flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=800,
                  deviceScaleFactor=1, mobile=width < 500)
        self.call("Emulation.setEmulatedMedia", media=media,
                  features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Page.navigate", url=url)
        chrome.wait("Page.loadEventFired", self.session)

    def call(self, method, **params):
        return self.chrome.call(method, self.session, **params)

    def evaluate(self, script):
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True,
                           awaitPromise=True)
        if "exceptionDetails" in result:
            raise SystemExit(f"browser: {result['exceptionDetails']}")
        return result["result"].get("value")

    def complaints(self):
        """What the page said on the console, and whatever it asked for besides itself."""
        found = []
        for e in self.chrome.events:
            params = e.get("params", {})
            if e.get("method") == "Network.requestWillBeSent":
                if params["request"]["url"] != self.url:
                    found.append(f"it asked the network for {params['request']['url'][:80]}")
            elif e.get("method") == "Runtime.consoleAPICalled":
                found.append(f"it wrote to the console: {params['args']}")
            elif e.get("method") == "Runtime.exceptionThrown":
                found.append("a script of it threw")
            elif e.get("method") == "Log.entryAdded":
                found.append(f"the browser complained: {params['entry']['text']}")
        return found

    def picture(self, path):
        image = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True,
                          clip=self.evaluate(
                              "({x: 0, y: 0, scale: 1, width: document.documentElement.clientWidth,"
                              " height: document.documentElement.scrollHeight})"))
        with open(path, "wb") as out:
            out.write(base64.b64decode(image["data"]))

    def close(self):
        self.chrome.call("Target.closeTarget", targetId=self.target)
