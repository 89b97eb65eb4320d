"""Whom Huddle becomes where root starts it, since no program of a stranger may run with the kernel's uid 0.

Started by `sudo` or `doas` that is the person who typed it. Root itself, as in a container, is nobody else:
then it is a uid that nobody has and nothing runs as, one for each session, so that two of them can't touch
each other either. Numbers are those that systemd sets aside for the same use (systemd.exec(5), DynamicUser=).

What root alone may enter hides the interpreter as well, where it lies in root's home. `open_up` puts the few
directories that are needed back in their places, in a mount namespace that only this process and its
children see.
"""

import ctypes
import errno
import os
import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

try:
    import pwd
except ModuleNotFoundError:  # in a browser, where nobody asks for accounts
    pwd = None  # type: ignore[assignment]

from huddle.errors import LocalError

NOBODYS = range(61184, 65520)
_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 0x40000  # linux/mount.h
_PR_SET_KEEPCAPS = 8  # linux/prctl.h
_CAP_NET_BIND_SERVICE, _CAPABILITIES_3 = 10, 0x20080522  # linux/capability.h
_LIBC = ctypes.CDLL(None, use_errno=True)
_ROOTS = ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR")


@dataclass(frozen=True, slots=True)
class Account:
    """A uid with its groups. `home` is None where the uid is nobody's, and nothing lasts under it."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    name: str
    home: str | None


def is_root() -> bool:
    """Whether this process has uid 0, which the kernel does not know under another number."""
    return 0 in (os.getuid(), os.geteuid()) and not _is_someone_outside()


def refuse_root() -> None:
    """Raise LocalError where this process is root: a program would be, too, whatever it is locked into."""
    if is_root():
        raise LocalError(
            "A program never runs as root.",
            hint="Start this as an ordinary user; `huddle host` and `huddle join` become one by themselves.",
        )


def to_become() -> Account | None:
    """Whom this process is to become; None where it is not root. Raises LocalError where it can be nobody."""
    if not is_root():
        return None
    person = _person()
    if person is not None:
        return person
    taken = {state.st_uid for state in _processes()}
    mapped = [range(first, first + count) for first, _, count in _mappings()]
    free = [uid for uid in NOBODYS if uid not in taken and any(uid in uids for uids in mapped)]
    shuffled = random.SystemRandom().sample(free, len(free))
    uid = next((uid for uid in shuffled if not _has_entry(uid)), None)
    if uid is None:
        raise LocalError(
            "Huddle was started by root, and there is no other uid here under which a program could run.",
            hint="Start it as an ordinary user, or give this container more uids.",
        )
    return Account(uid, uid, (uid,), "root", None)


def become(account: Account, *, listen_low: bool = False) -> None:
    """Be that account from now on, for good; but it may listen on ports below 1024 if `listen_low` is wished.

    Raises LocalError where the system refuses.
    """
    try:
        os.setgroups(account.groups)
        os.setgid(account.gid)  # all three of each, since it is root that asks
        if listen_low:
            _LIBC.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
        os.setuid(account.uid)
        if listen_low:
            _keep_only(_CAP_NET_BIND_SERVICE)
    except OSError as error:
        raise LocalError(
            f"Huddle was started by root and can't become uid {account.uid}: {error.strerror}.",
            hint="Start it as an ordinary user.",
        ) from error
    os.environ["USER"] = os.environ["LOGNAME"] = account.name
    os.environ["HOME"] = account.home or "/nonexistent"
    if account.home is None:
        os.chdir("/")  # root's files could be named from where it stood
        for name in _ROOTS:
            os.environ.pop(name, None)


@contextmanager
def seen_by(account: Account) -> Iterator[None]:
    """Ask the system as that account for a moment; only root can, and nothing else may run meanwhile."""
    groups = os.getgroups()
    os.setgroups(account.groups)
    os.setegid(account.gid)
    os.seteuid(account.uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


def can_read(account: Account, path: Path) -> bool:
    """Whether that account may read a file, or list a directory."""
    with seen_by(account):
        try:
            os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))
        except OSError:
            return False
    return True


def open_up(account: Account, needed: Iterable[Path]) -> None:
    """Let that account come to these directories and files, by which nothing beside them is shown.

    What lies in a directory that it may not enter is mounted into an empty one in its place. Raises
    LocalError where this process may not mount, as in most containers.
    """
    hidden: dict[Path, list[Path]] = {}
    for path in sorted(set(needed)):
        if path.exists() and (first := _closed(account, path)) is not None:
            kept = hidden.setdefault(first, [])
            if not any(path.is_relative_to(other) for other in kept):
                kept.append(path)
    if not hidden:
        return
    try:
        if not hasattr(os, "unshare"):
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
        os.unshare(os.CLONE_NEWNS)
        _mount("none", "/", None, _MS_REC | _MS_PRIVATE)
        for first, paths in hidden.items():
            _replace(first, paths)
    except OSError as error:
        first = min(hidden)
        needs = hidden[first][0]
        raise LocalError(
            f"Huddle was started by root and runs as another account, which needs {needs}; but only root may "
            f"enter {first}, and it can't be shown alone: {error.strerror}.",
            hint=f"Start Huddle as an ordinary user, install it elsewhere, or allow it: chmod o+x {first}",
        ) from error


def _replace(first: Path, paths: list[Path]) -> None:
    """An empty directory in the place of `first`, and in it these alone."""
    held = [os.open(path, os.O_PATH | os.O_CLOEXEC) for path in paths]
    try:
        _mount("none", str(first), "tmpfs", 0, "mode=755,size=64k")
        for path, descriptor in zip(paths, held, strict=True):
            source = f"/proc/self/fd/{descriptor}"
            if os.path.isdir(source):
                path.mkdir(parents=True)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
            _mount(source, str(path), None, _MS_BIND | _MS_REC)
    finally:
        for descriptor in held:
            os.close(descriptor)


def _closed(account: Account, path: Path) -> Path | None:
    """The first directory on the way there that this account may not enter."""
    with seen_by(account):
        return next((way for way in reversed(path.parents) if not _can_enter(way)), None)


def _can_enter(way: Path) -> bool:
    try:
        os.stat(f"{way}/.")
    except PermissionError:
        return False
    return True


def _keep_only(capability: int) -> None:
    """Of root's capabilities this process keeps one, and its children none."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES_3, 0)
    data = (ctypes.c_uint32 * 6)(
        1 << capability, 1 << capability, 0, 0, 0, 0
    )  # effective, permitted, inheritable
    if _LIBC.capset(header, data):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _mount(source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    filesystem = kind.encode() if kind else None
    if _LIBC.mount(os.fsencode(source), os.fsencode(target), filesystem, flags, options.encode() or None):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), target)


