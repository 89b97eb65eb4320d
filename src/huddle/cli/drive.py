"""Drives one session from the command line: shows its events, asks its questions, feeds its program.

One task shows events as they come; another asks, one question at a time, so that news is never held up
by somebody who thinks. The first Ctrl-C ends the run, the second the session.
"""

import asyncio
import signal
import traceback
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Any, Protocol

from huddle import events
from huddle.cli.errors import EXIT_CODES
from huddle.cli.keyboard import Keyboard
from huddle.cli.pace import Outlet, Pace
from huddle.cli.policy import GuestPolicy, HostPolicy
from huddle.cli.text import clean, listing
from huddle.cli.view import View
from huddle.engine.party import Party
from huddle.errors import HuddleError, unexpected

_TICK = 0.125  # seconds between two pictures of a status


class Screen(Protocol):
    """What shows a session: `View` for people, `JsonView` for scripts."""

    def show(self, event: events.Event) -> None:
        """Show one event."""
        ...

    def line(self, markup: str = "") -> None:
        """Say something that is no event."""
        ...

    def rest(self) -> None:
        """Make room for typing."""
        ...

    def tick(self) -> None:
        """Time passes."""
        ...

    def ask(self, prompt: str) -> None:
        """Ask the person something."""
        ...

    def answered(self, *, withdrawn: bool = False) -> None:
        """The person has answered, or need not any more."""
        ...


def _is_ours(error: BaseException) -> bool:
    frames = traceback.walk_tb(error.__traceback__)
    return any(frame.f_globals.get("__name__", "").startswith("huddle.") for frame, _ in frames)


# A question or a program that waits for input, and the epoch of the words that stood on the screen then.
_Wanted = tuple[events.Question | events.Input, int]


