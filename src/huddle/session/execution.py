"""One run at all parties, as this one sees it: its own program, and what the others say of theirs.

    started -> own program ends -> everybody's outcome is here -> finished
           \\-> own program fails, a peer's fails, a peer is gone, somebody stops it, it stalls -> failed

A run has finished only if it finished well everywhere. What is told to the others is that and why a
program failed, never what it printed. The run's data links are open for just as long as it lasts.
"""

import asyncio
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any, cast

from huddle import events
from huddle.ceremony.manifest import Flags, Manifest
from huddle.ceremony.messages import shorten
from huddle.errors import HuddleError, PeerError, unexpected
from huddle.links.wire import WireInfo
from huddle.networks.outsiders import OutsiderConfig, OutsiderLinks, command, ends
from huddle.running import output_files as results
from huddle.running.interpreter import Interpreter
from huddle.running.plain_run import PlainRun
from huddle.running.proxy import Proxy
from huddle.running.run import Run
from huddle.running.snapshot import Snapshot
from huddle.running.spec import RunnerExit, RunnerSpec
from huddle.running.standstill import Row
from huddle.session import control_messages as control
from huddle.session.by_hand import StartedByHand
from huddle.session.context import RunContext
from huddle.session.outcomes import STOPPED, Stopped, cause, speechless, stalled, told_of, told_to_others
from huddle.session.platform import ProgramRuntime
from huddle.session.progress import Progress
from huddle.session.run_stats import RunStats
from huddle.session.tasks import unless_failed, whole

STATS_EVERY = 1.0
LAST_WORDS = 5.0  # seconds for what a peer has sent before its part was over
EXPLANATION = 5.0  # seconds that a peer whose program ended early has to say why, on a slow phone too


