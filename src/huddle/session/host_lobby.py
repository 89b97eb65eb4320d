"""What a host's person can do until the start: another code, another program, more or fewer parties.

The ceremony decides what follows (`huddle.ceremony.host`); the code lives beside it at the rendezvous.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from huddle import events
from huddle.ceremony.host import HostCeremony
from huddle.ceremony.invitation import Invitation
from huddle.ceremony.manifest import Flags
from huddle.ceremony.messages import Software
from huddle.errors import LocalError, unexpected
from huddle.identity.crypto import Crypto
from huddle.session.ceremony_driver import CeremonyDriver
from huddle.session.inviting import invite
from huddle.session.platform import Platform, ProgramRuntime
from huddle.session.program import Program
from huddle.tasks import cancel

if TYPE_CHECKING:
    from huddle.shortcode.driver import SpokenCode


class HostLobby:
    """The host's side of a session that has not begun; `files` are those of the program that is proposed."""

    def __init__(
        self,
        crypto: Crypto,
        invitation: Invitation,
        program: Program,
        flags: Flags,
        platform: Platform,
        runtime: ProgramRuntime,
        emit: Callable[[events.Event], None],
        stack: AsyncExitStack,
    ) -> None:
        self.driver: CeremonyDriver | None = None
        self._crypto = crypto
        self._invitation = invitation
        self._program = program
        self._flags = flags
        self._platform = platform
        self._runtime = runtime
        self._emit = emit
        self._stack = stack
        self._core: HostCeremony | None = None
        self._code: SpokenCode | None = None
        self._work: set[asyncio.Task[None]] = set()

    @property
    def files(self) -> Mapping[str, bytes]:
        """The files of the program as it was proposed last."""
        return self._program.files

    @property
    def program(self) -> Program:
        """The program as it was proposed last."""
        return self._program

    async def open(self, guests: int) -> None:
        """Invite: the link, and a code for so many guests in place of the one before."""
        before = self._code
        self._code = await invite(self._crypto, self._invitation, guests, self._stack, self._emit)
        if before is not None:
            await before.close()

    def attend(self, core: HostCeremony) -> None:
        """The ceremony that this is the lobby of."""
        self._core = core

    async def close(self) -> None:
        """The session begins, or is over."""
        await cancel(*self._work)
        if self._code is not None:
            await self._code.close()

    def seat_is_free(self) -> None:
        """A guest has left, and somebody else may use the code in their place."""
        if self._code is not None:
            self._code.give_back()

    def new_code(self) -> None:
        """Another code, for the seats that are free; the old one is no good any more."""
        free = self._core.free if self._core is not None else 0
        if free < 1:
            raise LocalError("All seats are taken.", hint="Remove somebody, or raise the number of parties.")
        self._begin(self.open(free))

    def change(self, program: Program | None, parties: int | None) -> None:
        """Propose this program, or to so many parties; everybody keeps the seat, and is asked.

        Raises LocalError where there can't be so many; what is wrong with a program is told later.
        """
        if parties is not None and self.driver is not None:
            self.driver.change(f"it is to be {parties} parties", parties=parties)
            self._emit(events.Notice(f"The session is for {parties} parties now."))
        if program is not None:
            self._begin(self._replace(program))

    async def _replace(self, program: Program) -> None:
        program = await self._platform.locked(program, self._runtime)
        if self.driver is None:
            return
        if program == self._program:  # else everybody would be asked anew about nothing
            raise LocalError("The program is the same as before.", hint="Edit it first, or name another.")
        versions = (Software("mpyc", self._runtime.interpreter.mpyc),)
        manifest = program.manifest(self._flags, versions)
        self.driver.change("the host has changed the program", program, manifest)
        self._program = program

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(self._whole(work), name="lobby")
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def _whole(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as exc:  # nothing has changed, and the person reads why
            error = unexpected(exc)
            self._emit(events.Notice(f"{error.message} {error.hint}".strip()))
