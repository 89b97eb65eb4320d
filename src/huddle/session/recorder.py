"""What happened in a session, as this party saw it, and the record that all sign where they agreed to one.

    each guest, at the end of a run     Paths: its links to the parties above it
    the host, at the end                RecordDraft to all
    everybody                           compares it with what it saw itself; RecordSignature to all

Times are the host's. A party that saw other runs, outcomes or paths does not sign, and says so. Where the
session is cut short, each has what it saw itself, signed by itself (`huddle.record.unfinished`): also one
that is killed, for which it is made anew whenever a run begins or ends.
"""

import asyncio
import time
from collections.abc import Callable

from huddle import events
from huddle.ceremony.manifest import Manifest
from huddle.ceremony.messages import is_line, shorten
from huddle.ceremony.sealed import Sealed
from huddle.codec import DecodeError, decode, encode
from huddle.errors import HuddleError, LocalError, PeerError
from huddle.identity.crypto import Crypto
from huddle.identity.keys import Identity
from huddle.record.signed import (
    MAX_PATHS,
    MAX_RUNS,
    PathRecord,
    RecordError,
    RunRecord,
    SessionRecord,
    build,
    combine,
    sign,
)
from huddle.record.unfinished import write_unfinished
from huddle.session import control_messages as control

PATIENCE = 10.0  # seconds for all to sign; it takes no person
_SHARE = 400  # paths that one party tells of at most; those of still later runs are left out


