"""What a session has in a Headscale: a user per did, a key each, one line of policy; and nothing at its end.

All of it bears the session's tag in the names of its users, `huddle-TAG-PID`; nothing without that tag is
ever changed. What a crash left is known by its mark on this machine (`marks`), and the next session with that
Headscale takes it away. So it does with what left no mark here, when it is an hour old and none of its
machines is there.
"""

import asyncio
import contextlib
import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping

from huddle.errors import HuddleError, LocalError, NetworkError
from huddle.networks.headscale.api import HeadscaleApi, Missing
from huddle.networks.headscale.marks import TAG, LocalMarks, Marks
from huddle.networks.headscale.policy import openness, users_of, with_line, without_lines

KEY_SECONDS = 600.0  # for which an auth key is good: much more than a machine takes to come in

_NAME = re.compile(rf"huddle-({TAG})-(\d{{1,2}})")
_TRIES = 8  # at the policy, which two sessions may want to change at once
_SETTLE = 0.3  # seconds after which a change of the policy is looked at again
_GONE = 4.0  # seconds for machines to leave by themselves before they are deleted
_OLD = 3600.0


def user_name(tag: str, pid: int) -> str:
    """The user of a party."""
    return f"huddle-{tag}-{pid}"


class Admission:
    """One session's part of a Headscale. `open`, `arrange`, and `remove` whatever happened before."""

    def __init__(self, api: HeadscaleApi, marks: Marks | None = None) -> None:
        self.api = api
        self._marks = marks or LocalMarks()
        self._marked = False
        self.tag = secrets.token_hex(6)
        self._ports: dict[str, int] = {}

    def __repr__(self) -> str:
        return f"<Admission {self.tag} at {self.api.host}>"

    async def open(self) -> list[str]:
        """Take away what crashes left (their tags), and see that this Headscale will do, else LocalError."""
        await self.api.users()
        swept = await sweep(self.api, self._marks)
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
        await self._marks.make(self.api.url, self.tag)
        self._marked = True
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
        if not self._marked:
            return
        await _remove(self.api, self.tag, wait=_GONE)
        await self._marks.delete(self.tag)
        self._marked = False


def tag_of(name: str) -> str:
    """The tag in a user's name; empty where it is no session's."""
    match = _NAME.fullmatch(name)
    return match[1] if match else ""


async def sweep(api: HeadscaleApi, marks: Marks, now: float | None = None) -> list[str]:
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
    dead = await marks.dead(api.url)
    old = [tag for tag, made in newest.items() if tag not in busy and now - made > _OLD]
    for tag in {*dead, *old}:
        with contextlib.suppress(HuddleError):
            await _remove(api, tag, wait=0.0)
            swept.append(tag)
            if tag in dead:
                await marks.delete(tag)
    await marks.release()
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
