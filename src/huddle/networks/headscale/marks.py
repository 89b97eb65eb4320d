"""Which sessions have something in which Headscale: a file each, locked while its process lives.

What a killed session has left in a Headscale is known by its mark, whose lock nobody holds any more. A
session that root started becomes another account each time, which could neither see nor remove the mark
of the one before: so root's helper keeps the marks for it.

    MakeMark, DeleteMark, ReleaseMarks      nothing
    FindDead                                `Dead`, the tags of dead sessions in that Headscale, locked now
"""

import fcntl
import json
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Protocol

from huddle.codec import Limit, decode, encode
from huddle.helper import Answer, Helper

PREFIX = "huddle-headscale-"  # of the files in the temporary directory
MOST = 64  # dead sessions that are found at a time

TAG = r"[0-9a-f]{12}"

Tag = Annotated[str, Limit(12)]
Url = Annotated[str, Limit(2000)]


@dataclass(frozen=True, slots=True)
class MakeMark:
    """Say that this session will have something there."""

    url: Url
    tag: Tag


@dataclass(frozen=True, slots=True)
class FindDead:
    """Say which dead sessions have something there."""

    url: Url


@dataclass(frozen=True, slots=True)
class DeleteMark:
    """That session has nothing there any more: one's own, or a dead one that was found."""

    tag: Tag


@dataclass(frozen=True, slots=True)
class ReleaseMarks:
    """Leave the dead ones that were found to others."""


@dataclass(frozen=True, slots=True)
class Dead:
    """The tags of dead sessions."""

    tags: Annotated[tuple[Tag, ...], Limit(MOST)]


class Marks(Protocol):
    """A session's view of the marks: its own, and those of the dead."""

    async def make(self, url: str, tag: str) -> None:
        """Say that the session of this tag will have something in that Headscale."""
        ...

    async def dead(self, url: str) -> tuple[str, ...]:
        """The tags of dead sessions in that Headscale; nobody else finds them until they are released."""
        ...

    async def delete(self, tag: str) -> None:
        """That session, one's own or a dead one that was found, has nothing there any more."""
        ...

    async def release(self) -> None:
        """Leave to others the dead ones that were found and not deleted."""
        ...


class LocalMarks:
    """Those of this account, in its temporary directory; ValueError for a tag that is none or not ours."""

    def __init__(self) -> None:
        self._own: dict[str, _Mark] = {}
        self._dead: dict[str, _Mark] = {}

    async def make(self, url: str, tag: str) -> None:
        if not re.fullmatch(TAG, tag) or len(self._own) >= MOST:
            raise ValueError(f"mark {len(self._own)}, {tag}")
        self._own[tag] = _Mark.make(url, tag)

    async def dead(self, url: str) -> tuple[str, ...]:
        for mark in _unlocked():
            if mark.url == url and mark.tag not in self._dead and len(self._dead) < MOST:
                self._dead[mark.tag] = mark
            else:
                mark.release()
        return tuple(tag for tag, mark in self._dead.items() if mark.url == url)

    async def delete(self, tag: str) -> None:
        mark = self._own.pop(tag, None) or self._dead.pop(tag, None)
        if mark is None:
            raise ValueError(f"the mark {tag} is not this session's")
        mark.path.unlink(missing_ok=True)
        mark.release()

    async def release(self) -> None:
        for mark in self._dead.values():
            mark.release()
        self._dead.clear()


class MarkService:
    """The helper's side: root's own marks, of one session."""

    requests: ClassVar[tuple[type[Any], ...]] = (MakeMark, FindDead, DeleteMark, ReleaseMarks)

    def __init__(self) -> None:
        self._marks = LocalMarks()

    async def do(self, request: Any, descriptor: int) -> Answer:
        match request:
            case MakeMark(url, tag):
                await self._marks.make(url, tag)
            case FindDead(url):
                return Answer(encode(Dead(await self._marks.dead(url))))
            case DeleteMark(tag):
                await self._marks.delete(tag)
            case ReleaseMarks():
                await self._marks.release()
        return Answer()

    async def close(self) -> None:
        """The lock goes with the helper; the mark of a session that was killed stays."""


class HelperMarks:
    """The asker's side."""

    def __init__(self, helper: Helper) -> None:
        self._helper = helper

    async def make(self, url: str, tag: str) -> None:
        await self._helper.ask(MakeMark(url, tag))

    async def dead(self, url: str) -> tuple[str, ...]:
        return decode(Dead, (await self._helper.ask(FindDead(url))).data).tags

    async def delete(self, tag: str) -> None:
        await self._helper.ask(DeleteMark(tag))

    async def release(self) -> None:
        await self._helper.ask(ReleaseMarks())


def left_here() -> list[str]:
    """The Headscales in which dead sessions of this account have left something."""
    found = set[str]()
    for mark in _unlocked():
        mark.release()
        found.add(mark.url)
    return sorted(found)


@dataclass(frozen=True, slots=True)
class _Mark:
    path: Path
    file: int  # its descriptor, which holds the lock
    url: str
    tag: str

    @classmethod
    def make(cls, url: str, tag: str) -> "_Mark":
        path = Path(tempfile.gettempdir()) / f"{PREFIX}{tag}"
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.write(file, json.dumps({"url": url, "tag": tag}).encode())
        return cls(path, file, url, tag)

    def release(self) -> None:
        os.close(self.file)


def _unlocked() -> list[_Mark]:
    """All marks of dead processes of this account, each locked now."""
    found = list[_Mark]()
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            file = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            continue
        try:
            if os.fstat(file).st_uid != os.getuid():
                raise ValueError
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            told = json.loads(os.read(file, 4096))
            url, tag = told["url"], told["tag"]
            if not isinstance(url, str) or not re.fullmatch(TAG, tag):
                raise ValueError
        except (OSError, ValueError, KeyError, TypeError):
            os.close(file)
            continue
        found.append(_Mark(path, file, url, tag))
    return found
