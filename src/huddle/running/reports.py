"""What a runner may say to its supervisor, natively and in a browser: the word of a stranger's program.

    report = {"input": bool}                                        it begins to wait for a line, or goes on
           | {"input": true, "hidden": true}                        it waits for one that is not shown
           | {"still": [[pid, U64, U64, bool, bool], ...]}          only a peer can move it; see Counts
           | {"still": null}                                        nothing at all could
           | {"replaced": bool}                                     another program takes its place; goes on
           | {"exit": 0..255, "reason": text, "peer": pid | null}   how it ended; nothing comes after it

    idle --{"input": true}--> waiting --{"input": false}, after a line was sent--> idle --{"exit"}--> ended

Each is one JSON object of at most `LONGEST` bytes. A `ReportReader` takes them in order; anything else raises
`ReportError`, and the caller ends the run and names the program. So a program can report no more often than
its person types, but for `still`, of which only the last one counts. Knows no sockets, ports or processes.
"""

import json
from collections.abc import Container
from dataclasses import dataclass
from typing import Any

from huddle.running.standstill import Counts, Row

LONGEST = 1 << 16  # bytes of one report: 1,000 characters are 12,000 bytes where JSON escapes each of them
REASON = 1_000  # characters of a reason, which stands in one line on the person's screen


class ReportError(ValueError):
    """What came is no report. The text holds nothing of it."""


@dataclass(frozen=True, slots=True)
class InputReport:
    """The program begins to wait for a line (`waiting`), or no longer does; `hidden`: for a secret."""

    waiting: bool
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class ExitReport:
    """The program ended with this exit code; `peer` is the pid of the party that it blames.

    `reason` is one printable line, or empty.
    """

    code: int
    reason: str
    peer: int | None = None


@dataclass(frozen=True, slots=True)
class StillReport:
    """The program can't go on by itself; where `row` is None, not even by what its peers send."""

    row: Row | None


@dataclass(frozen=True, slots=True)
class ReplacedReport:
    """Another program takes the place of this one (`gone`), or has done so and goes on with the session."""

    gone: bool


Report = InputReport | ExitReport | StillReport | ReplacedReport


class ReportReader:
    """Reads one runner's reports; `peers` are the pids that it may blame."""

    def __init__(self, peers: Container[int]) -> None:
        self.ended: ExitReport | None = None  # the last report
        self._peers = peers
        self._waiting = self._replaced = False
        self._lines = 0  # that were sent and for which it has not said yet that it goes on

    def line_sent(self) -> None:
        """The program was sent a line, or the end of its input: it may go on."""
        self._lines += 1

    def read(self, text: bytes | str) -> Report:
        """The next report; raises ReportError where this is none, or where it can't come now."""
        report = _parsed(text, self._peers)
        if self.ended is not None:
            raise ReportError("a report after the last one")
        if isinstance(report, ExitReport):
            self.ended = report
        elif isinstance(report, StillReport):
            return report
        elif isinstance(report, ReplacedReport):
            if report.gone is self._replaced:
                raise ReportError("the same report twice")
            self._replaced = report.gone
        elif report.waiting is self._waiting:
            raise ReportError("the same report twice")
        elif not report.waiting and not self._lines:
            raise ReportError("an answer that nobody gave")
        else:
            self._waiting = report.waiting
            self._lines -= not report.waiting
        return report


def _parsed(text: bytes | str, peers: Container[int]) -> Report:
    if len(text) > LONGEST:
        raise ReportError("a report that is too long")
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise ReportError("no JSON object") from None
    match value:
        case {"input": bool(waiting)} if len(value) == 1:
            return InputReport(waiting)
        case {"input": True, "hidden": True} if len(value) == 2:
            return InputReport(True, hidden=True)
        case {"exit": int(code), "reason": str(reason), "peer": None | int() as peer} if len(value) == 3:
            if type(code) is not int or not 0 <= code <= 255:
                raise ReportError("an exit code that no program has")
            if peer is not None and (type(peer) is not int or peer not in peers):
                raise ReportError("a peer that is not there")
            return ExitReport(code, _line(reason), peer)
        case {"replaced": bool(gone)} if len(value) == 1:
            return ReplacedReport(gone)
        case {"still": None} if len(value) == 1:
            return StillReport(None)
        case {"still": list(rows)} if len(value) == 1:
            return StillReport(_row(rows, peers))
    raise ReportError("something other than a report")


def _row(rows: list[Any], peers: Container[int]) -> Row:
    found: dict[int, Counts] = {}
    for row in rows:
        match row:
            case [int(pid), int(written), int(read), bool(ended), bool(awaited)]:
                if bool in (type(pid), type(written), type(read)) or pid not in peers or pid in found:
                    raise ReportError("counts of nobody")
                if not (0 <= written < 1 << 64 and 0 <= read < 1 << 64):
                    raise ReportError("counts that nobody has")
                found[pid] = Counts(written, read, ended, awaited)
            case _:
                raise ReportError("something other than counts")
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a key stands there twice")
    return dict(pairs)


def _refuse(_constant: str) -> None:
    raise ValueError("JSON has no such number")


def _line(text: str) -> str:
    """The text as one line that any terminal can show."""
    return "".join(letter if letter.isprintable() else " " for letter in text[:REASON]).strip()
