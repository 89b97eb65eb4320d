"""What all agree to run: the first program where its files follow the sealing, and what is proposed later.

An `Agreement` is one proposal; this is their order, as a host or a guest sees it, and the person's answers.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from huddle import events
from huddle.ceremony.lookalikes import lookalikes
from huddle.ceremony.manifest import Manifest, ManifestError, read
from huddle.ceremony.sealed import Sealed
from huddle.errors import HuddleError, LocalError, PeerError
from huddle.session import control_messages as control
from huddle.session.agreement import Agreement
from huddle.session.context import PartyContext
from huddle.session.peers import PeerMonitor
from huddle.session.plans import RunRequest
from huddle.session.program import Program
from huddle.session.proposal_told import program_event
from huddle.session.tasks import unless_failed


class RunAgreements:
    """The agreements of one sealed session. `files` are those of the run that was agreed to last.

    `broken` says why the session can't go on, if it can't; `end` or a later message tells when that changes.
    """

    def __init__(
        self,
        sealed: Sealed,
        context: PartyContext,
        group: PeerMonitor,
        broken: Callable[[], HuddleError | None],
    ) -> None:
        self.files: dict[str, bytes] = sealed.files
        self.program: Program | None = None  # the host's, where another one than the first was run
        self._last_files = sealed.files  # of the last run
        self._sealed = sealed
        self._context = context
        self._group = group
        self._broken = broken
        # Of each peer the last that was about a run which is not known, or does not run, here yet.
        self._early: dict[int, control.Answer] = {}
        self._first = self._on(sealed.manifest) if sealed.options.files_follow else None
        self._now = self._first
        self._proposed_run = sealed.manifest.run
        self._over = False  # no run will follow
        self._next: RunRequest | Agreement | None = None
        self._news = asyncio.Event()
        self._decision: asyncio.Future[tuple[bool, str]] | None = None

    @property
    def under_way(self) -> bool:
        """Whether something is proposed that not all have answered."""
        return self._now is not None

    # --- what is agreed

    async def first(self, contents: Mapping[str, bytes]) -> bool:
        """Whether all agree to the first run; guests have its files then. `contents` are the host's."""
        return self._first is None or await self._agree(self._first, contents)

    def runs(self) -> None:
        """What was agreed to last runs now."""
        self._last_files = self.files

    async def following(self, manifest: Manifest) -> Manifest | None:
        """The next run that all agree to, or None when the session ends. `manifest` is the last one's."""
        while True:
            if self._is_host and self._next is None:
                self._context.emit(events.Question("again"))
            wanted = await self._wish()
            if wanted is None:
                return None
            mine: Mapping[str, bytes] = {}
            if isinstance(wanted, RunRequest):
                try:
                    proposed, mine = self._propose(manifest, wanted.program)
                except LocalError as error:
                    self._context.emit(events.Error(error.whose, error.message, error.hint))
                    continue
                self._now = wanted = self._on(proposed)
            manifest = replace(manifest, run=wanted.manifest.run)
            if await self._agree(wanted, mine):
                return wanted.manifest
            if self._broken() is not None:
                return None

    async def unless_broken[T](self, work: Awaitable[T], agreement: Agreement | None = None) -> T:
        """The result, or the error of the peer without whom it will never come, or is of no use."""
        task = asyncio.ensure_future(work)
        try:
            return await unless_failed(
                task,
                self._news,
                lambda: self._broken() or (agreement.error if agreement is not None else None),
            )
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    # --- the person's decisions

    def answer(self, accept: bool, reason: str) -> None:
        """Accept or decline the run that is proposed."""
        if self._decision is not None and not self._decision.done():
            self._decision.set_result((accept, reason))

    def again(self, program: Program | None) -> None:
        """The host: one more run, of another program or of the same; LocalError at a guest."""
        if not self._is_host:
            raise LocalError("Only the host proposes a run.", hint="Ask the host.")
        self._next = RunRequest(program)
        self.program = program or self.program
        self._news.set()

    def end(self) -> None:
        """No run will follow."""
        self._over = True
        self._news.set()

    # --- what peers say

    def proposed(self, message: control.RunProposal, untimely: str) -> PeerError | None:
        """The host proposes a run; what is wrong with that. `untimely` says why none may come now, if so."""
        host = self._sealed.roster[0].name
        try:
            manifest = read(message.manifest)
        except ManifestError as exc:
            return PeerError(f"{host} proposed a program that must not run: {exc}.", peer=host)
        if problem := self._objection(manifest, untimely):
            return PeerError(f"{host} proposed {problem}.", peer=host, hint=f"Ask {host} why.")
        if self._now is not None:
            self._now.fail(PeerError(f"{host} proposed another program.", peer=host))
        # At once, since the files follow right behind the proposal.
        self._proposed_run = manifest.run
        self._now = self._next = self._on(manifest)
        self._news.set()
        return None

    def take(self, pid: int, message: control.FilePart | control.FilesDone | control.Answer) -> None:
        """A peer's part in an agreement; an answer may come before the proposal."""
        if self._now is not None and self._now.manifest.run == message.run:
            self._now.take(pid, message)
            self._news.set()
        elif isinstance(message, control.Answer):
            self._early[pid] = message

    def fail(self, error: HuddleError) -> None:
        """Nobody will agree to what is proposed."""
        if self._now is not None:
            self._now.fail(error)
            self._news.set()

    # --- inside

    @property
    def _is_host(self) -> bool:
        return self._sealed.pid == 0

    def _objection(self, manifest: Manifest, untimely: str) -> str:
        """What is wrong with a further run, beyond what any manifest may say; empty where nothing is."""
        first = self._sealed.manifest
        if manifest.session != self._sealed.digest:
            return "a program of another session"
        if untimely:
            return untimely
        if manifest.run != self._proposed_run + 1:
            return f"run {manifest.run} after run {self._proposed_run}"
        if manifest.flags != first.flags or manifest.versions != first.versions:
            return "a run with other options or versions than all had agreed on"
        return ""

    async def _wish(self) -> RunRequest | Agreement | None:
        """What is to come next; None where nothing is, since somebody does not want it or has left."""
        while not self._over and self._next is None:
            self._news.clear()
            await self._news.wait()
        wish, self._next = self._next, None
        return None if self._over else wish

    def _propose(self, last: Manifest, program: Program | None) -> tuple[Manifest, Mapping[str, bytes]]:
        run, session = last.run + 1, self._sealed.digest
        if program is None:
            return last.for_run(session, run), self._last_files
        return program.manifest(last.flags, last.versions, session=session, run=run), program.files

    def _on(self, manifest: Manifest) -> Agreement:
        context = self._context
        agreement = Agreement(context.platform.crypto, context.identity, self._sealed, manifest)
        for pid, early in self._early.items():
            if early.run == manifest.run:
                agreement.take(pid, early)
        return agreement

    async def _agree(self, agreement: Agreement, mine: Mapping[str, bytes]) -> bool:
        """Let all agree to a run, whose files are then in `files`; False where somebody said no."""
        emit, confinement = self._context.emit, self._context.runtime.confinement
        try:
            if self._is_host:
                said = self._group.broadcast_all(Agreement.proposal(agreement.manifest, mine))
                await self.unless_broken(said)
                self.files = dict(mine)
                if agreement is not self._first:
                    emit(program_event(agreement.manifest, confinement))
                accept, reason = True, ""
            else:
                self.files = await self.unless_broken(agreement.files())
                accept, reason = await self._ask(agreement)
            self._group.broadcast(agreement.answer(accept, reason))
            if accept:
                await self.unless_broken(agreement.agreed())
            return accept
        except PeerError as error:
            if self._broken() is not None:
                raise
            emit(events.Error(error.whose, error.message, error.hint, error.peer))
            return False
        finally:
            if self._now is agreement:  # the host may have proposed another one meanwhile
                self._now = None

    async def _ask(self, agreement: Agreement) -> tuple[bool, str]:
        host, emit = self._sealed.roster[0], self._context.emit
        self._decision = asyncio.get_running_loop().create_future()
        emit(program_event(agreement.manifest, self._context.runtime.confinement))
        for text in lookalikes(self.files):
            emit(events.Notice(text))
        emit(events.Question("program", host.name, host.did))
        return await self.unless_broken(self._decision, agreement)
