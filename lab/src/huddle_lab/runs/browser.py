"""A party in a browser: `python -m huddle_lab.runs.browser TASK` prints what `huddle --json` does.

It starts a headless Chromium where it is started itself, so on the machine of its party, opens a page with
the core of Huddle's page (web/src/core, as scripts/build-web makes it), decides there what `--open` and
`--yes` would, and ends with the session: 0 where that ended well. TASK is JSON:

    core         directory with the built core; it is served on 127.0.0.1, as a page needs that or https
    rendezvous   its URL
    decision     a `host` or `join` request of web/src/core/protocol.ts, with `files` as paths

Three things differ from `huddle --json`: `ready` comes first, when Python runs in the page; `run` has
`queued`, seconds for which that thread of the page that waited longest for a processor did so since the run
was started; and `memory_mb` in `stats` is the most that the page's processes held, because a page can't know.
"""

import base64
import contextlib
import ctypes
import http.server
import json
import os
import re
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from huddle.errors import LocalError
from huddle_lab.runs.chrome import NAMES, Chrome, Page

_FLAGS = ("--disable-features=WebRtcHideLocalIpsWithMdns",)  # there is no mDNS between the lab's machines
_BARE = b"""<!doctype html><meta charset="utf-8"><title>a party</title>
<script type="module">import * as core from "./bare.js"; window.core = core;</script>
"""
_BEGIN = """{
  const said = [];
  let wake;
  const given = %s;
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const files = given.decision.program?.files ?? {};
  for (const name of Object.keys(files)) files[name] = bytes(files[name]);
  const session = core.openSession(given.rendezvous, { forgetful: true });
  session.subscribe((event) => {
    if (["files", "written", "kept", "progress"].includes(event.event)) return;
    if (event.event === "ready") session.send(given.decision);
    if (event.event === "question")
      session.send(
        event.what === "admit" ? { do: "admit", did: event.did }
          : event.what === "again" ? { do: "finish" } : { do: "accept" });
    said.push(event);
    wake?.();
  });
  globalThis.news = async (milliseconds) => {
    if (!said.length)
      await Promise.race([
        new Promise((resolve) => (wake = resolve)),
        new Promise((resolve) => setTimeout(resolve, milliseconds)),
      ]);
    return JSON.stringify(said.splice(0), (_, value) => (value === undefined ? null : value));
  };
}"""
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of prctl(2): who loses its parent becomes this process's child
_TRIES, _APART = 600, 0.1
_GLANCE = 500  # milliseconds between two looks at the threads, at most
_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)


def core() -> Path:
    """Where this checkout has the built core; LocalError where it has none."""
    folder = Path(__file__).resolve().parents[4] / "web" / "build"
    if not (folder / "bare.js").is_file():
        raise LocalError("there is no page to put into a browser", hint="In a checkout: scripts/build-web")
    return folder


def check() -> None:
    """LocalError where this machine can't have parties in browsers."""
    core()
    if not any(shutil.which(name) for name in NAMES):
        raise LocalError("there is no Chromium", hint="Install it: apt install chromium")


def arguments(folder: Path, rendezvous: str, decision: dict[str, Any]) -> list[str]:
    """What stands behind `python` for such a party."""
    task = {"core": str(folder), "rendezvous": rendezvous, "decision": decision}
    return ["-m", "huddle_lab.runs.browser", json.dumps(task)]


class Threads:
    """The processes of a page: how long their threads have waited for a processor, and their memory."""

    def __init__(self, chrome: Chrome) -> None:
        self._chrome = chrome
        self._waited: dict[Path, int] = {}
        self._before: dict[Path, int] = {}
        self._peak: dict[int, int] = {}

    def look(self) -> None:
        """What has ended since the last look is known as it was then."""
        for pid in self._chrome.renderers():
            with contextlib.suppress(OSError, IndexError):
                for one in Path(f"/proc/{pid}/task").glob("*/schedstat"):
                    self._waited[one] = int(one.read_text().split()[1])
                if found := _PEAK.search(Path(f"/proc/{pid}/status").read_text()):
                    self._peak[pid] = int(found[1])

    def begin(self) -> None:
        """Count from now on."""
        self._before = dict(self._waited)

    @property
    def queued(self) -> float:
        """Seconds for which the thread that waited longest has waited since then."""
        return max((n - self._before.get(one, 0) for one, n in self._waited.items()), default=0) / 1e9

    @property
    def memory_mb(self) -> float:
        """The most that each process held, together."""
        return round(sum(self._peak.values()) * 1024 / 1e6, 1)


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The core with an empty page, on a free port of 127.0.0.1."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: what is printed are events."""

        def do_GET(self) -> None:
            if self.path != "/":
                super().do_GET()
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(_BARE)))
            self.end_headers()
            self.wfile.write(_BARE)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()


def told(event: dict[str, Any], threads: Threads) -> dict[str, Any]:
    """An event of the page as a command would print it."""
    match event["event"]:
        case "run":
            if event["state"] == "started":
                threads.begin()
            return {**event, "queued": threads.queued}
        case "stats":
            return {**event, "memory_mb": threads.memory_mb}
        case "broken":
            return {**event, "event": "error", "whose": "local"}
    return event


def attend(page: Page, threads: Threads) -> int:
    """Print what the page says until its session has ended; the exit code."""
    while True:
        events = json.loads(page.evaluate(f"await news({_GLANCE})"))
        threads.look()
        for event in events:
            print(json.dumps(told(event, threads)), flush=True)
            if event["event"] == "broken":
                return 1
            if event["event"] == "ended":
                return 0 if event["clean"] else 1


def _wait(page: Page) -> None:
    """Until the page has its core; before, it is replaced by another one while it is looked at."""
    for _ in range(_TRIES):
        with contextlib.suppress(LocalError):
            if page.evaluate("globalThis.core !== undefined"):
                return
        time.sleep(_APART)
    raise LocalError("the page did not load in Chromium", hint="scripts/build-web makes it anew.")


def _loaded(decision: dict[str, Any]) -> dict[str, Any]:
    """The decision with the files themselves in place of their paths."""
    if "program" not in decision:
        return decision
    program = decision["program"]
    files = {name: base64.b64encode(Path(p).read_bytes()).decode() for name, p in program["files"].items()}
    return {**decision, "program": {**program, "files": files}}


def reap() -> None:
    """Wait for what Chromium has left, so that its processor time counts as this process's."""
    for _ in range(_TRIES):
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(_APART / 10)
        except ChildProcessError:
            return


def main() -> int:
    """One session."""
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # before there is a Chromium
    task = json.loads(sys.argv[1])
    given = {"rendezvous": task["rendezvous"], "decision": _loaded(task["decision"])}
    try:
        with serving(Path(task["core"])) as url, Chrome(_FLAGS) as chrome:

            def end(*_: object) -> None:
                chrome.kill()
                sys.exit(1)

            signal.signal(signal.SIGTERM, end)
            page = chrome.open(url)
            _wait(page)
            page.evaluate(_BEGIN % json.dumps(given))
            return attend(page, Threads(chrome))
    except LocalError as exc:
        print(json.dumps({"event": "error", "whose": "local", "message": exc.message, "hint": exc.hint}))
        return 1
    finally:
        reap()


if __name__ == "__main__":
    sys.exit(main())
