"""What a program says of itself in a comment block, as PEP 723 defines it; and the packages that it names.

    # /// script
    # requires-python = ">=3.12"
    # dependencies = ["numpy>=2", "pandas"]
    # ///

`prog.lock` beside `prog.py` pins these for everybody, in pip's form with hashes. Pure: reads text and runs
nothing of it.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from huddle.errors import ProgramError

MOST_PACKAGES = 200
MOST_LOCK = 1 << 20  # bytes
_NAMED = 5  # packages, in one line
# As in PEP 723.
_BLOCK = re.compile(r"(?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$")
# A name with its versions: no address, no path, no option.
_REQUIREMENT = re.compile(r"[A-Za-z0-9][^\n@/\\]*\Z")
_PIN = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[A-Za-z0-9.!+_-]+)(?: ;[^\\\n]*)? \\$")
_HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?$")


@dataclass(frozen=True, slots=True)
class Requirements:
    """The metadata of a program: requirements of packages (PEP 508), and of Python (PEP 440; empty: any)."""

    packages: tuple[str, ...]
    python: str = ""


def metadata(source: str) -> Mapping[str, Any]:
    """The TOML of a program's block; empty where it has none. Raises ProgramError where it is wrong."""
    found = [match for match in _BLOCK.finditer(source.replace("\r\n", "\n")) if match["type"] == "script"]
    if not found:
        return {}
    hint = "Its author can mend the block; docs/programs.md says what may stand in it."
    if len(found) > 1:
        raise ProgramError("The program has two blocks of metadata (# /// script).", hint=hint)
    lines = found[0]["content"].splitlines()
    try:
        return tomllib.loads("".join(line[2:] + "\n" if line.startswith("# ") else "\n" for line in lines))
    except tomllib.TOMLDecodeError as error:
        raise ProgramError(f"The program's block of metadata is no TOML: {error}.", hint=hint) from None


def requirements(source: str) -> Requirements | None:
    """What a program needs; None where it names no packages. Raises ProgramError where it is wrong."""
    table = metadata(source)
    packages, python = table.get("dependencies", []), table.get("requires-python", "")
    if not isinstance(packages, list) or not isinstance(python, str):
        raise ProgramError("In the program's metadata dependencies is no list, or requires-python no text.")
    for one in packages:
        if not isinstance(one, str) or not _REQUIREMENT.match(one) or len(one) > 200:
            raise ProgramError(
                f"The program depends on {str(one)[:80]!r}, which is no package of an index.",
                hint="Name packages with their versions, as in numpy>=2.",
            )
    return Requirements(tuple(packages), python) if packages else None


@dataclass(frozen=True, slots=True)
class Package:
    """One locked package."""

    name: str
    version: str


def lock_name(entry: str) -> str:
    """The file beside the entry that locks what it depends on."""
    return entry.removesuffix(".py") + ".lock"


def packages(lock: bytes) -> tuple[Package, ...]:
    """The packages of a lock, each with a version and hashes. Another party wrote it: all else is refused.

    Raises ProgramError.
    """
    found: list[Package] = []
    hashes = 1
    text = lock.decode("utf-8", "replace") if len(lock) <= MOST_LOCK else "too long"
    for line in text.splitlines():
        if pin := _PIN.fullmatch(line):
            if not hashes:
                break
            found.append(Package(pin["name"], pin["version"]))
            hashes = 0
        elif _HASH.fullmatch(line) and found:
            hashes += 1
        elif line and not line.startswith("#"):
            hashes = 0
            break
    if not hashes or not found or len(found) > MOST_PACKAGES:
        raise ProgramError(
            "The program's lock is none: it may only hold packages with versions and hashes.",
            hint="The host can delete the .lock file beside the program; a new one is made.",
        )
    return tuple(found)


def locked(entry: str, files: Mapping[str, bytes]) -> bytes | None:
    """The lock of a program that names packages; None where it names none, or nobody locked them.

    Raises ProgramError where either is wrong.
    """
    lock = files.get(lock_name(entry))
    if lock is None or requirements(files[entry].decode("utf-8", "replace")) is None:
        return None
    packages(lock)
    return lock


def needs(entry: str, files: Mapping[str, bytes]) -> str:
    """In one line, the packages that a program gets from its index; empty where it needs none."""
    try:
        lock = locked(entry, files)
    except ProgramError as error:
        return error.message
    if lock is None:
        return ""
    found = packages(lock)
    listed = ", ".join(f"{one.name} {one.version}" for one in found[:_NAMED])
    more = f" and {len(found) - _NAMED} more (in {lock_name(entry)})" if len(found) > _NAMED else ""
    return f"It gets these packages, locked for everybody: {listed}{more}."
