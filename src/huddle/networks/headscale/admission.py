"""What a session has in a Headscale: a user per did, a key each, one line of policy; and nothing at its end.

All of it bears the session's tag in the names of its users, `huddle-TAG-PID`; nothing without that tag is
ever changed. A mark on this machine, locked while its process lives, says which sessions a crash left, and
the next one with that Headscale takes them away. So it does with those that left no mark here, when they
are an hour old and none of their machines is there.
"""

import asyncio
import contextlib
import fcntl
import json
import os
import re
import secrets
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Self

from huddle.errors import HuddleError, LocalError, NetworkError
from huddle.networks.headscale.api import HeadscaleApi, Missing
from huddle.networks.headscale.policy import openness, users_of, with_line, without_lines

MARK = "huddle-headscale-"  # of the files in the temporary directory; `huddle doctor` knows it too
KEY_SECONDS = 600.0  # for which an auth key is good: much more than a machine takes to come in

_NAME = re.compile(r"huddle-([0-9a-f]{12})-(\d{1,2})")
_TRIES = 8  # at the policy, which two sessions may want to change at once
_SETTLE = 0.3  # seconds after which a change of the policy is looked at again
_GONE = 4.0  # seconds for machines to leave by themselves before they are deleted
_OLD = 3600.0


def user_name(tag: str, pid: int) -> str:
    """The user of a party."""
    return f"huddle-{tag}-{pid}"


class Admission:
    """One session's part of a Headscale. `open`, `arrange`, and `remove` whatever happened before."""

    def __init__(self, api: HeadscaleApi) -> None:
        self.api = api
        self.tag = secrets.token_hex(6)
        self._ports: dict[str, int] = {}
        self._mark: _Mark | None = None

    def __repr__(self) -> str:
        return f"<Admission {self.tag} at {self.api.host}>"

    async def open(self) -> list[str]:
        """Take away what crashes left (their tags), and see that this Headscale will do, else LocalError."""
        await self.api.users()
        swept = await sweep(self.api)
        policy = await self.api.policy()
        try:
            why = (
                "it has no policy, by which everybody reaches everybody"
                if policy is None
                else openness(policy)
            )
        except ValueError as error:
            why = str(error)
        if why:
            raise LocalError(
                f"The Headscale {self.api.host} can't keep the session's machines and others apart: {why}.",
                hint='Let its policy\'s rules name groups or tags; {"acls": []} if nobody else uses it.',
            )
        return swept

    async def arrange(self, dids: Mapping[int, str], ports: Mapping[int, int]) -> dict[int, str]:
        """Make a user and an auth key for each pid and did, and the line of policy; the keys.

        `ports` are those at which the others may reach each: nothing else of a machine is open to them.
        """
        self._mark = _Mark.make(self.api.url, self.tag)
        users = {pid: await self.api.make_user(user_name(self.tag, pid), did) for pid, did in dids.items()}
        self._ports = {user.name: ports[pid] for pid, user in users.items()}
        await self.repair()
        until = time.time() + KEY_SECONDS
        return {pid: await self.api.make_key(user.id, until) for pid, user in users.items()}

    async def repair(self) -> None:
        """See that the line of policy is there, also after somebody else's change has taken it away."""

        def good(text: str) -> bool:
            return users_of(text, lambda name: tag_of(name) == self.tag) == set(self._ports)

        await _edit(self.api, lambda text: with_line(text, self._ports), good)

    async def remove(self) -> None:
        """Take all of it away; bounded. Raises NetworkError with what could not be taken away."""
        if self._mark is None:
            return
        await _remove(self.api, self.tag, wait=_GONE)
        self._mark.delete()
        self._mark = None


def tag_of(name: str) -> str:
    """The tag in a user's name; empty where it is no session's."""
    match = _NAME.fullmatch(name)
    return match[1] if match else ""


async def sweep(api: HeadscaleApi, now: float | None = None) -> list[str]:
    """Take away what dead sessions left; their tags. It never fails: what can't be taken away stays."""
    now = time.time() if now is None else now
    swept = []
    try:
        users, machines = await api.users(), await api.machines()
    except HuddleError:
        return []
    busy = {tag_of(machine.user) for machine in machines}
    newest: dict[str, float] = {}
    for user in users:
        if tag := tag_of(user.name):
            newest[tag] = max(newest.get(tag, 0.0), user.created)
    dead = _Mark.dead(api.url)
    old = [tag for tag, made in newest.items() if tag not in busy and now - made > _OLD]
    for tag in {*dead, *old}:
        with contextlib.suppress(HuddleError):
            await _remove(api, tag, wait=0.0)
            swept.append(tag)
            if tag in dead:
                dead[tag].delete()
    for mark in dead.values():
        mark.release()
    return swept


