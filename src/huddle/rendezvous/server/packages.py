"""The packages that a rendezvous has for programs in browsers: wheels of Pyodide's distribution or its kind.

A directory that `huddle web vendor` filled has an `index.json`, in the words of Pyodide's own lock file:

    {"packages": {NAME: {
        "version": …, "file_name": …, "sha256": …, "imports": [MODULE, …], "depends": [NAME, …]
    }}}

It is served with one thing more, `source`: the address where browsers may have all others, which is empty
unless whoever runs the server has named one. Only files that the index lists are served, under /packages/.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from huddle.errors import LocalError

INDEX = "index.json"
LIST = "pyodide-packages.json"  # of all that Pyodide has, in a built page
_FILE = re.compile(r"[\w.+-]+\.whl", re.ASCII)
_HASH = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[\w.-]{1,100}", re.ASCII)
# Of an address only what can stand in a policy.
_SOURCE = re.compile(r"https?://[\w.-]+(:\d+)?(/[\w.~%-]+)*/", re.ASCII)
_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Wheel:
    """One file of a distribution, and what it needs."""

    version: str
    file_name: str
    sha256: str
    imports: tuple[str, ...]
    depends: tuple[str, ...]


def read_list(path: Path) -> dict[str, Wheel]:
    """The packages in that file, by name; Pyodide's own lock file will do. Raises LocalError."""
    try:
        found: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))["packages"]
        return {name: _package(name, one) for name, one in found.items() if _is_wheel(one)}
    except OSError as error:
        raise LocalError(f"{path} can't be read: {error.strerror}.") from None
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise LocalError(
            f"{path} is no list of packages: {error}.", hint="`huddle web vendor` makes one; so does Pyodide."
        ) from None


def _is_wheel(said: Mapping[str, Any]) -> bool:
    return str(said["file_name"]).endswith(".whl")


def _package(name: str, said: Mapping[str, Any]) -> Wheel:
    texts = [str(said["version"]), str(said["file_name"]), str(said["sha256"])]
    lists = [tuple(str(one) for one in said[key]) for key in ("imports", "depends")]
    if not (_NAME.fullmatch(name) and _FILE.fullmatch(texts[1]) and _HASH.fullmatch(texts[2])):
        raise ValueError(f"what it says of {name[:100]!r} can't be right")
    return Wheel(texts[0], texts[1], texts[2], *lists)


def write_list(path: Path, packages: Mapping[str, Wheel]) -> None:
    """Write it as a whole."""
    new = path.with_name(path.name + ".new")
    new.write_text(json.dumps(listed(packages), indent=1, sort_keys=True) + "\n", encoding="utf-8")
    new.replace(path)


def listed(packages: Mapping[str, Wheel]) -> dict[str, Any]:
    """As it stands in a file."""
    return {"packages": {name: asdict(one) for name, one in packages.items()}}


def check_source(address: str) -> str:
    """The address of a source, as it may stand in a policy; raises LocalError."""
    address = address if address.endswith("/") else f"{address}/"
    if not _SOURCE.fullmatch(address):
        raise LocalError(
            f"{address} can't be a source of packages.",
            hint="Name a directory, such as https://packages.example/pyodide/",
        )
    return address


class Packages:
    """What one rendezvous has of them: the files in a directory, and another source or none."""

    def __init__(self, root: Path | None = None, source: str = "") -> None:
        self.source = check_source(source) if source else ""
        self.packages = read_list(root / INDEX) if root else {}
        self._files = {one.file_name: root / one.file_name for one in self.packages.values()} if root else {}
        self._etags = {one.file_name: f'"{one.sha256[:32]}"' for one in self.packages.values()}
        for path in self._files.values():
            if not path.is_file():
                raise LocalError(f"{path} is missing.", hint="Fetch it again with `huddle web vendor`.")

    def serve(self, request: Request, name: str) -> Response | None:
        """The list, or a file that it lists."""
        if name == INDEX:
            return JSONResponse({**listed(self.packages), "source": self.source}, headers=_HEADERS)
        path = self._files.get(name)
        if path is None:
            return None
        headers = {**_HEADERS, "ETag": self._etags[name]}
        if headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return FileResponse(path, headers=headers, media_type="application/zip")
