"""The built page for browsers (web/dist) as the rendezvous serves it: files, their forms, their headers.

A built page is a directory of plain files. What stands in `assets/` has the hash of its content in its name
and may be kept for ever; all else is asked for again. Beside a file may stand its compressed forms, `.br`
and `.gz`. Each document brings its own content security policy in a meta element, which is sent as a header
too, with what a meta element can't say: nobody may frame the page, and the runner's frame has an opaque
origin wherever it is opened. Only names that were found at the start are served.
"""

import hashlib
import html
import re
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response

INDEX = "index.html"
SUMS = "SHA256SUMS"  # the last that a build writes
_FORMS = {"br": ".br", "gzip": ".gz"}  # in order of preference
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".zip": "application/zip",
}
_META = re.compile(r'http-equiv="Content-Security-Policy" content="([^"]*)"')
_NOTHING = "default-src 'none'"
PACKAGE_WORKER = "package-worker.js"  # the only script that may connect to another source of packages
# Scripts as workers: they load nothing more, and talk to this server only.
_WORKER = "default-src 'none'; script-src 'wasm-unsafe-eval'; connect-src 'self'"
_PACKAGES = "default-src 'none'; connect-src 'self'"
_HEADERS = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}
_FOR_EVER = "public, max-age=31536000, immutable"


class BuiltPage:
    """The files of one built page; its programs may have packages from `source` too, an address or none."""

    def __init__(self, root: Path, source: str = "") -> None:
        self._root = root
        self._source = source
        found = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
        compressed = {name for name in found if name.endswith(tuple(_FORMS.values()))}
        self.names = found - compressed
        self._found = found
        self._policies = {name: self._policy(name) for name in self.names}
        # A policy is kept with the script that it came with: with another policy it is another script.
        self._marks = {PACKAGE_WORKER: f"-{hashlib.sha256(source.encode()).hexdigest()[:16]}"}

    def __repr__(self) -> str:
        return f"<Site {self._root}>"

    def serve(self, request: Request, name: str) -> Response | None:
        """The file in the smallest form that the client takes; None where there is no such file."""
        if name not in self.names:
            return None
        asset = name.startswith("assets/")
        form = next((form for form in _accepted(request) if name + _FORMS[form] in self._found), None)
        headers = _HEADERS | {
            "Cache-Control": _FOR_EVER if asset else "no-cache",
            "Content-Security-Policy": self._policies[name],
            "ETag": f'"{_hash(self._root / name)}-{form or "plain"}{self._marks.get(name, "")}"',
        }
        if headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        if form:
            headers["Content-Encoding"] = form
        path = self._root / (name + _FORMS[form] if form else name)
        kind = _TYPES.get(Path(name).suffix, "text/plain; charset=utf-8")
        return FileResponse(path, headers=headers, media_type=kind)

    def _policy(self, name: str) -> str:
        if name == PACKAGE_WORKER:
            return " ".join((_PACKAGES, *filter(None, [self._source])))
        if name.endswith(".js"):
            return _WORKER
        if not name.endswith(".html"):
            return _NOTHING
        said = _META.search((self._root / name).read_text(encoding="utf-8"))
        policy = html.unescape(said[1]) if said else _NOTHING
        if name == INDEX:
            return f"{policy}; frame-ancestors 'none'"
        return f"sandbox allow-scripts; {policy}; frame-ancestors 'self'"


def find_site() -> Path | None:
    """The page that was installed with this package, or the one that was built in this checkout."""
    package = Path(__file__).resolve().parents[2]
    for root in (package / "page", package.parents[1] / "web" / "dist"):
        if (root / SUMS).is_file():
            return root
    return None


@cache
def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:32]


def _accepted(request: Request) -> list[str]:
    """The forms of `_FORMS` that the client takes."""
    taken = set()
    for part in request.headers.get("accept-encoding", "").lower().split(","):
        form, _, weight = part.strip().partition(";")
        if weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000"):
            taken.add(form.strip())
    return [form for form in _FORMS if form in taken]
