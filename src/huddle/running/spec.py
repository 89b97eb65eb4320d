"""What a runner is to run, how it ended and who watches it, natively and in a browser; knows no process."""

import argparse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from huddle.errors import HuddleError, LocalError, PeerError, ProgramError
from huddle.running.interpreter import Interpreter
from huddle.running.limits import RunLimits
from huddle.running.reports import ExitReport
from huddle.running.standstill import Row


@dataclass(frozen=True, slots=True)
class RunnerSpec:
    """What to run: `entry` in `directory` (absolute), with `args`, the shared ones and then one's own.

    `names` are those of all parties by pid; `flags` are MPyC's (`--mix32-64bit`, `--no-prss`); `max_queue`
    ends the program when more bytes than this wait for one peer (0: never). `inputs` are the private files
    and directories that are to be readable in `directory`, each with its path there; a sandbox mounts them,
    without one the caller links them. The program starts in the folder `workdir` of `directory`.
    `environment` are variables that its person gives the program.
    In a sandbox the program has a copy of `directory`, to which what it wrote comes back when it has ended,
    and no more than `limits`.
    """

    interpreter: Interpreter
    directory: Path
    entry: str
    pid: int
    names: tuple[str, ...]
    args: tuple[str, ...] = ()
    threshold: int | None = None
    flags: tuple[str, ...] = ()
    max_queue: int = 0
    sandboxed: bool = False
    inputs: tuple[tuple[str, Path], ...] = ()
    workdir: str = ""
    environment: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    limits: RunLimits = field(default_factory=RunLimits)


@dataclass(frozen=True, slots=True)
class RunnerExit:
    """How a runner ended. `code` is None where a signal ended it; `culprit` is the pid of the party at fault.

    `reason` is empty only if all went well; `stopped` says that this party ended it.
    """

    code: int | None
    signal: int | None = None
    reason: str = ""
    culprit: int | None = None
    stopped: bool = False

    def error(self, names: tuple[str, ...]) -> HuddleError | None:
        """The error to show, or None where the program finished well."""
        if not self.reason:
            return None
        if self.culprit is not None:
            return PeerError(self.reason, peer=names[self.culprit])
        if self.stopped:
            return LocalError(self.reason)
        return ProgramError(f"the program failed: {self.reason}", hint="its own output above says more")


class Watcher(Protocol):
    """Whoever wants to know what the runner does."""

    def output(self, stream: str, text: str) -> None:
        """The program wrote this; `stream` is stdout or stderr."""
        ...

    def input(self, waiting: bool, hidden: bool = False) -> None:
        """The program begins to wait for a line, or no longer does."""
        ...

    def still(self, row: Row | None) -> None:
        """The program can't go on by itself, with these counts; None: nor by what peers send."""
        ...


def judged(report: ExitReport, code: int) -> RunnerExit:
    """How a program ended that exited with this code, by the report of its runner, which may lie."""
    reason = report.reason or (f"it exited with code {code}" if code else "")
    return RunnerExit(code, None, reason, report.peer if reason else None)


def check_arguments(shared: tuple[str, ...], private: tuple[str, ...] = ()) -> None:
    """Raise LocalError at options of MPyC's that would take a program out of its session.

    Nobody may say by which ports and with whom MPyC connects; what all parties must agree on nobody
    may say privately.
    """
    connect = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    agree = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    for parser in (connect, agree):
        for names in (("-C", "--config"), ("-P",), ("-I", "--index"), ("-B", "--base-port"), ("--ssl",)):
            parser.add_argument(
                *names, dest=names[-1], nargs="?" if names != ("--ssl",) else 0, action=_Refuse
            )
    for names in (("-T", "--threshold"), ("-L", "--bit-length"), ("-K", "--sec-param")):
        agree.add_argument(*names, dest=names[-1], nargs="?", action=_Refuse)
    for name in ("--no-prss", "--mix32-64bit", "--no-numpy", "--no-async", "--no-barrier"):
        agree.add_argument(name, nargs=0, action=_Refuse)
    connect.parse_known_args(shared)
    agree.parse_known_args(private)


class _Refuse(argparse.Action):
    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        raise LocalError(
            f"the program cannot have MPyC's option {option_string} here",
            hint="Huddle connects the parties; options that all must share are the host's to give",
        )
