"""What a program wrote in its sandbox comes out: plain files only, and no more than it might write.

The sandbox's files are in memory and go with it, but for a descriptor that is held of their directory. No
link is followed and no device, pipe or socket opened; a copy belongs to this account alone. Whatever else is
there, and what would be too much, stays behind.
"""

import os
import shutil
import socket
import stat
from collections.abc import Collection, Iterator
from pathlib import Path

_DEEPEST = 32
_MOST = 10_000  # entries that are looked at


class Place:
    """The program's directory in a sandbox, once its runner has sent a descriptor of it over this socket."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._descriptor = -1
        self._taken = 0

    def descriptor(self) -> int:
        """It, -1 where it has not come; it stays this object's to close."""
        if self._descriptor < 0:
            try:
                used, found, _, _ = socket.recv_fds(self._sock, 32, 1)
            except OSError:
                return -1
            if found:
                self._descriptor = found[0]
                os.set_inheritable(self._descriptor, False)
                self._taken = int(used)
        return self._descriptor

    def written(self) -> tuple[int, int]:
        """How many bytes have been written there since it came, and how many files there are."""
        if self.descriptor() < 0:
            return 0, 0
        state = os.statvfs(self._descriptor)
        used = (state.f_blocks - state.f_bfree) * state.f_frsize
        return max(0, used - self._taken), state.f_files - state.f_ffree

    def bring_out(self, directory: Path, known: Collection[str], most: int) -> tuple[str, ...]:
        """See `bring_out`; nothing is there where the program did not even start."""
        place = self.descriptor()
        return bring_out(place, directory, known, most) if place >= 0 else ()

    def close(self) -> None:
        """Forget it, and what is in it."""
        self._sock.close()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def bring_out(place: int, directory: Path, known: Collection[str], most: int) -> tuple[str, ...]:
    """Copy what is new in the directory `place` to `directory`, `most` bytes in all; what stayed behind.

    `known` are paths there that are no results. A file there that has the size and the time of its
    namesake here is not new.
    """
    left = list[str]()
    looked = 0
    for path, folder, name, seen in _walk(place, "", known, 0):
        looked += 1
        if looked > _MOST:
            left.append(path)
            break
        if seen is None or not stat.S_ISREG(seen.st_mode):
            left.append(path)
            continue
        try:
            here = directory / path
            if here.is_file() and _same(here.lstat(), seen):
                continue
            if seen.st_size > most:
                left.append(path)
                continue
            most -= _copy(folder, name, here, most)
        except OSError:
            left.append(path)
    return tuple(left)


def _same(here: os.stat_result, there: os.stat_result) -> bool:
    return (here.st_size, here.st_mtime_ns) == (there.st_size, there.st_mtime_ns)


def _copy(folder: int, name: str, target: Path, most: int) -> int:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with open(os.open(name, flags, dir_fd=folder), "rb") as source:
        seen = os.fstat(source.fileno())
        if not stat.S_ISREG(seen.st_mode) or seen.st_size > most:
            raise OSError("it is another file by now")
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        made = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with open(made, "wb") as file:
            shutil.copyfileobj(source, file)
    return seen.st_size


def _walk(
    place: int, prefix: str, known: Collection[str], depth: int
) -> Iterator[tuple[str, int, str, os.stat_result | None]]:
    """Each entry that is no directory (None: nothing can be said of it), in the order of names."""
    try:
        names = sorted(os.listdir(place))
    except OSError:
        yield prefix.rstrip("/"), place, "", None
        return
    for name in names:
        path = prefix + name
        if path in known:
            continue
        try:
            seen = os.lstat(name, dir_fd=place)
            if not stat.S_ISDIR(seen.st_mode) or depth == _DEEPEST:
                yield path, place, name, seen
                continue
            inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=place)
        except OSError:
            yield path, place, name, None
            continue
        try:
            yield from _walk(inner, path + "/", known, depth + 1)
        finally:
            os.close(inner)
