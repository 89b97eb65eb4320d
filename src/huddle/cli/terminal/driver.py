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
from typing import TYPE_CHECKING, Any, cast

from huddle import events
from huddle.cli.errors import EXIT_CODES
from huddle.cli.policy import GuestPolicy, HostPolicy
from huddle.cli.program_source import ProgramSource
from huddle.cli.terminal.pace import Outlet, Pace
from huddle.cli.terminal.questions import LOBBY, Questions
from huddle.cli.terminal.screens import Screen
from huddle.errors import HuddleError, unexpected
from huddle.session.party import Party
from huddle.tasks import cancel

if TYPE_CHECKING:
    from huddle.cli.terminal.dealing import DealQuestions
    from huddle.session.classroom import Classroom


def _is_ours(error: BaseException) -> bool:
    frames = traceback.walk_tb(error.__traceback__)
    return any(frame.f_globals.get("__name__", "").startswith("huddle.") for frame, _ in frames)


# A question or a program that waits for input, and the epoch of the words that stood on the screen then.
_Wanted = tuple[events.Question | events.Input, int]


class Driver:
    """Answers the questions of one session.

    `finish` keeps what is to be kept and says what that is; `entered` is called when the room was entered;
    `outlet` is where the screen writes to; `source` is where a host's program comes from. `deals`: a class.
    """

    def __init__(
        self,
        party: "Party | Classroom",
        screen: Screen,
        policy: HostPolicy | GuestPolicy,
        finish: Callable[[], tuple[str, ...]],
        entered: Callable[[], None] = lambda: None,
        outlet: Outlet | None = None,
        source: ProgramSource | None = None,
        deals: bool = False,
    ) -> None:
        self._party = party
        self._screen = screen
        self._finish = finish
        self._entered = entered
        self._pace = Pace(outlet)
        self._questions: Questions | DealQuestions
        if deals:
            from huddle.cli.terminal import dealing  # only who hosts a class waits for it

            self._questions = dealing.DealQuestions(cast("Classroom", party), screen, policy)
        else:
            self._questions = Questions(cast(Party, party), screen, policy, self._pace.turn, source)
        self._stands = isinstance(policy, HostPolicy) and policy.standing
        self._gathering = False  # people come, and the host may change things
        self._wanted: asyncio.Queue[_Wanted] = asyncio.Queue()
        self._asked: _Wanted | None = None
        self._asking: asyncio.Task[None] | None = None
        self._epoch = 0  # of the words that stand on the screen
        self._run = 0  # the number of the present run, or the last
        self._input_over = asyncio.Event()
        self._stopping = False
        self._last: events.Event | None = None
        self._refused = False  # what was asked here could not be decided

    async def run(self) -> int:
        """Until the session has ended; the exit code, see `huddle.cli.errors`."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._interrupt(number))
        before = loop.get_exception_handler()
        loop.set_exception_handler(self._failed_somewhere)
        await self._screen.begin(self._interrupt(signal.SIGINT))
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
            loop.set_exception_handler(before)
            await cancel(asker, ticker, self._asking)
            await self._screen.end()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)
        return code

    async def _tick(self) -> None:
        while self._screen.every:
            await asyncio.sleep(self._screen.every)
            if not self._pace.behind:
                self._screen.tick()

    def _note(self, event: events.Event) -> None:
        self._last = event
        match event:
            case events.Party(standing="self") if not self._questions.knows(event.did):
                self._keep(self._entered)
            case events.Sealed():
                # At once: who ends otherwise than in order would have lost what others keep of the meeting.
                self._keep(self._finish)
            case events.Words() | events.Restarted():
                self._epoch = event.epoch
                # After a sealed session the host's lobby is ready when the new invitation is.
                self._gather(isinstance(event, events.Restarted) and event.epoch > 0)
            case events.Invitation():
                self._gather(True)
            case events.Question():
                self._want(event)
            case events.Input(waiting=True):
                self._wanted.put_nowait((event, self._epoch))
            case events.Run(state="started"):
                self._run, self._stopping = event.run, False
                self._input_over.clear()
                self._keep_so_far()
            case events.Run():
                self._input_over.set()
                self._keep_so_far()
        for question in self._questions.note(event):
            self._want(question)
        self._withdraw()

    def _want(self, question: events.Question) -> None:
        """Have the person asked, unless it is settled without them."""
        try:
            settled = self._questions.settle(question)
        except Exception as exc:
            self._party.fail(exc)
        else:
            if not settled:
                self._wanted.put_nowait((question, self._epoch))

    def _gather(self, now: bool) -> None:
        self._gathering = now and self._stands
        if self._gathering and self._wanted.empty():
            self._wanted.put_nowait((LOBBY, self._epoch))

    def _keep(self, keep: Callable[[], object]) -> None:
        """Keep something; where that fails, so does the session."""
        try:
            keep()
        except (HuddleError, OSError) as exc:
            self._party.fail(exc)

    def _keep_so_far(self) -> None:
        """Keep what there would be of the record if this process were killed now."""
        if self._party.record is not None:
            try:
                self._finish()
            except (HuddleError, OSError) as exc:  # at the end it is tried once more
                self._screen.show(events.Notice(unexpected(exc).message))

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
                self._party.leave("left the session")

        return first

    async def _ask_all(self) -> None:
        while True:
            self._asked = await self._wanted.get()
            if not self._is_past(*self._asked):
                self._asking = asyncio.create_task(self._ask(self._asked[0]))
                await asyncio.wait({self._asking})
            for question in self._questions.freed():
                self._want(question)
            if self._gathering and self._wanted.empty():
                self._wanted.put_nowait((LOBBY, self._epoch))

    async def _ask(self, wanted: events.Question | events.Input) -> None:
        try:
            if isinstance(wanted, events.Question):
                await self._questions.decide(wanted)
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
        if wanted.what in ("accept", "program", "again"):
            return epoch != self._epoch  # a new ceremony has begun, even where all had signed
        if wanted == LOBBY and self._questions.stale:
            return True
        if wanted == LOBBY and not self._questions.held:
            return not self._gathering or not self._wanted.empty()
        return wanted.what == "admit" and self._questions.has_left(wanted.did)

    def _withdraw(self) -> None:
        """Take the present question back if it is past: who answers to old words accepts no new ones."""
        if self._asking is not None and self._asked is not None and self._is_past(*self._asked):
            self._asking.cancel()

    async def _input(self, wanted: events.Input) -> None:
        """Give the program the next line; give up when its run is over."""
        if wanted.run != self._run or self._input_over.is_set():
            return
        line = asyncio.create_task(self._screen.line())
        over = asyncio.create_task(self._input_over.wait())
        try:
            await asyncio.wait({line, over}, return_when=asyncio.FIRST_COMPLETED)
            if line.done():
                self._party.type_line(line.result())
        finally:
            line.cancel()
            over.cancel()
