"""What a runner may say to its supervisor, natively and in a browser: the word of a stranger's program.

    report = {"input": bool}                                        it begins to wait for a line, or goes on
           | {"exit": 0..255, "reason": text, "peer": pid | null}   how it ended; nothing comes after it

    idle --{"input": true}--> waiting --{"input": false}, after a line was sent--> idle --{"exit"}--> ended

Each is one JSON object of at most `LONGEST` bytes. A `ReportReader` takes them in order; anything else raises
`ReportError`, and the caller ends the run and names the program. So a program can report no more often than
its person types. Knows no sockets, ports or processes.
"""

import json
from collections.abc import Container
from dataclasses import dataclass
from typing import Any

LONGEST = 1 << 16  # bytes of one report: 1,000 characters are 12,000 bytes where JSON escapes each of them
REASON = 1_000  # characters of a reason, which stands in one line on the person's screen


class ReportError(ValueError):
    """What came is no report. The text holds nothing of it."""


@dataclass(frozen=True, slots=True)
class InputReport:
    """The program begins to wait for a line of input (`waiting`), or no longer does."""

    waiting: bool


@dataclass(frozen=True, slots=True)
class ExitReport:
    """The program ended with this exit code; `peer` is the pid of the party that it blames.

    `reason` is one printable line, or empty.
    """

    code: int
    reason: str
    peer: int | None = None


Report = InputReport | ExitReport


class ReportReader:
    """Reads one runner's reports; `peers` are the pids that it may blame."""

    def __init__(self, peers: Container[int]) -> None:
        self.ended: ExitReport | None = None  # the last report
        self._peers = peers
        self._waiting = False
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
        case {"exit": int(code), "reason": str(reason), "peer": None | int() as peer} if len(value) == 3:
            if type(code) is not int or not 0 <= code <= 255:
                raise ReportError("an exit code that no program has")
            if peer is not None and (type(peer) is not int or peer not in peers):
                raise ReportError("a peer that is not there")
            return ExitReport(code, _line(reason), peer)
    raise ReportError("something other than a report")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a key stands there twice")
    return dict(pairs)


def _refuse(_constant: str) -> None:
    raise ValueError("JSON has no such number")


def _line(text: str) -> str:
    """The text as one line that any terminal can show."""
    return "".join(letter if letter.isprintable() else " " for letter in text[:REASON]).strip()
