"""The rights with which a session runs: as few as it can do with, whoever started it.

Started by root, Huddle becomes an ordinary account (`huddle.running.account`) before it reads a byte of a
stranger's. What needs root stays with helpers: what networks have to do, root's own files, and the removal of
the directory that is made for what the session puts on the disk. Whoever started it, no other process of
the person's may look into this one, it leaves no core, and it stays apart from them (`huddle.landlock`).
"""

import ctypes
import os
import resource
import shutil
import site
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import huddle
from huddle import landlock
from huddle.cli.archive import Archive, ArchiveService, HelperArchive, HelperRooms
from huddle.errors import LocalError
from huddle.helper import LOW_PORTS, Answer, Helper, Service
from huddle.networks import registry
from huddle.networks.reach.child_server import search_path
from huddle.running import account as accounts
from huddle.running.account import Account
from huddle.running.scratch import Scratch, remove
from huddle.session.room_keeping import KeptRoom

_PR_SET_DUMPABLE = 4  # linux/prctl.h


@dataclass(frozen=True, slots=True)
class Rights:
    """What is left: who keeps things, who does what networks need root for (None: this process may try), and
    the input files."""

    archive: Archive
    networks: Helper | None
    inputs: tuple[Path, ...]


@contextmanager
def as_ordinary(
    archive: Callable[[], Archive],
    *,
    networks: Sequence[str],
    python: str,
    inputs: tuple[Path, ...],
    port: int = 0,
    needed: Sequence[Path] = (),
) -> Iterator[Rights]:
    """Give up what is not needed, until the end; there may be no thread and no event loop yet.

    `archive` is called by whoever's files are meant: the person who typed `sudo`, or root itself. `python` is
    an absolute path of the interpreter that runs programs. On `port` the session will listen (0: any).
    `needed` is what else it reads. Raises LocalError where an ordinary account can't run it.
    """
    with ExitStack() as stack:
        account = accounts.to_become()
        _harden()
        if account is None:
            landlock.stay_among_ourselves()
            yield Rights(archive(), None, inputs)
            return
        if sys.platform != "linux":
            raise LocalError(
                "On this system Huddle can't give up root's rights.", hint="Start it as an ordinary user."
            )
        folder = Scratch("huddle-root-")
        services: list[Any] = [_Folder(folder, account)]
        roots = archive() if account.home is None else None
        if roots is not None:
            services.append(ArchiveService(roots))
        left = roots.rooms.left if roots is not None else None  # soon this process can't look there
        helper = Helper.start(services)
        stack.callback(helper.close)
        theirs: Helper | None = None
        if asked := _root_services(networks, port, homeless=account.home is None):
            theirs = Helper.start(asked)
            stack.callback(theirs.close)
        inputs = tuple(_readable(account, path, folder.path) for path in inputs)
        os.chown(folder.path, account.uid, account.gid)
        accounts.open_up(account, [folder.path, *_own(python), *needed])
        accounts.become(account, listen_low=0 < port < LOW_PORTS)
        _harden()  # another account, another word of the kernel's on this
        landlock.stay_among_ourselves()
        if account.home is None or not os.access(tempfile.gettempdir(), os.W_OK | os.X_OK):
            tempfile.tempdir = os.environ["TMPDIR"] = str(folder.path)
        _check(account, python)
        kept = archive() if roots is None else _from_afar(helper, roots, left)
        yield Rights(kept, theirs, inputs)


def _from_afar(helper: Helper, roots: Archive, left: KeptRoom | None) -> HelperArchive:
    rooms = HelperRooms(helper, roots.rooms.before, left)
    return HelperArchive(helper, roots.identity, roots.contacts, rooms)


def _root_services(networks: Sequence[str], port: int, *, homeless: bool) -> list[Service]:
    """What these networks need root for; several may need the same."""
    chosen = [kind for kind in map(registry.kind, networks) if kind]
    found = {
        type(service): service for kind in chosen for service in kind.root_services(port, homeless=homeless)
    }
    return [*found.values()]


def server_account(needed: Sequence[Path]) -> tuple[Account | None, str]:
    """Whom a server that root starts becomes once it listens, and why it can't; there may be no thread yet.

    `needed` is what it reads later. What it opens before it becomes that account stays open.
    """
    try:
        account = accounts.to_become()
        if account is None:
            return None, ""
        if sys.platform != "linux":
            return None, "On this system Huddle can't give up root's rights."
        accounts.open_up(account, [*_own(sys.executable), *needed])
    except LocalError as error:
        return None, error.message
    return account, ""


class _Folder:
    """Removes the session's own directory at the end; see `huddle.helper.Service`."""

    requests: ClassVar[tuple[type[Any], ...]] = ()

    def __init__(self, folder: Scratch, account: Account) -> None:
        self._folder = folder
        self._account = account

    async def do(self, request: Any, descriptor: int) -> Answer:
        raise ValueError("there is nothing to ask")

    async def close(self) -> None:
        # What is in there is that account's to change meanwhile, so it is removed with its rights only.
        os.chdir(self._folder.path)
        with accounts.seen_by(self._account):
            for name in os.listdir():
                remove(Path(name))
        os.chdir("/")
        self._folder.remove()


def _harden() -> None:
    """No other process of this account may look into this one, and a crash leaves no core."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def _readable(account: Account, path: Path, folder: Path) -> Path:
    """The file or directory, or a copy that this account may read where it may not read all of that one."""
    if all(accounts.can_read(account, one) for one in (path, *path.rglob("*")) if not one.is_symlink()):
        return path
    place = Path(tempfile.mkdtemp(prefix="input-", dir=folder))
    copy = place / path.name
    try:
        if path.is_dir():
            shutil.copytree(path, copy, symlinks=True)
        else:
            shutil.copyfile(path, copy)
    except (OSError, shutil.Error) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or "not all of it can be copied"
        raise LocalError(f"{path} can't be read: {why}.") from error
    for made in (place, copy, *copy.rglob("*")):
        if not made.is_symlink():
            made.chmod(0o700 if made.is_dir() else 0o400)
        os.chown(made, account.uid, account.gid, follow_symlinks=False)
    return copy


def _own(python: str) -> Iterator[Path]:
    """Where this Huddle and both interpreters are."""
    yield Path(huddle.__file__).resolve().parent
    yield from map(Path, (sys.prefix, sys.base_prefix, *site.getsitepackages(), site.getusersitepackages()))
    # An interpreter is in PREFIX/bin, and a virtual environment's is a link to that of another prefix.
    link = Path(python)
    for _ in range(20):
        yield link.parent.parent
        if not link.is_symlink():
            break
        link = link.parent / link.readlink()
    commands = [one for kind in registry.kinds() for one in (*kind.commands, *kind.server_commands)]
    for name in (*dict.fromkeys(command.name for command in commands), "bwrap"):
        if found := shutil.which(name, path=search_path()):
            yield Path(found)
            yield Path(found).resolve()
    if authorities := os.environ.get("SSL_CERT_FILE"):
        yield Path(authorities)


def _check(account: Account, python: str) -> None:
    for path in (Path(huddle.__file__), Path(python)):
        if not os.access(path, os.R_OK):
            raise LocalError(
                f"Huddle was started by root and runs as another account ({account.uid}), which may not read "
                f"{path}.",
                hint="Start Huddle as an ordinary user, or let others read it.",
            )
