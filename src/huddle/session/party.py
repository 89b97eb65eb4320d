"""A party: one person's session from its invitation to its end, with everything that belongs to it.

    party = Party(plan, …)                        a HostPlan or a GuestPlan
    async for event in party: ...                 what happens, ending with `Ended`
    party.admit(did), accept(), type_line(text), …    what the person decides

The one place where identity, rendezvous, ceremony, networks and runs are wired; each does its own work.
Iterating over the events runs the session. However it ends, all that it made is taken down first.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from huddle import events
from huddle.errors import HuddleError, unexpected
from huddle.identity.contacts import Contacts
from huddle.identity.keys import Identity
from huddle.session import gifts
from huddle.session.event_queue import EventQueue
from huddle.session.hosting import host
from huddle.session.joining import join
from huddle.session.plans import GuestPlan, HostPlan
from huddle.session.platform import Platform
from huddle.session.preparation import Preparation
from huddle.session.program import Program
from huddle.session.room_keeping import RoomKeeper
from huddle.session.settings import Settings
from huddle.session.stages import Stages


class Party:
    """One party of one session. The person's decisions may come at any time; one too late does nothing."""

    def __init__(
        self,
        plan: HostPlan | GuestPlan,
        settings: Settings,
        identity: Identity,
        contacts: Contacts,
        *,
        surroundings: Platform | None = None,
        rooms: RoomKeeper | None = None,
    ) -> None:
        self._plan = plan
        self._events = EventQueue(self._hold_output, self.fail)
        self._leaving = ""
        self._broken: HuddleError | None = None
        self._begun = self._declined = False
        self._ending = False  # all is being taken down, which nothing may interrupt
        self._task: asyncio.Task[None] | None = None
        platform = surroundings or _machine()
        self._preparation = Preparation(platform, settings, self._notice, self.fail)
        self._stages = Stages(
            settings,
            identity,
            contacts,
            platform,
            self._emit,
            self._preparation,
            lambda: self._leaving,
            rooms,
        )

    @property
    def contacts(self) -> Contacts:
        """Whom this person knows, after the sealings so far."""
        return self._stages.contacts

    @property
    def record(self) -> bytes | None:
        """What is to be kept of the session now, where a record was wanted.

        Until all have signed it is unfinished, signed by this party alone: what there is should it be killed.
        """
        return self._stages.record

    def __aiter__(self) -> AsyncGenerator[events.Event, None]:
        """Run the session; what happens, in order. The last event is `Ended`."""
        return self._run()

    async def _run(self) -> AsyncGenerator[events.Event, None]:
        self._task = asyncio.create_task(self._main(), name="session")
        try:
            while True:
                event = await self._events.get()
                yield event
                if isinstance(event, events.Ended):
                    return
        finally:
            self.leave("left the session")
            await asyncio.gather(self._task, return_exceptions=True)

    # --- what the person decides

    @property
    def running(self) -> bool:
        """Whether a program runs now."""
        return self._stages.together is not None and self._stages.together.execution is not None

    @property
    def files(self) -> Mapping[str, bytes]:
        """The files of the program that is proposed or runs."""
        if self._stages.together is not None:
            return self._stages.together.files
        return self._stages.meeting.files if self._stages.meeting is not None else {}

    def admit(self, did: str) -> None:
        """Let a waiting guest in."""
        if self._stages.meeting is not None:
            self._stages.meeting.admit(did)

    def seat(self, did: str) -> None:
        """Give a waiting guest a seat, and decide by `accept`, with the words on the screen."""
        if self._stages.meeting is not None:
            self._stages.meeting.seat(did)

    def refuse(self, did: str, reason: str) -> None:
        """Turn a guest away, before the sealing; one who knocks again is asked about again."""
        if self._stages.meeting is not None:
            self._stages.meeting.refuse(did, reason)

    def heard(self, dids: Iterable[str]) -> None:
        """The person heard these parties say the words: they are verified contacts once it is sealed."""
        self._stages.heard.update(dids)

    @property
    def private_args(self) -> tuple[str, ...]:
        """The arguments that this person alone gives the program."""
        return self._stages.settings.private_args

    @property
    def inputs(self) -> tuple[tuple[str, Path], ...]:
        """The private files that this person gives the program: where it finds each, and where it is."""
        return self._stages.settings.named_inputs

    def give(self, private_args: tuple[str, ...], inputs: tuple[tuple[str, Path], ...]) -> None:
        """What the program gets from this person alone, in runs to come; `inputs` as the property says."""
        self._stages.settings = self._stages.settings.giving(private_args, inputs)
        if (together := self._stages.together) is not None:
            together.context = replace(together.context, settings=self._stages.settings)

    def accept(self) -> None:
        """Take part: with this roster and program, or in the further run that is proposed."""
        if self._stages.together is not None:
            self._stages.together.answer(True, "")
        elif self._stages.meeting is not None:
            self._stages.meeting.accept()

    def differ(self) -> None:
        """The person sees other words than the others: all are told so, and new words follow."""
        if self._stages.together is None and self._stages.meeting is not None:
            self._stages.meeting.differ()

    def not_now(self, reason: str) -> None:
        """Take no part in what is proposed, and stay: the host can propose again, or another thing."""
        if self._stages.together is not None:
            self._stages.together.answer(False, reason)
        elif self._stages.meeting is not None:
            self._stages.meeting.not_now(reason)

    def propose(self) -> None:
        """The host: go on from the lobby, as soon as all are here; LocalError where nobody else is."""
        if self._stages.together is None and self._stages.meeting is not None:
            self._stages.meeting.propose()

    def change(self, program: Program | None = None, parties: int | None = None) -> None:
        """The host, until the start: another program, or number of parties; nobody has to join anew."""
        if self._stages.together is None and self._stages.lobby is not None:
            self._stages.lobby.change(program, parties)

    def new_code(self) -> None:
        """The host, until the start: another short code for the free seats; LocalError where none is free."""
        if self._stages.together is None and self._stages.lobby is not None:
            self._stages.lobby.new_code()

    def decline(self, reason: str) -> None:
        """Do not take part."""
        if self._stages.together is not None:
            self._stages.together.answer(False, reason)
        else:
            self.leave(reason, declined=True)

    def again(self, program: Program | None = None) -> None:
        """The host: one more run, of another program or the same one."""
        if self._stages.together is not None:
            self._stages.together.again(program)

    def finish(self) -> None:
        """The host: no more runs; the session ends in order, and well if all runs did."""
        if self._stages.together is not None:
            self._stages.together.finish()

    def type_line(self, line: str | None) -> None:
        """A line for the program; None: there is no more input."""
        if self._stages.together is not None and self._stages.together.execution is not None:
            self._stages.together.execution.type_line(line)

    def say(self, text: str) -> None:
        """A line for all parties to read."""
        if self._stages.together is not None:
            self._stages.together.say(text)

    def stop_run(self, *, well: bool = False) -> None:
        """End the present run, not the session; `well`: what was started by hand in its place is over."""
        if self._stages.together is not None and self._stages.together.execution is not None:
            self._stages.together.execution.stop(well=well)

    def leave(self, reason: str, *, declined: bool = False) -> None:
        """End the session for this party; everything is taken down in order."""
        if self._task is not None and not self._task.done() and not self._leaving:
            self._leaving = reason
            self._declined = declined
            if declined and self._stages.meeting is not None:
                self._stages.meeting.decline(reason)
            if self._begun and not self._ending:
                self._task.cancel()

    def fail(self, error: BaseException) -> None:
        """End the session because of what nobody expected, wherever that was noticed."""
        if self._task is not None and not self._task.done() and self._broken is None:
            self._broken = unexpected(error)
            self.leave("Huddle failed there")

    # --- the order of things

    async def _main(self) -> None:
        reason, clean = "The session has ended.", False
        self._begun = True
        try:
            async with AsyncExitStack() as stack:
                try:
                    if self._leaving:
                        raise asyncio.CancelledError
                    if isinstance(self._plan, HostPlan):
                        clean = await host(self._stages, self._plan, stack)
                    else:
                        clean = await join(self._stages, self._plan, stack, self)
                finally:
                    self._ending = True
                    await self._preparation.end()
        except asyncio.CancelledError:
            reason = "You declined to take part." if self._declined else "You left the session."
        except Exception as exc:
            # The one place where an exception that nobody foresaw becomes an error that a person can read.
            self._broken = self._broken or unexpected(exc)
        if (error := self._broken) is not None:
            clean = False
            self._emit(events.Error(error.whose, error.message, error.hint, getattr(error, "peer", "")))
            reason = (
                "The session has ended with an error." if self._stages.sealed else "No session was started."
            )
        self._emit(events.Ended(reason, clean))

    def _notice(self, text: str) -> None:
        self._emit(events.Notice(text))

    def _emit(self, event: events.Event) -> None:
        self._preparation.note(event, self.files)
        if isinstance(event, events.Restarted):
            self._stages.heard.clear()  # who was heard said other words than those that follow
        if isinstance(event, events.Question) and event.what in ("accept", "program"):
            if text := gifts.told(self._stages.settings, self.files):
                self._emit(events.Notice(text))
        if self._stages.group is not None and self._stages.group.handles(event):
            return
        self._events.put(event)

    def _hold_output(self, behind: bool) -> None:
        if self._stages.together is not None and self._stages.together.execution is not None:
            self._stages.together.execution.hold_output(behind)


def _machine() -> Platform:
    from huddle.session.native_platform import NativePlatform  # what it imports is not there in a browser

    return NativePlatform()