def _person() -> Account | None:
    """Who typed `sudo` or `doas`."""
    try:
        if named := os.environ.get("DOAS_USER"):
            entry = pwd.getpwnam(named)
        else:
            entry = pwd.getpwuid(int(os.environ.get("SUDO_UID", "0")))
    except (KeyError, ValueError):
        return None
    if entry.pw_uid == 0:
        return None
    groups = os.getgrouplist(entry.pw_name, entry.pw_gid)[: os.sysconf("SC_NGROUPS_MAX")]
    return Account(entry.pw_uid, entry.pw_gid, tuple(groups), entry.pw_name, entry.pw_dir)


def _mappings() -> list[tuple[int, int, int]]:
    """What uids of this user namespace are outside: first inside, first outside, how many."""
    with suppress(OSError, ValueError):
        lines = Path("/proc/self/uid_map").read_text(encoding="ascii").splitlines()
        return [(int(a), int(b), int(c)) for a, b, c in map(str.split, lines)]
    return [(0, 0, 1 << 32)]


def _is_someone_outside() -> bool:
    """Whether uid 0 here is an ordinary account outside, alone in its user namespace."""
    mappings = _mappings()
    return len(mappings) == 1 and mappings[0][0] == 0 and mappings[0][1] != 0 and mappings[0][2] == 1


def _has_entry(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _processes() -> Iterator[os.stat_result]:
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            yield path.stat()