class Execution:
    """One run of a sealed session."""

    def __init__(self, manifest: Manifest, contents: Mapping[str, bytes], context: RunContext) -> None:
        sealed, settings, ground = context.sealed, context.party.settings, context.runtime
        self.number = manifest.run
        self._contents = contents
        self._settings = settings
        self._keeper = context.links
        self._group = context.peers
        self._outcomes = context.outcomes
        self._emit = context.party.emit
        self._pid = sealed.pid
        self._names = tuple(member.name for member in sealed.roster)
        self._peers = [member.pid for member in sealed.roster if member.pid != sealed.pid]
        self._loop = asyncio.get_running_loop()
        self._error: HuddleError | None = None
        self._news = asyncio.Event()
        self._moved = self._loop.time()
        self._held = False  # the program waits for the screen
        self._warned = False  # that a peer's program has failed
        self._waits_for_others = False  # the program here is over
        self._manifest = manifest
        self._carried = context.carried
        self._plain = context.party.plain
        # Those of the peers that run plain MPyC: their data links are raw.
        self._ends = frozenset(ends(context.roles)) - {sealed.pid}
        self._spec = partial(
            RunnerSpec,
            entry=manifest.entry,
            pid=sealed.pid,
            names=self._names,
            args=(*manifest.args, *settings.private_args),
            threshold=manifest.flags.threshold,
            flags=_mpyc_flags(manifest.flags, ground),
            max_queue=settings.max_queue,
            sandboxed=ground.sandboxed,
            inputs=settings.named_inputs,
            workdir=manifest.workdir,
            environment=settings.environment,
            limits=settings.limits,
        )
        self._ground = ground
        self._surroundings = context.party.platform
        self.stats = RunStats(self.number, self._names, context.peers, context.outcomes, context.party)
        self._progress = Progress(self.number, self._pid, self._names, context.peers, context.outcomes)
        for pid, still in context.stills.items():
            self.still_came(pid, still)
        self._by_hand = StartedByHand(self.number, self._group, self._outcomes, self._notice)
        self._run: Run | Proxy | PlainRun | None = None

    @property
    def stopped(self) -> bool:
        """Whether the person here ended it."""
        return isinstance(self._error, Stopped)

    async def run(self) -> bool:
        """Run it to its end; whether it finished well everywhere. Leaves no process, file or link."""
        self._emit(events.Run(self.number, "started"))
        try:
            mounted = self._ground.sandboxed and not self._settings.by_hand
            given = () if mounted else self._settings.named_inputs
            with Snapshot(
                self._contents, given, folders=self._manifest.folders, carried=self._carried
            ) as snapshot:
                interpreter = await self._interpreter()
                error = await self._run_in(self._spec(interpreter, directory=snapshot.directory))
                if sys.platform != "emscripten":  # there the page has them, and there are no threads
                    await asyncio.to_thread(self._keep_results, snapshot)
        except (HuddleError, OSError) as failed:  # a full disk, too many open files
            error = unexpected(failed)
            self._tell_outcome(error)
        seconds = self.stats.seconds
        if error is None:
            self._emit(events.Run(self.number, "finished", seconds))
        else:
            peer = error.peer if isinstance(error, PeerError) else ""
            self._emit(
                events.Run(self.number, "failed", seconds, error.whose, peer, error.message, error.hint)
            )
        return error is None

    async def _interpreter(self) -> Interpreter:
        """The interpreter for this program; who stops the run meanwhile need not wait for its packages."""
        getting = self._surroundings.interpreter(
            self._settings, self._ground, self._manifest.entry, self._contents, self._notice
        )
        return await unless_failed(getting, self._news, lambda: self._error)

    def _notice(self, text: str) -> None:
        self._emit(events.Notice(text))

    def _keep_results(self, snapshot: Snapshot) -> None:
        """Keep what the program made, where its person wants it, and name it."""
        found = snapshot.results(target for target, _ in self._settings.named_inputs)
        if not found:
            return
        if self._carried is not None:
            results.carry(snapshot.directory, found, self._carried)
        target = self._settings.output
        kept = dict(results.keep(snapshot.directory, found, target) if target else ())
        files = tuple({"path": one.path, "size": one.size, "kept": kept.get(one.path, "")} for one in found)
        told = events.Results(self.number, files, str(target or ""), self._carried is not None)
        self._loop.call_soon_threadsafe(self._emit, told)

    def fail(self, error: HuddleError) -> None:
        """The run can't go on."""
        if self._error is None:
            self._error = error
            self._news.set()
            if self._run is not None:
                self._run.stop(error.message)

    def stop(self, *, well: bool = False) -> None:
        """The person ends the run; `well`: what they started by hand has done its part."""
        if well and isinstance(self._run, Proxy):
            self._run.finish()
        else:
            self.fail(Stopped("You stopped the run."))

    def type_line(self, line: str | None) -> None:
        """What the person typed for the program; None: there is no more."""
        if isinstance(self._run, Run):
            if line is None:
                self._run.close_stdin()
            else:
                self._run.send_line(line)

    def hold_output(self, behind: bool) -> None:
        """Take none of the program's output while the screen is behind."""
        self._held, self._moved = behind, self._loop.time()
        if isinstance(self._run, Run):
            self._run.hold(behind)

    def outcome_came(self, pid: int, outcome: control.Outcome) -> None:
        """A peer's part in some run is over."""
        if outcome.run != self.number:
            return
        self._outcomes[pid] = outcome
        if isinstance(self._run, PlainRun):
            self._run.ended(pid)
        self._news.set()
        if outcome.ok:
            return
        if isinstance(self._run, Run) and self._run.goes_on and outcome.reason != STOPPED:
            self._loop.call_later(LAST_WORDS, self._look_for_end, pid, not self.stats.has_been_linked(pid))
            # It may have all that it needs of that peer; if not, it will stand still.
            if self._warned:
                return
            self._warned = True
            reason = shorten(outcome.reason).removesuffix(".")
            self._emit(
                events.Notice(
                    f"The program of {self._names[pid]} has failed ({reason}). "
                    "The one here goes on for as long as it can without it."
                )
            )
        elif not self._waits_for_others:
            self.fail(self._told(pid, outcome))

    def peer_left(self, pid: int) -> None:
        """A peer whose part is over has left the session: all that it sent is here, or never comes."""
        self._loop.call_later(LAST_WORDS, self._look_for_end, pid, True)

    def _look_for_end(self, pid: int, unlinked: bool) -> None:
        """Where no link to that peer's program ever was, or is any more, its END can't come either."""
        run = self._run
        if unlinked and isinstance(run, Run) and run.goes_on and not run.channels[pid].peer_ended:
            name, outcome = self._names[pid], self._outcomes[pid]
            lost = PeerError(
                f"{name} has left, and not all that {name}'s program sent has arrived.", peer=name
            )
            self.fail(lost if outcome.ok else self._told(pid, outcome))

    def still_came(self, pid: int, still: control.Still) -> None:
        """A peer's program stands still."""
        self._progress.peer_still(pid, still)

    def signal_came(self, pid: int, signal: control.RunnerSignal) -> None:
        """What holds a peer's runner says something to what holds this one."""
        if signal.run == self.number and isinstance(self._run, Run):
            self._run.signal_came(pid, signal.data)

    def has_finished(self, pid: int) -> bool:
        """Whether that peer's part is over."""
        return pid in self._outcomes

    # --- the run itself

    async def _run_in(self, spec: RunnerSpec) -> HuddleError | None:
        here = not self._settings.plain_end
        opens = {pid: self._opening(pid) for pid in self._peers if here}
        run: Run | Proxy | PlainRun
        if not here:
            run = PlainRun(pid for pid in self._peers if pid not in self._ends)
            for pid in self._outcomes:
                run.ended(pid)
        elif self._settings.by_hand:
            run = Proxy(spec.pid, spec.names, opens, self, stays=self._settings.in_cells)
        else:
            run = Run(spec, opens, self, self._surroundings.start_runner)
        self._run = run
        ticker = asyncio.create_task(self._tick(run), name="stats")
        ticker.add_done_callback(self._ticked)
        error: HuddleError | None = None
        try:
            if self._error is not None:
                raise self._error
            self._by_hand.begins(run)
            await whole(run.start())
            if isinstance(run, Run):
                self._progress.run = run
            if isinstance(run, Proxy):
                self._tell_arguments(run, spec)
            elif isinstance(run, PlainRun):
                self._tell_plain(spec)
            exit_ = await run.wait()
            self._waits_for_others = True
            self._progress.close()
            self._group.set_state(self.number, control.IDLE)
            error = self._error or run.error or exit_.error(self._names)
            if self._error is None and error is not None:
                error = await self._explained(exit_, error)
            self._tell_outcome(error, None if isinstance(run, Proxy) else exit_)
            return error or await self._others()
        finally:
            ticker.cancel()
            await asyncio.gather(ticker, return_exceptions=True)
            self.stats.tell(run)
            self._progress.close()
            # Where somebody ended the run here, nobody waits for what is left of it.
            await whole(self._close(run, limit=0.5 if self._error is not None else 5.0))

    def _opening(self, pid: int) -> Any:
        """What opens the link to that peer: an `OpenLink` of the run's or the proxy's channels."""
        if pid in self._ends:
            return partial(cast(OutsiderLinks, self._plain).link, pid)
        return partial(self._keeper.open, pid, self.number)

    def _tell_plain(self, spec: RunnerSpec) -> None:
        """What the person needs who runs the program by plain MPyC."""
        part = cast(OutsiderConfig, self._plain)
        line = command(spec.pid, spec.entry, spec.args, part.addresses, _flags(spec))
        self._emit(events.Plain(part.configuration(), line, spec.interpreter.mpyc, self.number))

    def _tell_arguments(self, proxy: Proxy, spec: RunnerSpec) -> None:
        arguments = (*spec.args, *proxy.arguments, *_flags(spec))
        self._emit(events.Proxy(arguments, str(spec.directory), spec.entry, self.number))

    async def _close(self, run: Run | Proxy | PlainRun, limit: float) -> None:
        run.stop("the session ended")
        framed = [pid for pid in self._peers if pid not in self._ends]
        raw = cast(OutsiderLinks, self._plain)
        await asyncio.gather(
            *(self._keeper.close_link(pid, self.number, limit) for pid in framed),
            *(raw.close_link(pid, limit) for pid in self._ends if not self._settings.plain_end),
        )
        run.close()

    async def _others(self) -> HuddleError | None:
        """Wait until the parts of all others are over too, which may need what this one has sent."""
        while self._error is None and (missing := [pid for pid in self._peers if pid not in self._outcomes]):
            self._news.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), STATS_EVERY)
            for pid in missing:
                if self._group.finished_for(pid, self.number) > self._settings.grace:
                    self.fail(speechless(self._names[pid], self._settings.grace))
        failed = next((pid for pid, outcome in self._outcomes.items() if not outcome.ok), None)
        return self._error if failed is None else self._told(failed, self._outcomes[failed])

    async def _explained(self, exit_: RunnerExit, error: HuddleError) -> HuddleError:
        """Where a peer's early end ended this program, the peer itself knows better why."""
        pid = exit_.culprit
        if pid is None:
            return error
        with suppress(TimeoutError):
            async with asyncio.timeout(EXPLANATION):
                while pid not in self._outcomes and self._error is None:
                    self._news.clear()
                    await self._news.wait()
        outcome = self._outcomes.get(pid)
        if outcome is None:  # or somebody has left or failed meanwhile, which is why
            return self._error if isinstance(self._error, PeerError) else error
        return error if outcome.ok else self._told(pid, outcome)

    def _tell_outcome(self, error: HuddleError | None, exit_: RunnerExit | None = None) -> None:
        reason, culprit = "", None
        if error is not None:
            own = cause(exit_, self._contents) if self._error is None and exit_ is not None else ""
            reason = told_to_others(error, self._progress.hopeless or own)
        if isinstance(error, PeerError):
            culprit = self._group.pid_of(error.peer)
        self._group.broadcast(control.Outcome(self.number, error is None, reason, culprit))

    def _told(self, pid: int, outcome: control.Outcome) -> PeerError:
        return told_of(self._names[pid], self._group.blamed(pid, outcome.culprit), outcome.reason)

    # --- news of the run

    def run_output(self, stream: str, text: str) -> None:
        """The program printed."""
        self._moved = self._loop.time()
        self._emit(events.Output(stream, text, self.number))

    def run_input(self, waiting: bool, hidden: bool) -> None:
        """The program waits for the person, or no longer does."""
        self._group.set_state(self.number, control.INPUT if waiting else control.COMPUTING)
        self._moved = self._loop.time()
        self._emit(events.Input(waiting, self.number, hidden))

    def run_still(self, row: Row | None) -> None:
        """The program here stands still."""
        self._progress.own_still(row)

    def run_link(self, pid: int, info: WireInfo | None, reason: str) -> None:
        """A data link got or lost its wire."""
        self.stats.link(pid, info, reason)

    def run_signal(self, pid: int, data: bytes) -> None:
        """What holds the runner says something to what holds that peer's."""
        self._group.send(pid, control.RunnerSignal(self.number, data))

    def run_peer_ended(self, pid: int) -> None:
        """A peer's program is over; what it meant is in its outcome."""

    def proxy_connection(self, pid: int, there: bool) -> None:
        """The MPyC that was started by hand is connected for a peer, or no longer."""
        self._moved = self._loop.time()
        if there:
            self._by_hand.connected()

    def proxy_hung_up(self, seconds: float | None) -> None:
        """The MPyC that was started by hand has closed all connections, while others go on."""
        self._by_hand.hung_up(seconds)

    # --- progress

    def _ticked(self, ticker: asyncio.Task[None]) -> None:
        if not ticker.cancelled() and (error := ticker.exception()) is not None:
            self.fail(unexpected(error))

    async def _tick(self, run: Run | Proxy | PlainRun) -> None:
        last: tuple[int, ...] = ()
        while True:
            await asyncio.sleep(STATS_EVERY)
            self.stats.tell(run)
            moved = tuple(s.bytes_sent + s.bytes_received for s in run.stats().values())
            if moved != last:
                last, self._moved = moved, self._loop.time()
            self._progress.tick(self._moved)
            self._by_hand.tick(run)
            stall = self._settings.stall
            seen = not (isinstance(run, PlainRun) or self._held)
            if stall is not None and seen and self._loop.time() - self._moved > stall:
                self.fail(stalled(stall, self.stats.busy()))


def _mpyc_flags(flags: Flags, ground: ProgramRuntime) -> tuple[str, ...]:
    named = {"--no-prss": flags.no_prss, "--mix32-64bit": flags.mix32_64bit, "--no-numpy": not ground.numpy}
    return tuple(name for name, given in named.items() if given)


def _flags(spec: RunnerSpec) -> tuple[str, ...]:
    threshold = () if spec.threshold is None else ("-T", str(spec.threshold))
    return (*threshold, *spec.flags)
