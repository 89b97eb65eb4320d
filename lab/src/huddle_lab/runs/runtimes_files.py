"""What a browser gets of the runtimes: a server of files on 127.0.0.1, and what is compiled beforehand."""

import contextlib
import gzip
import http.server
import json
import subprocess
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from huddle.errors import LocalError

DATA = Path(__file__).with_name("runtimes")
_TYPES = {
    ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm",
    ".json": "application/json", ".txt": "text/plain; charset=utf-8", ".zip": "application/zip",
}  # fmt: skip
_PACKAGES = {
    "pyodide": "node_modules/pyodide/package.json",
    "micropython": "node_modules/@micropython/micropython-webassembly-pyscript/package.json",
    "skulpt": "node_modules/skulpt/package.json",
}
_DISTRIBUTIONS = {"brython": "brython", "transcrypt": "Transcrypt", "componentize": "componentize_py"}

WIT = """package huddle:bench;
world bench {
  export repeat: func(name: string, times: u32) -> string;
  export big: func() -> string;
  export imports: func(name: string) -> bool;
}
"""
# What a component can import is what it had imported when it was made.
APP = """import importlib
import body

can = set()
for name in MODULES:
    try:
        importlib.import_module(name)
        can.add(name)
    except BaseException:
        pass

class WitWorld:
    def repeat(self, name, times):
        return body.repeat(name, times)
    def big(self):
        return body.big()
    def imports(self, name):
        return name in can
"""


class Files:
    """The server. `sizes` are the bytes that it has served, each file once, as they are and gzipped."""

    def __init__(self, home: Path, compiled: Path) -> None:
        if not (home / "node_modules").is_dir():
            raise LocalError(f"there are no runtimes in {home}", hint="scripts/runtimes puts them there.")
        self._home, self._compiled = home, compiled
        self._served: dict[str, tuple[int, int]] = {}
        files = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing."""

            def do_GET(self) -> None:
                path = files.find(urlsplit(self.path).path)
                data = path.read_bytes() if path else b""
                self.send_response(200 if path else 404)
                if path:
                    files.count(path, data)
                    self.send_header("Content-Type", _TYPES.get(path.suffix, "application/octet-stream"))
                    self.send_header("Cache-Control", "max-age=3600")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(data)

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: Any) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def find(self, path: str) -> Path | None:
        """The file of a URL's path; None where there is none, or it is none of these directories'."""
        for prefix, root in (("/runtimes/", self._home), ("/compiled/", self._compiled), ("/", DATA)):
            if path.startswith(prefix):
                found = (root / path[len(prefix) :]).resolve()
                if not found.suffix:
                    found = found.with_suffix(".js")  # as the bundlers for which these are written do
                return found if found.is_file() and found.is_relative_to(root.resolve()) else None
        return None

    def count(self, path: Path, data: bytes) -> None:
        """A file was served; the page and the benchmarks are nothing of the runtime's."""
        if not path.is_relative_to(DATA) and str(path) not in self._served:
            self._served[str(path)] = len(data), len(gzip.compress(data, 6))

    @property
    def sizes(self) -> tuple[int, int]:
        """Bytes, and gzipped."""
        return sum(one for one, _ in self._served.values()), sum(one for _, one in self._served.values())

    def version(self, name: str) -> str:
        """The package's."""
        if name in _PACKAGES:
            return str(json.loads((self._home / _PACKAGES[name]).read_text())["version"])
        if name in _DISTRIBUTIONS:
            folder = self._home / "python" / "lib" / "python3.11" / "site-packages"
            found = [one.name.split("-")[1] for one in folder.glob(f"{_DISTRIBUTIONS[name]}-*.dist-info")]
            found += [
                one.name.split("-")[1] for one in folder.glob(f"{_DISTRIBUTIONS[name].lower()}-*.dist-info")
            ]
            return found[0].removesuffix(".dist") if found else ""
        return "0.6.0" if name == "rustpython" else ""


def compile_transcrypt(home: Path, target: Path, modules: list[str]) -> Callable[[str], bool]:
    """Compile the benchmarks; what says whether its compiler finds a module."""
    (target / "bench.py").write_text((DATA / "body.txt").read_text(encoding="utf-8"))
    command = [str(home / "python" / "bin" / "transcrypt"), "-b", "-m", "-n"]
    _run([*command, "bench.py"], target)
    for path in list((target / "__target__").iterdir()):
        path.rename(target / path.name)
    own = home / "python" / "lib" / "python3.11" / "site-packages" / "transcrypt" / "modules"

    @cache
    def imports(module: str) -> bool:
        if not (own / module.partition(".")[0]).exists():
            return False  # the compiler would say so too, more slowly
        folder = target / f"try_{module.replace('.', '_')}"
        folder.mkdir()
        (folder / "attempt.py").write_text(f"import {module}\n")
        try:
            _run([*command, "attempt.py"], folder)
        except LocalError:
            return False
        return (folder / "__target__" / "attempt.js").exists()

    return imports


def compile_component(home: Path, target: Path, modules: list[str]) -> None:
    """Make the component and the JavaScript that runs it."""
    (target / "bench.wit").write_text(WIT)
    (target / "body.py").write_text((DATA / "body.txt").read_text(encoding="utf-8"))
    (target / "app.py").write_text(f"MODULES = {modules!r}\n{APP}")
    tool = str(home / "python" / "bin" / "componentize-py")
    _run([tool, "-d", "bench.wit", "-w", "bench", "componentize", "app", "-o", "app.wasm"], target)
    jco = home / "node_modules" / "@bytecodealliance" / "jco" / "src" / "jco.js"
    _run(["node", str(jco), "transpile", "app.wasm", "-o", "component"], target)


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True, timeout=600)
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-400:]
        raise LocalError(f"{Path(command[0]).name} failed: {said}")
