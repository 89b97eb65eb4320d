"""A session after its sealing: the parties are linked, run programs together, and part.

    connect -> run 1 -> (host decides: another run, agreed by all -> run n)* -> part

Wires the control links (`PeerMonitor`), the agreements on runs (`RunAgreements`) and the runs themselves
(`Execution`); each of them has its one concern, this module only the order.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from huddle import events
from huddle.ceremony.manifest import Manifest
from huddle.ceremony.messages import shorten
from huddle.ceremony.sealed import Sealed
from huddle.errors import HuddleError, PeerError, unexpected
from huddle.links.wire import WireInfo
from huddle.networks.outsiders import Ports, ends
from huddle.running.scratch import Scratch
from huddle.session import control_messages as control
from huddle.session import numpy_agreement as arrays
from huddle.session.chat import ChatLines, chat
from huddle.session.context import PartyContext, RunContext
from huddle.session.execution import Execution
from huddle.session.linking import link_manager, offers_for
from huddle.session.outcomes import told_to_others
from huddle.session.peers import PeerMonitor
from huddle.session.platform import ProgramRuntime
from huddle.session.program import Program
from huddle.session.recorder import SessionRecorder
from huddle.session.regrouping import Regrouping
from huddle.session.run_agreements import RunAgreements
from huddle.session.run_stats import link_event

REPLACING = (
    "All have signed who takes part, and each pair has keys of its own: in this session nobody can take the"
    " place of {name}. A host at a terminal can go on with new words; else host again, and send the new link."
)


class SealedSession:
    """One party's side of a sealed session."""

    def __init__(self, sealed: Sealed, context: PartyContext) -> None:
        self.context = context
        self.sealed = sealed
        self.execution: Execution | None = None
        self.broken: HuddleError | None = None
        self._chronicle = SessionRecorder(context.platform.crypto, context.identity, sealed)
        # Unfinished until all have signed; in a tab nothing could be kept of it before the end.
        self._keeps = not context.platform.in_browser
        self._complete = False
        self.record = self._chronicle.so_far() if self._keeps else None
        self._networks = context.networks
        self._plain = context.plain
        self._roles = {member.pid: member.plain for member in sealed.roster}
        self._surroundings = context.platform
        self._ground = context.runtime
        self._identity = context.identity
        self._crypto = context.platform.crypto
        self._emit = context.emit
        self._standing = context.standing
        self._loop = asyncio.get_running_loop()
        self._outcomes: dict[int, control.Outcome] = {}
        self._carried: Scratch | None = None  # what runs leave for later ones
        self._stills: dict[int, control.Still] = {}
        self._chat = ChatLines(context.emit, self._loop.time)
        self._names = {member.pid: member.name for member in sealed.roster}
        self._peers = [member.pid for member in sealed.roster if member.pid != sealed.pid]
        self._keeper = link_manager(sealed, context.networks, context.platform.crypto)
        waits = context.settings.waits()
        self._group = PeerMonitor(sealed.roster, sealed.pid, self._keeper, self, **waits, now=self._loop.time)
        self.regrouping = Regrouping(
            self._group, self._names, host=sealed.pid == 0, may=context.lobby and sealed.pid == 0
        )
        self._arrays = arrays.NumpyAgreement(self._peers, self._group.broadcast)
        self._agreements = RunAgreements(sealed, context, self._group, lambda: self.broken)
        self._unsigned: HuddleError | None = None  # why there is no record of all
        self._ran = False  # a run has begun
        self._try_again = False  # the last run failed or was declined
        self._stopped_here = False  # its person stopped it

    @property
    def files(self) -> Mapping[str, bytes]:
        """Those of the program that all agreed to last."""
        return self._agreements.files

    @property
    def program(self) -> Program | None:
        """The host's, where another one than the first was run."""
        return self._agreements.program

    @property
    def is_host(self) -> bool:
        """Whether this party made the invitation."""
        return self.sealed.pid == 0

    # --- the order of things

    async def connect(self) -> None:
        """Link up with everybody; raises the error of the first peer that can't be reached."""
        for network in self._networks:
            network.begin(offers_for(self.sealed, network.name), self._keeper.accepted)
        self._prepare_links()
        linked = asyncio.create_task(self._group.connect())
        await self._agreements.unless_broken(linked)
        if self._plain is not None:
            mine = offers_for(self.sealed, self._plain.network)
            started = self._plain.start(self.sealed.pid, mine, self._roles, self._tell_forwards)
            await self._agreements.unless_broken(started)

    def _prepare_links(self) -> None:
        """The first run's links are made before it begins. In a page the program makes its own."""
        if not (self.context.platform.in_browser or self.context.settings.plain_end):
            for pid in set(self._peers) - set(ends(self._roles)):
                self._keeper.prepare(pid, self.sealed.manifest.run)

    def _tell_forwards(self, pid: int, ports: Ports) -> None:
        said = tuple(control.ForwardPort(to, port) for to, port in ports.items())
        self._group.send(pid, control.Forwards(said))

    async def run_all(self, contents: Mapping[str, bytes]) -> bool:
        """Run the first program and whatever follows; whether all runs finished well everywhere.

        `contents` are the first program's files, at the host; guests have them from the sealing, or get
        them now where they were too large for that.
        """
        well = await self._run_programs(contents)
        if self._chronicle.wanted and self.broken is None:
            try:
                self.record = await self._chronicle.sign(self._group.broadcast)
                self._complete = True
            except HuddleError as unsigned:
                self._unsigned = unsigned
                raise
        return well

    async def _run_programs(self, contents: Mapping[str, bytes]) -> bool:
        manifest = self.sealed.manifest
        well, agreed = True, await self._agreements.first(contents)
        while True:
            ended = agreed and await self._execute(manifest)
            well, agreed = ended and well, True
            self._try_again = not ended
            if self.broken is not None or not (self.sealed.options.stay or self._may_try_again()):
                return well
            following = await self._agreements.following(manifest)
            if following is None:
                return well
            manifest = following

    @property
    def is_cut_short(self) -> bool:
        """Whether somebody is lost without whom what was wanted can't be done."""
        if self.regrouping.over:
            return True
        wanted = self._try_again or self.sealed.options.stay
        stopped = self._stopped_here and self.is_host
        missed = self.regrouping.lost or self.regrouping.wanted
        return bool(missed) and not stopped and (wanted or isinstance(self.broken, PeerError))

    def _may_try_again(self) -> bool:
        """After a run that failed or was declined: guests wait for what the host does, who is asked."""
        stopped = self._stopped_here and self.is_host
        return self._try_again and not stopped and (self.context.lobby or not self.is_host)

    async def part(self, reason: str) -> None:
        """Say goodbye and close all links, when what was said has arrived."""
        try:
            if not (self.is_host and self.regrouping.over):  # who stays has heard where it goes on
                self._group.broadcast(self._farewell(reason))
            await self._group.close()
        finally:
            if not self._complete:
                self._keep_what_there_is(reason)
            if self._carried is not None:
                self._carried.remove()
            await self._keeper.close()

    def _keep_what_there_is(self, reason: str) -> None:
        """Where a record was wanted and all have not signed one, at least this party signs what it saw."""
        error = self.broken or self._unsigned
        left = f"{self._names[self.sealed.pid]}: {reason}" if reason else "it ended before all had signed"
        try:
            self.record = self._chronicle.cut_short(told_to_others(error, "") if error is not None else left)
        except Exception as problem:  # an agent that signs no more, say; all is taken down all the same
            reason = unexpected(problem).message
            self._emit(events.Notice(f"There is no record of this session: {reason}"))

    def _farewell(self, reason: str) -> control.Leave:
        if not reason and isinstance(self.broken, PeerError):
            return control.Leave(shorten(self.broken.message), self._group.pid_of(self.broken.peer))
        return control.Leave(shorten(reason) if reason else "")

    # --- the person's decisions

    def say(self, text: str) -> None:
        """A line for all parties to read; LocalError where it is too long."""
        self._group.broadcast(chat(text))

    def answer(self, accept: bool, reason: str) -> None:
        """Accept or decline the run that is proposed."""
        self._agreements.answer(accept, reason)

    def again(self, program: Program | None) -> None:
        """The host: one more run, of another program or of the same; LocalError at a guest."""
        self._agreements.again(program)

    def finish(self) -> None:
        """The host: no more runs."""
        self._agreements.end()

    # --- runs

    async def _execute(self, manifest: Manifest) -> bool:
        self._ran = True
        self._agreements.runs()
        context = RunContext(
            sealed=self.sealed,
            party=self.context,
            runtime=await self._common_ground(manifest),
            links=self._keeper,
            peers=self._group,
            outcomes={pid: one for pid, one in self._outcomes.items() if one.run == manifest.run},
            roles=self._roles,
            stills=self._stills,
            carried=self._carry_place(),
        )
        self.execution = Execution(manifest, self.files, context)
        execution, began, well = self.execution, time.time(), False
        self._note_so_far(manifest)
        try:
            if self.broken is not None:
                execution.fail(self.broken)
            well = await execution.run()
            self._stopped_here = execution.stopped
            return well
        finally:
            self._chronicle.note_run(manifest, began, well, execution.stats.last)
            self._note_so_far()
            if self._chronicle.wanted and not self.is_host:
                self._group.send(0, self._chronicle.paths())
            self.execution = None

    def _note_so_far(self, under_way: Manifest | None = None) -> None:
        """What is left of the record should this process be killed before more is known."""
        if self._keeps:
            self.record = self._chronicle.so_far(under_way)

    def _carry_place(self) -> Path | None:  # where what a run makes waits for the next one
        self._carried = self._carried or (Scratch("huddle-kept-") if self.context.settings.carry else None)
        return self._carried.path if self._carried else None

    async def _common_ground(self, manifest: Manifest) -> ProgramRuntime:
        """What the program runs on here: without numpy where somebody has none."""
        if not arrays.named(self.files):
            return self._ground
        here = True  # whoever runs plain MPyC by hand is told how when this is known, and may have anything
        if not self.context.settings.plain_end:
            looked = self._surroundings.has_numpy(self._ground, self.files)
            here = await self._agreements.unless_broken(looked)
        said = self._arrays.lacking(manifest.run, here)
        lacking = [self._names[pid] for pid in await self._agreements.unless_broken(said)]
        if lacking and here:
            self._emit(events.Notice(f"{' and '.join(lacking)} can't use numpy, so all run without it."))
        return replace(self._ground, numpy=here and not lacking)

    # --- what the group hears

    def group_message(self, pid: int, message: control.Message) -> None:  # noqa: C901 - one case a message
        if self.regrouping.over:
            return
        match message:
            case control.Lost():
                if (lost := self.regrouping.heard(pid, message)) is not None:
                    self._break(lost)
            case control.Regroup() if pid == 0 and not self.is_host:
                self._regroup(message)
            case control.Outcome():
                self._outcomes[pid] = message
                if self.execution is not None:
                    self.execution.outcome_came(pid, message)
            case control.RunnerSignal():
                if self.execution is not None:
                    self.execution.signal_came(pid, message)
            case control.Still():
                self._stills[pid] = message
                if self.execution is not None:
                    self.execution.still_came(pid, message)
            case control.Numpy():
                self._arrays.take(pid, message)
            case control.RunProposal() if pid == 0:
                if (wrong := self._agreements.proposed(message, self._untimely())) is not None:
                    self._break(wrong)
            case control.Answer() | control.FilePart() | control.FilesDone():
                self._agreements.take(pid, message)
            case control.Leave():
                self._left(pid, message)
            case control.Paths() | control.RecordDraft() | control.RecordSignature():
                self._chronicle.take(pid, message)
                if pid == 0 and isinstance(message, control.RecordDraft):
                    self._agreements.end()  # the host drafts it when no more runs are to come
            case control.Forwards():
                if self._plain is not None:
                    self._plain.forwarded(pid, {one.pid: one.port for one in message.ports})
            case control.Chat():
                self._chat.take(pid, self._names[pid], message.text)

    def group_connected(self, pid: int, info: WireInfo, again: bool) -> None:
        self._emit(link_event(self._names[pid], info, 0))
        if again:
            self._emit(events.Reconnect(self._names[pid], "restored"))
        else:
            self._party(pid, "connected", info.hint)

    def group_lost(self, pid: int, reason: str) -> None:
        self._emit(events.Reconnect(self._names[pid], "lost", reason))

    def group_silent(self, pid: int, silent: bool) -> None:
        grace = f"Gone after {self.context.settings.grace:.0f} s." if silent else ""
        self._party(pid, "silent" if silent else "connected", grace)

    def group_failed(self, pid: int, error: HuddleError) -> None:
        if self.regrouping.over:
            return
        self.regrouping.lose(pid, error.message)
        self._party(pid, "gone", error.message)
        self._break(error, pid)

    def _regroup(self, message: control.Regroup) -> None:
        wrong = self.regrouping.take(message, self.sealed.roster[0].did, self.context.rendezvous)
        self._break(wrong or PeerError(self.regrouping.reason, peer=self._names[0]))

    def group_broken(self, error: HuddleError) -> None:
        self._break(error)

    def _left(self, pid: int, leave: control.Leave) -> None:
        reason = shorten(leave.reason) if leave.reason else ""
        self._party(pid, "left", reason)
        self.regrouping.lose(pid, reason or "left the session")
        name, culprit = self._names[pid], self._group.blamed(pid, leave.culprit)
        finished = self.execution is None or self.execution.has_finished(pid)
        if self.execution is not None and finished:
            self.execution.peer_left(pid)
        if (self._ran or self._try_again) and finished and not self._agreements.under_way:
            self._agreements.end()
        else:
            left = f"{name} left the session"
            left = left if culprit == name else f"{name} left the session because of {culprit}"
            said = f"{left}: {reason}" if reason else left
            self._break(PeerError(said, peer=culprit, hint=REPLACING.format(name=name)))

    def _break(self, error: HuddleError, pid: int | None = None) -> None:
        """The session can't go on, because of that peer; a run goes on whose part there is over already."""
        self.broken = self.broken or error
        self._agreements.end()
        if self.execution is not None and not (pid is not None and self.execution.has_finished(pid)):
            self.execution.fail(error)
        self._agreements.fail(error)

    def _untimely(self) -> str:
        """Why the host may propose no run now; empty where it may."""
        # While the run still ends here, only its end tells whether another may follow (`_run_programs`).
        if not self.sealed.options.stay and not self._try_again and self.execution is None:
            return "one more run, though all had agreed on a single one"
        return "" if self._ran or self._try_again else "one more run before the first"

    # --- small things

    def _party(self, pid: int, state: str, detail: str = "") -> None:
        member = self.sealed.roster[pid]
        standing = self._standing(member.name, member.did)
        self._emit(events.Party(member.name, member.did, state, standing, pid, detail))