class Driver:
    """Answers the questions of one session.

    `finish` keeps what is to be kept and says what that is; `entered` is called when the room was entered;
    `outlet` is where the screen writes to.
    """

    def __init__(
        self,
        party: Party,
        screen: Screen,
        policy: HostPolicy | GuestPolicy,
        finish: Callable[[], tuple[str, ...]],
        entered: Callable[[], None] = lambda: None,
        outlet: Outlet | None = None,
    ) -> None:
        self._party = party
        self._screen = screen
        self._policy = policy
        self._finish = finish
        self._entered = entered
        self._pace = Pace(outlet)
        self._wanted: asyncio.Queue[_Wanted] = asyncio.Queue()
        self._asked: _Wanted | None = None
        self._asking: asyncio.Task[None] | None = None
        self._epoch = 0  # of the words that stand on the screen
        self._standing: dict[str, events.Party] = {}
        self._proposed = self._first = ""  # digests of programs
        self._run = 0  # the number of the present run, or the last
        self._input_over = asyncio.Event()
        self._stopping = False
        self._last: events.Event | None = None
        self._refused = False  # what was asked here could not be decided
        self._keyboard: Keyboard | None = None

    async def run(self) -> int:
        """Until the session has ended; the exit code, see `huddle.cli.errors`."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._interrupt(number))
        before = loop.get_exception_handler()
        loop.set_exception_handler(self._failed_somewhere)
        asker = asyncio.create_task(self._ask_all(), name="asker")
        ticker = asyncio.create_task(self._tick(), name="ticker")
        code = 1
        try:
            async with aclosing(aiter(self._party)) as told:
                async for event in told:
                    if isinstance(event, events.Ended):
                        event = self._ended(event)
                        code = self._exit_code(event)
                    self._pace.show(event, self._screen.show)
                    self._note(event)
                    await self._pace.wait(event)
        finally:
            self._screen.rest()
            loop.set_exception_handler(before)
            tasks = [asker, ticker] if self._asking is None else [asker, ticker, self._asking]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)
        return code

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK)
            if not self._pace.behind:
                self._screen.tick()

    def _note(self, event: events.Event) -> None:
        self._last = event
        match event:
            case events.Party():
                if event.standing == "self" and event.did not in self._standing:
                    self._keep_identity()
                self._standing[event.did] = event
                self._withdraw()
            case events.Words():
                self._epoch = event.epoch
                self._withdraw()
            case events.Program():
                self._proposed = event.digest
            case events.Question() | events.Input(waiting=True):
                self._wanted.put_nowait((event, self._epoch))
            case events.Run(state="started"):
                self._run, self._stopping = event.run, False
                self._input_over.clear()
            case events.Run():
                self._input_over.set()

    def _keep_identity(self) -> None:
        try:
            self._entered()
        except (HuddleError, OSError) as exc:
            self._party.fail(exc)

    def _ended(self, event: events.Ended) -> events.Ended:
        """Keep what is to be kept; where that fails, the end is not clean."""
        try:
            return replace(event, left=self._finish())
        except (HuddleError, OSError) as exc:
            error = unexpected(exc)
            failed = events.Error(error.whose, error.message, error.hint)
            self._screen.show(failed)
            self._last = failed
            return replace(event, clean=False)

    def _exit_code(self, event: events.Ended) -> int:
        if event.clean:
            return 0
        if self._refused:
            return EXIT_CODES["local"]
        return EXIT_CODES[self._last.whose] if isinstance(self._last, events.Error) else 1

    def _failed_somewhere(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """An exception in a callback of Huddle's own ends the session: it would go on in an unknown state.

        What comes from libraries or the network is of one connection, which its owner knows to be lost:
        strangers must not be able to end a session by what they send to an open port.
        """
        error = context.get("exception")
        if isinstance(error, Exception) and not isinstance(error, OSError) and _is_ours(error):
            self._party.fail(error)
        else:
            loop.default_exception_handler(context)

    def _interrupt(self, number: int) -> Callable[[], None]:
        def first() -> None:
            self._pace.hurry()
            if number == signal.SIGINT and self._party.running and not self._stopping:
                self._stopping = True
                self._party.stop_run()
            else:
                self._party.leave("by their own wish")

        return first

    async def _ask_all(self) -> None:
        while True:
            self._asked = await self._wanted.get()
            if not self._is_past(*self._asked):
                self._asking = asyncio.create_task(self._ask(self._asked[0]))
                await asyncio.wait({self._asking})

    async def _ask(self, wanted: events.Question | events.Input) -> None:
        try:
            if isinstance(wanted, events.Question):
                await self._decide(wanted)
            else:
                await self._input(wanted)
        except HuddleError as exc:
            self._refused = True
            self._screen.show(events.Error(exc.whose, exc.message, exc.hint))
            self._party.leave("it could not go on there")
        except Exception as exc:
            self._party.fail(exc)

    def _is_past(self, wanted: events.Question | events.Input, epoch: int) -> bool:
        """Whether nobody needs the answer any more: new words came, or who wanted to come in has left."""
        if isinstance(wanted, events.Input):
            return False
        if wanted.what == "accept":
            return epoch != self._epoch
        known = self._standing.get(wanted.did)
        return wanted.what == "admit" and known is not None and known.state == "left"

    def _withdraw(self) -> None:
        """Take the present question back if it is past: who answers to old words accepts no new ones."""
        if self._asking is not None and self._asked is not None and self._is_past(*self._asked):
            self._asking.cancel()

    async def _decide(self, question: events.Question) -> None:
        match question.what:
            case "admit":
                await self._admit(question)
            case "accept" | "program":
                await self._accept(question)
            case "again":
                await self._again()

    async def _admit(self, question: events.Question) -> None:
        known = self._standing.get(question.did)
        policy = self._policy
        verdict = (
            policy.admit(question.did, known.standing if known else "new")
            if isinstance(policy, HostPolicy)
            else None
        )
        reason = "it lets in only whom it knows"
        if verdict is None:
            verdict = await self._yes(f"Let {clean(question.name)} in? [y/n] ")
            reason = "its person said no"
        if verdict:
            self._party.admit(question.did)
        else:
            self._party.refuse(question.did, reason)

    async def _accept(self, question: events.Question) -> None:
        if isinstance(self._policy, HostPolicy):
            verdict = self._policy.accept()
        else:
            host = self._standing.get(question.did)
            if question.what == "accept":
                self._first = self._proposed
            verdict = self._policy.accept(
                host.standing if host else "new", same=self._proposed == self._first
            )
        if verdict is None:
            if question.what == "accept":
                await self._hear()
            verdict = await self._read_and_accept()
        if verdict:
            self._party.accept()
        else:
            self._party.decline("they do not take part" if question.what == "accept" else "")

    async def _hear(self) -> None:
        """Ask who was heard saying the words; nobody becomes verified unheard."""
        others = [
            p
            for p in self._standing.values()
            if p.standing not in ("self", "verified") and p.pid is not None and p.state != "left"
        ]
        if not others:
            return
        names = {party.name.casefold(): party.did for party in others}
        choice = f"({listing([clean(party.name) for party in others])}; all; Enter for nobody) "
        prompt = f"Whom did you hear say these words? {choice}"
        while True:
            answer = (await self._line(prompt)).strip().casefold()
            whole = answer in names  # a name may have a comma in it
            said = {answer} if whole else {part.strip() for part in answer.split(",")} - {""}
            everybody = said == {"all"} and "all" not in names
            unknown = sorted(said - names.keys())
            if everybody or not unknown:
                break
            prompt = f"Nobody here is called {listing([clean(name) for name in unknown])}. Whom? {choice}"
        self._party.heard([did for name, did in names.items() if everybody or name in said])

    async def _read_and_accept(self) -> bool:
        while True:
            host = isinstance(self._policy, HostPolicy)
            ask = (
                "Start? [y/n/v = view the program] " if host else "Run this program here? [y/n/v = view it] "
            )
            answer = (await self._line(ask)).strip().casefold()
            if answer in ("y", "yes"):
                return True
            if answer in ("n", "no", ""):
                return False
            if answer in ("v", "view") and isinstance(self._screen, View):
                for _ in self._screen.files(self._party.files):
                    await self._pace.turn()

    async def _again(self) -> None:
        answer = await self._answer("Enter: run it once more with the same people;  q: end  ")
        if answer is not None and answer.strip().casefold() in ("", "y", "r"):
            self._party.again()
        else:  # also where nobody is there to type
            self._party.finish()

    async def _input(self, wanted: events.Input) -> None:
        """Give the program the next line; give up when its run is over."""
        if wanted.run != self._run or self._input_over.is_set():
            return
        self._screen.rest()
        line = asyncio.create_task(self._keys().line())
        over = asyncio.create_task(self._input_over.wait())
        try:
            await asyncio.wait({line, over}, return_when=asyncio.FIRST_COMPLETED)
            if line.done():
                self._party.type_line(line.result())
        finally:
            line.cancel()
            over.cancel()

    async def _yes(self, prompt: str) -> bool:
        return (await self._line(prompt)).strip().casefold() in ("y", "yes")

    async def _line(self, prompt: str) -> str:
        return await self._answer(prompt) or ""

    async def _answer(self, prompt: str) -> str | None:
        """What the person typed; None where nothing can be typed any more."""
        keyboard = self._keys()
        keyboard.forget_typed_ahead()
        self._screen.ask(prompt)
        try:
            line = await keyboard.line()
        except asyncio.CancelledError:
            self._screen.answered(withdrawn=True)
            raise
        self._screen.answered()
        return line

    def _keys(self) -> Keyboard:
        if self._keyboard is None:
            self._keyboard = Keyboard()
        return self._keyboard