async def _remove(api: HeadscaleApi, tag: str, *, wait: float) -> None:
    """First the line, which names the users; then machines, which keep users; then users with their keys."""
    left = list[str]()

    def ours(name: str) -> bool:
        return tag_of(name) == tag

    try:
        await _edit(api, lambda text: without_lines(text, ours), lambda text: not users_of(text, ours))
    except HuddleError as error:
        left.append(f"its line of policy ({error.message})")
    deadline = time.monotonic() + wait
    with contextlib.suppress(HuddleError):
        while time.monotonic() < deadline:
            if not any(ours(one.user) for one in await api.machines()):
                break
            await asyncio.sleep(_SETTLE)
    try:
        machines = [one.id for one in await api.machines() if ours(one.user)]
        left += await _each(machines, api.delete_machine, "machine")
        users = [user.id for user in await api.users() if ours(user.name)]
        left += await _each(users, api.delete_user, "user")
    except HuddleError as error:
        left.append(f"users and machines ({error.message})")
    if left:
        raise NetworkError(
            f"The session {tag} has left something in the Headscale {api.host}: {', '.join(left)}.",
            hint="The next session that you host with it takes it away; or delete what is named so by hand.",
        )


async def _each(
    numbers: Iterable[str], delete: Callable[[str], "asyncio._CoroutineLike[None]"], what: str
) -> list[str]:
    left = []
    for number in numbers:
        for attempt in range(3):
            try:
                await delete(number)
            except Missing:
                break
            except HuddleError as error:
                if attempt == 2:
                    left.append(f"{what} {number} ({error.message})")
                else:
                    await asyncio.sleep(_SETTLE)
            else:
                break
    return left


async def _edit(api: HeadscaleApi, change: Callable[[str], str], good: Callable[[str], bool]) -> None:
    """Change the policy until it is seen to be good, twice: the API has no way to change it in one step."""
    for attempt in range(_TRIES):
        text = await api.policy()
        if text is None:
            if good('{"acls":[]}'):
                return
            raise NetworkError(f"The Headscale {api.host} has lost its policy.", hint="Ask whoever runs it.")
        try:
            if good(text):
                if attempt == 0:
                    return
                await asyncio.sleep(_SETTLE)
                again = await api.policy()
                if again is not None and good(again):
                    return
                continue
            await api.set_policy(change(text))
        except ValueError as error:
            raise NetworkError(f"The policy of the Headscale {api.host} can't be read: {error}.") from error
        await asyncio.sleep(secrets.randbelow(300) / 1000)
    raise NetworkError(
        f"The policy of the Headscale {api.host} is changed by somebody else again and again.",
        hint="Is there a program that writes it all the time?",
    )


def left_here() -> list[str]:
    """The Headscales in which dead sessions of this account have left something, by their marks."""
    found = set[str]()
    for mark, told in _Mark.unlocked():
        mark.release()
        found.add(told["url"])
    return sorted(found)


class _Mark:
    """A file that says which session has something in which Headscale, locked while its process lives."""

    def __init__(self, path: Path, file: int) -> None:
        self._path = path
        self._file = file

    @classmethod
    def make(cls, url: str, tag: str) -> Self:
        path = Path(tempfile.gettempdir()) / f"{MARK}{tag}"
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.write(file, json.dumps({"url": url, "tag": tag}).encode())
        return cls(path, file)

    @classmethod
    def dead(cls, url: str) -> "dict[str, _Mark]":
        """The marks of dead processes of this account for that Headscale, by tag, each locked now."""
        found = dict[str, _Mark]()
        for mark, told in cls.unlocked():
            if told["url"] == url and told["tag"] not in found:
                found[told["tag"]] = mark
            else:
                mark.release()
        return found

    @classmethod
    def unlocked(cls) -> "list[tuple[_Mark, dict[str, str]]]":
        """All marks of dead processes of this account, each locked now, with its URL and tag."""
        found = list[tuple[_Mark, dict[str, str]]]()
        for path in Path(tempfile.gettempdir()).glob(f"{MARK}*"):
            try:
                file = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
            except OSError:
                continue
            mark = cls(path, file)
            try:
                if os.fstat(file).st_uid != os.getuid():
                    raise ValueError
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                told = json.loads(os.read(file, 4096))
                if not isinstance(told["url"], str) or not tag_of(user_name(told["tag"], 0)):
                    raise ValueError
            except (OSError, ValueError, KeyError, TypeError):
                mark.release()
                continue
            found.append((mark, told))
        return found

    def delete(self) -> None:
        self._path.unlink(missing_ok=True)
        self.release()

    def release(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
