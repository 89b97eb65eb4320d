"""What a program left in its directory: found, named, and kept where its person wants it.

A program is a stranger's. So only plain files count, by paths that are plain names everywhere; nothing that
was there before is overwritten; no link is followed, in the program's directory or in the person's; and
there is a limit to how much is kept.
"""

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from huddle.ceremony.manifest import ManifestError, check_path
from huddle.errors import LocalError

MOST_FILES = 10_000
MOST_BYTES = 1 << 30
_CHUNK = 1 << 20
_OURS = ("__pycache__",)  # what Python leaves, and nobody means


@dataclass(frozen=True, slots=True)
class Result:
    """A file that a program made or changed: its path in the program's directory, and its size in bytes."""

    path: str
    size: int


def made(
    directory: Path,
    contents: Mapping[str, bytes],
    carried: Mapping[str, bytes] | None = None,
    inputs: tuple[str, ...] = (),
) -> tuple[Result, ...]:
    """The plain files there that are not as they were in `contents`, nor in `carried` (SHA-256 by path).

    What lies at `inputs`, or below, does not count.
    """
    found: list[Result] = []
    for path, state in _walk(directory):
        if any(path == one or path.startswith(f"{one}/") for one in inputs):
            continue
        if carried and path in carried:
            with suppress(OSError):
                if _digest(directory / path) == carried[path]:
                    continue
        given = contents.get(path)
        if given is not None and state.st_size == len(given):
            with suppress(OSError):
                if _digest(directory / path) == hashlib.sha256(given).digest():
                    continue
        found.append(Result(path, state.st_size))
        if len(found) >= MOST_FILES:
            break
    return tuple(sorted(found, key=lambda one: one.path))


def keep(directory: Path, results: tuple[Result, ...], target: Path) -> tuple[tuple[str, str], ...]:
    """Copy these files below `target`; each path, and the one that it has there or an empty text.

    A name that is taken gets a number. Raises LocalError where nothing can be written there.
    """
    kept: list[tuple[str, str]] = []
    left = MOST_BYTES
    try:
        target.mkdir(parents=True, exist_ok=True)
        root = os.open(target, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise LocalError(
            f"{target} can't be made: {error.strerror}.", hint="Give another --output."
        ) from error
    try:
        for one in results:
            name = ""
            if one.size <= left and _plain(one.path):
                name = _copy(directory, one.path, root, left)
                left -= one.size if name else 0
            kept.append((one.path, name))
    finally:
        os.close(root)
    return tuple(kept)


def carry(source: Path, results: tuple[Result, ...], target: Path) -> dict[str, bytes]:
    """Copy these files into a directory of ours, over what is there; their SHA-256 by path."""
    copied: dict[str, bytes] = {}
    left = MOST_BYTES
    root = os.open(target, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for one in results:
            if one.size > left or not _plain(one.path):
                continue
            with suppress(OSError):
                os.unlink(one.path, dir_fd=root)
            if _copy(source, one.path, root, left):
                left -= one.size
                copied[one.path] = _digest(target / one.path)
    finally:
        os.close(root)
    return copied


def check_target(target: Path) -> None:
    """Raise LocalError where results can't, or should not, be kept in this directory."""
    if target.exists() and not target.is_dir():
        raise LocalError(f"{target} is no directory.", hint="Give --output a directory.")
    if target.resolve() in (Path.home().resolve(), Path("/")):
        raise LocalError(
            f"{target} is no place for what a program makes.", hint="Give --output a directory of its own."
        )
    above = target
    while not above.exists():
        above = above.parent
    if not os.access(above, os.W_OK | os.X_OK):
        raise LocalError(f"{above} can't be written to.", hint="Choose another --output.")


def _walk(directory: Path) -> Iterator[tuple[str, os.stat_result]]:
    for folder, folders, names in os.walk(directory):  # follows no links
        folders[:] = [name for name in folders if name not in _OURS]
        for name in names:
            path = Path(folder, name)
            with suppress(OSError):
                state = path.lstat()
                if stat.S_ISREG(state.st_mode):
                    yield path.relative_to(directory).as_posix(), state


def _plain(path: str) -> bool:
    try:
        check_path(path)
    except ManifestError:
        return False
    return True


def _digest(path: Path) -> bytes:
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _copy(directory: Path, path: str, root: int, most: int) -> str:
    """Copy one file; the path that it got, or an empty text where that could not be."""
    *parts, name = path.split("/")
    source = target = -1
    opened: list[int] = []
    try:
        source = _open_below(directory, path)
        folder = root
        for part in parts:
            with suppress(FileExistsError):
                os.mkdir(part, 0o755, dir_fd=folder)
            folder = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
            opened.append(folder)
        stem, dot, end = name.rpartition(".")
        for number in range(1, 1000):
            free = name if number == 1 else f"{stem}-{number}.{end}" if dot and stem else f"{name}-{number}"
            with suppress(FileExistsError):
                target = os.open(
                    free, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644, dir_fd=folder
                )
                break
        else:
            return ""
        while most >= 0 and (data := os.read(source, _CHUNK)):
            most -= len(data)
            while data:
                data = data[os.write(target, data) :]
    except OSError:
        return ""
    finally:
        for descriptor in (source, target, *opened):
            if descriptor >= 0:
                os.close(descriptor)
    return "/".join((*parts, free))


def _open_below(directory: Path, path: str) -> int:
    """Open a plain file for reading, with no link on the way to it."""
    *parts, name = path.split("/")
    folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in parts:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = inner
        found = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    finally:
        os.close(folder)
    if not stat.S_ISREG(os.fstat(found).st_mode):
        os.close(found)
        raise OSError(f"{path} is no file")
    return found
