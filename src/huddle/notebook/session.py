"""A party's session beside a notebook's kernel: in a thread and an event loop of its own.

What happens comes to the kernel's loop in order; what is decided goes back. Whatever a cell does meanwhile,
computing or waiting for `input`, the session answers its peers.
"""

import asyncio
import atexit
import threading
from collections.abc import Callable
from typing import Any

from huddle import events
from huddle.cli.terminal import answers
from huddle.errors import HuddleError, LocalError, NetworkError, PeerError, ProgramError, unexpected
from huddle.notebook.question import Answer, Table, decided
from huddle.notebook.runtime import runtime
from huddle.session.party import Party
from huddle.tasks import joined

_KINDS: dict[str, type[HuddleError]] = {"network": NetworkError, "program": ProgramError}
_LEAVING = 5.0  # seconds for the goodbye of a kernel that ends


class NotebookSession:
    """One session, from `begin` to its end. `make` makes the party, in the session's own thread."""

    def __init__(self, make: Callable[[], Party], answer: Answer | None, say: Callable[[str], None]) -> None:
        self.over = False
        self._make, self._answer, self._say = make, answer, say
        self._kernel = asyncio.get_running_loop()
        self._events: asyncio.Queue[events.Event] = asyncio.Queue()
        self._table = Table()
        self._party: Party | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="huddle session", daemon=True)
        self._reader: asyncio.Task[None] | None = None
        self._failed: HuddleError | None = None

    async def begin(self) -> Any:
        """Up to the links: an MPyC runtime over them. Raises HuddleError where the session ends before."""
        self._thread.start()
        atexit.register(self._goodbye)
        try:
            while not isinstance(event := await self._events.get(), events.Proxy):
                self._take(event)
            made = runtime(event.arguments)
        except BaseException:
            self._decide(lambda party: party.leave("its person left"))
            raise
        self._say("All have said yes. `async with mpc:` connects; afterwards `await huddle.disconnect()`.")
        self._reader = asyncio.create_task(self._read(), name="huddle events")
        return made

    async def finish(self) -> None:
        """Nothing more is computed here; wait for the end. Raises what went wrong in the session."""
        self._decide(lambda party: party.stop_run(well=True))
        if self._reader is not None:
            await joined(self._reader)
        if self._failed is not None:
            raise self._failed

    # --- in the kernel's loop

    def _take(self, event: events.Event) -> None:
        """Show and decide what happens before the program runs."""
        self._table.note(event)
        match event:
            case events.Invitation(url=url, code=code):
                self._say(f"Send this link to the others: {url}\nor say this code: {code}")
            case events.Question(what="admit", did=did):
                self._decide(lambda party: party.seat(did))
            case events.Question(what="accept" | "program"):
                self._ask()
            case events.Ended(reason=reason):
                self.over = True
                raise self._failed or LocalError(reason)
            case _:
                self._tell(event)

    def _ask(self) -> None:
        party = self._party
        if party is None:
            return
        self._say(self._table.shown(party.files))
        match decided(self._table, self._answer):
            case answers.Accept(heard):
                self._decide(lambda party: party.heard(heard))
                self._decide(lambda party: party.accept())
            case answers.Refuse(did):
                self._decide(lambda party: party.refuse(did, "its person said no"))
            case answers.Differ():
                self._decide(lambda party: party.differ())
            case _:
                self._decide(lambda party: party.decline("they do not take part"))

    async def _read(self) -> None:
        """Tell what happens while the cells compute, to the end."""
        while not self.over:
            event = await self._events.get()
            self.over = isinstance(event, events.Ended)
            self._tell(event)

    def _tell(self, event: events.Event) -> None:
        match event:
            case events.Notice(text=text):
                self._say(text)
            case events.Error(whose=whose, message=message, hint=hint, peer=peer):
                self._failed = _error(whose, message, hint, peer)
                self._say(f"{message} {hint}".rstrip())
            case events.Run(state="failed", whose=whose, reason=reason, hint=hint, peer=peer):
                self._failed = self._failed or _error(whose, reason, hint, peer)
                self._say(f"The run has ended: {reason} {hint}".rstrip())
            case events.WordsDiffer(name=name):
                self._say(f"{name} saw other words: somebody may be intercepting. Compute nothing secret.")
            case events.Reconnect(peer=peer, state=state):
                self._say(f"The connection to {peer} is {state}.")
            case events.Ended(reason=reason):
                self._say(reason)

    def _decide(self, decision: Callable[[Party], Any]) -> None:
        """Have the party do something, in its own thread."""
        loop, party = self._loop, self._party
        if loop is not None and party is not None and not self.over:
            try:
                loop.call_soon_threadsafe(decision, party)
            except RuntimeError:  # it has ended meanwhile
                return

    def _goodbye(self) -> None:
        self._decide(lambda party: party.leave("the notebook was closed"))
        self._thread.join(_LEAVING)

    # --- in the thread

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            failed = unexpected(error)
            self._pass(events.Error(failed.whose, failed.message, failed.hint))
            self._pass(events.Ended("The session could not begin.", False))

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._party = self._make()
        async for event in self._party:
            self._pass(event)

    def _pass(self, event: events.Event) -> None:
        try:
            self._kernel.call_soon_threadsafe(self._events.put_nowait, event)
        except RuntimeError:  # the kernel is gone; the session is told so by `_goodbye`
            return


def _error(whose: str, message: str, hint: str, peer: str) -> HuddleError:
    if whose == "peer":
        return PeerError(message, peer=peer, hint=hint)
    return _KINDS.get(whose, LocalError)(message, hint=hint)
