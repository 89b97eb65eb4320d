"""A headless Chromium for measurements: pages over the DevTools protocol, and their threads' processor time.

    with Chrome() as chrome:
        page = chrome.open("http://127.0.0.1:…/")
        page.evaluate("await something()")           its value, as JSON
        page.cpu()                                   seconds of the page's main thread so far

The profile is kept in a temporary directory, so that a second page finds the first one's cache.
"""

import contextlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from huddle.errors import LocalError

NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-extensions",
    "--disable-background-timer-throttling", "--remote-debugging-port=0",
)  # fmt: skip
_START = 60.0
# Chromium makes a socket 46 characters below its temporary directory, which is 25 long; a path has 107.
_TMPDIR_LENGTH = 107 - 46 - 25
_TRIES = 10
_BUSY = "{const until = performance.now() + 300; while (performance.now() < until);}"


class Page:
    """One tab."""

    def __init__(self, chrome: "Chrome", session: str) -> None:
        self._chrome, self._session = chrome, session
        self._thread: Path | None = None

    def evaluate(self, expression: str, timeout: float = 300.0) -> Any:
        """The value of an expression, awaited; LocalError with its message where it throws."""
        answer = self._chrome.call(
            "Runtime.evaluate",
            {"expression": expression, "awaitPromise": True, "returnByValue": True, "replMode": True},
            session=self._session,
            timeout=timeout,
        )
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            said = details.get("exception", {}).get("description") or details.get("text", "")
            raise LocalError(f"the page failed: {said[:600]}")
        return answer["result"].get("value")

    def cpu(self) -> float:
        """Seconds for which the page's main thread has run."""
        if self._thread is None:
            self._thread = self._find()
        return int(self._thread.read_text().split()[0]) / 1e9

    def process_cpu(self) -> float:
        """Seconds for which all threads of the page's process have run; WebAssembly is compiled by others."""
        self.cpu()
        assert self._thread is not None
        total = 0
        for one in self._thread.parents[1].glob("*/schedstat"):
            with contextlib.suppress(OSError, IndexError):
                total += int(one.read_text().split()[0])
        return total / 1e9

    def _find(self) -> Path:
        """The renderer whose main thread runs while the page is kept busy."""
        threads: list[Path] = []

        def times() -> dict[Path, int]:
            found = {}
            for one in threads:
                with contextlib.suppress(OSError, IndexError):
                    found[one] = int(one.read_text().split()[0])
            return found

        for _ in range(_TRIES):
            threads = [Path(f"/proc/{pid}/task/{pid}/schedstat") for pid in self._chrome.renderers()]
            before = times()
            self.evaluate(_BUSY)
            ran = {one: count - before[one] for one, count in times().items() if one in before}
            best = max(ran, key=lambda one: ran[one], default=None)
            # Another may be just starting: then it is not clear yet.
            if best is not None and ran[best] > 0.8 * sum(ran.values()):
                return best
        raise LocalError("Chromium's renderer was not found")

    def close(self) -> None:
        """Close the tab."""
        self._chrome.close_page(self)


class Chrome:
    """The browser, with more `flags`. Needs Linux, for the processor time."""

    def __init__(self, flags: Sequence[str] = ()) -> None:
        found = next((path for name in NAMES if (path := shutil.which(name))), None)
        if found is None:
            raise LocalError("there is no Chromium", hint="Install it: apt install chromium")
        # Whoever starts it may be killed: then it is of no use to anybody.
        keep = ("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()
        self._command = [*keep, found, *_FLAGS, *flags]
        self._numbers = itertools.count(1)
        self._undo = contextlib.ExitStack()
        self._targets: dict[Page, str] = {}

    def __enter__(self) -> Self:
        short = None if len(tempfile.gettempdir()) <= _TMPDIR_LENGTH else "/tmp"  # noqa: S108 - mkdtemp makes it
        self._profile = Path(tempfile.mkdtemp(prefix="huddle-chromium-", dir=short))
        self._process = subprocess.Popen(
            [*self._command, f"--user-data-dir={self._profile}", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True, env=os.environ | {"TMPDIR": str(self._profile)},
        )  # fmt: skip
        try:
            self._socket = self._connect()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _connect(self) -> ClientConnection:
        told, until = self._profile / "DevToolsActivePort", time.monotonic() + _START
        while not (told.exists() and told.read_text().count("\n") >= 1):
            if time.monotonic() > until or self._process.poll() is not None:
                raise LocalError("Chromium does not start")
            time.sleep(0.05)
        port, path = told.read_text().split()[:2]
        made = connect(f"ws://127.0.0.1:{port}{path}", max_size=None, compression=None, open_timeout=_START)
        return self._undo.enter_context(made)

    def __exit__(self, *error: Any) -> None:
        with contextlib.suppress(AttributeError, OSError, LocalError, WebSocketException):
            self.call("Browser.close", {}, timeout=10)
        with contextlib.suppress(OSError, WebSocketException):
            self._undo.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        self.kill()  # what may outlive the first process, too
        self._process.wait()
        for _ in range(50):  # a process that is just ending may still write
            shutil.rmtree(self._profile, ignore_errors=True)
            if not self._profile.exists():
                break
            time.sleep(0.1)

    def kill(self) -> None:
        """End all of it at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def call(
        self, method: str, parameters: dict[str, Any], *, session: str = "", timeout: float = 60.0
    ) -> dict[str, Any]:
        """One request of the protocol and its answer."""
        number = next(self._numbers)
        request = {"id": number, "method": method, "params": parameters}
        self._socket.send(json.dumps(request | ({"sessionId": session} if session else {})))
        until = time.monotonic() + timeout
        while True:
            try:
                message = json.loads(self._socket.recv(max(0.01, until - time.monotonic())))
            except TimeoutError as exc:
                raise LocalError(f"Chromium did not answer {method} in {timeout:g} s") from exc
            if message.get("id") == number:
                if "error" in message:
                    raise LocalError(f"Chromium refused {method}: {message['error']['message']}")
                found: dict[str, Any] = message["result"]
                return found

    def open(self, url: str) -> Page:
        """A new tab with this page."""
        target = self.call("Target.createTarget", {"url": url})["targetId"]
        session = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        page = Page(self, session)
        self._targets[page] = target
        return page

    def close_page(self, page: Page) -> None:
        """Close a tab."""
        self.call("Target.closeTarget", {"targetId": self._targets.pop(page)})

    def renderers(self) -> list[int]:
        """The processes in which pages run."""
        found = self.call("SystemInfo.getProcessInfo", {})["processInfo"]
        return [one["id"] for one in found if one["type"] == "renderer"]