class SessionRecorder:
    """The runs and paths of one session; `signed` is the record's file once all have signed."""

    def __init__(self, crypto: Crypto, identity: Identity, sealed: Sealed) -> None:
        self.wanted = sealed.options.record
        self._crypto = crypto
        self._identity = identity
        self._sealed = sealed
        self._began = int(time.time())
        self._most = min(_SHARE, MAX_PATHS // len(sealed.roster))
        self._runs: list[RunRecord] = []
        self._mine: list[PathRecord] = []
        self._theirs: list[PathRecord] = []
        self._draft: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._signatures: dict[int, bytes] = {}
        self._complete = asyncio.Event()
        self._told: dict[int, int] = {}  # by pid, of how many runs a guest has told its paths
        self._news = asyncio.Event()

    def so_far(self, under_way: Manifest | None = None) -> bytes | None:
        """What is to be kept now, in case that this process is killed; None where nothing is.

        Nor is it where a person might be asked for each signature: then there is one at the end alone.
        """
        if not self.wanted or self._identity.asks:
            return None
        now = int(time.time())
        began = [] if under_way is None else [RunRecord(encode(under_way), now, now, "not ended")]
        me = self._sealed.roster[self._sealed.pid].name
        return self._alone(shorten(_why(me)), [*self._runs, *began])

    def note_run(self, manifest: Manifest, began: float, well: bool, stats: events.Stats | None) -> None:
        """One run is over here. `began` is in Unix seconds."""
        if not self.wanted:
            return
        outcome = "finished" if well else "failed"
        # A clock that was set back in between must not make the record one that nobody signs.
        ended = max(int(began), int(time.time()))
        self._runs.append(RunRecord(encode(manifest), int(began), ended, outcome))
        for row in stats.peers if stats else ():
            if row["pid"] > self._sealed.pid and row["network"] and len(self._mine) < self._most:
                self._mine.append(
                    PathRecord(manifest.run, self._sealed.pid, row["pid"], row["network"], row["path"])
                )

    def paths(self) -> control.Paths:
        """This party's links to the parties above it, for the host."""
        return control.Paths(len(self._runs), tuple(self._mine))

    def take(self, pid: int, message: control.Paths | control.RecordDraft | control.RecordSignature) -> None:
        """A peer's part in the record."""
        match message:
            case control.Paths(run, paths) if self._sealed.pid == 0:
                self._told[pid] = run
                self._news.set()
                self._theirs = [path for path in self._theirs if path.lower != pid]
                # What could stand in no record is left out; then it is that guest who does not sign.
                self._theirs += [path for path in paths if path.lower == pid and self._possible(path)][
                    : self._most
                ]
            case control.RecordDraft(record) if pid == 0 and not self._draft.done():
                self._draft.set_result(record)
            case control.RecordSignature(signature):
                self._signatures[pid] = signature
                self._look()

    async def sign(self, broadcast: Callable[[control.Message], None]) -> bytes:
        """Make the record with all others; its file. Raises HuddleError where somebody does not sign."""
        if len(self._runs) > MAX_RUNS:
            raise _too_long(f"{len(self._runs)} runs, and it can hold {MAX_RUNS}")
        try:
            async with asyncio.timeout(PATIENCE):
                if self._sealed.pid == 0:
                    await self._all_told()
                    record = self._write(self._runs)
                    if len(record) > control.MAX_RECORD:
                        raise _too_long(f"{len(record)} bytes, and it can have {control.MAX_RECORD}")
                    broadcast(control.RecordDraft(record))
                else:
                    record = await self._draft
                    self._compare(record)
                signature = sign(self._crypto, self._identity, self._sealed, record)
                self._signatures[self._sealed.pid] = signature
                broadcast(control.RecordSignature(signature))
                self._look()
                await self._complete.wait()
            signatures = [self._signatures[member.pid] for member in self._sealed.roster]
            return combine(self._crypto, record, signatures)
        except TimeoutError:
            raise self._unsigned() from None
        except RecordError as exc:
            host = self._sealed.roster[0].name
            raise PeerError(
                f"There is no record: {exc}.", peer=host, hint="The runs are not concerned."
            ) from exc

    def cut_short(self, reason: str) -> bytes | None:
        """What was seen here until now, signed by this party alone; None where no record was wanted."""
        return self._alone(shorten(reason), self._runs) if self.wanted else None

    def _alone(self, reason: str, runs: list[RunRecord]) -> bytes:
        """These runs, signed by this party alone."""
        return write_unfinished(self._crypto, self._identity, self._sealed, self._write(runs), reason)

    async def _all_told(self) -> None:
        while self._behind():
            self._news.clear()
            await self._news.wait()

    def _behind(self) -> list[int]:
        """Of the host: the guests that have not told the paths of all runs."""
        guests = range(1, len(self._sealed.roster))
        return [pid for pid in guests if self._told.get(pid, 0) < len(self._runs)]

    def _possible(self, path: PathRecord) -> bool:
        known = path.lower < path.higher < len(self._sealed.roster)
        return known and is_line(path.network) and is_line(path.path)

    def _write(self, runs: list[RunRecord]) -> bytes:
        paths = sorted((*self._mine, *self._theirs), key=lambda one: (one.run, one.lower, one.higher))
        ended = max(self._began, int(time.time()))
        return build(self._sealed, started=self._began, ended=ended, runs=runs[:MAX_RUNS], paths=paths)

    def _compare(self, record: bytes) -> None:
        """Raise RecordError where the draft says something else than what was seen here."""
        try:
            draft = decode(SessionRecord, record)
        except DecodeError as exc:
            raise RecordError(f"the host's draft is damaged: {exc}") from exc
        seen = [(run.manifest, run.outcome) for run in self._runs]
        if [(run.manifest, run.outcome) for run in draft.runs] != seen:
            raise RecordError("the host's draft tells of other runs than there were here")
        if [path for path in draft.paths if path.lower == self._sealed.pid] != self._mine:
            raise RecordError("the host's draft tells of other paths than there were here")

    def _look(self) -> None:
        if len(self._signatures) == len(self._sealed.roster):
            self._complete.set()

    def _unsigned(self) -> HuddleError:
        roster = self._sealed.roster
        behind = self._behind() if self._sealed.pid == 0 else []
        missing = [roster[pid].name for pid in behind] or [
            member.name for member in roster if member.pid not in self._signatures
        ]
        return PeerError(
            f"There is no record: {' and '.join(missing)} did not sign it.",
            peer=missing[0],
            hint="The runs are not concerned; the others may have seen another outcome.",
        )


def _why(name: str) -> str:
    """Why a record ends where nobody could write it to its end."""
    return f"{name}'s Huddle ended before the session: it was killed, or its machine went down"


def _too_long(what: str) -> LocalError:
    return LocalError(
        f"There is no record: it would have {what}.",
        hint="The runs are not concerned. Make shorter sessions where a record is wanted.",
    )
