"""How a party's part of a run ended: what the others are told, and what is told here of theirs.

The others hear the cause, and nothing that is private.
"""

import re
from collections.abc import Mapping, Sequence

from huddle.ceremony.messages import shorten
from huddle.errors import HuddleError, LocalError, PeerError, ProgramError
from huddle.running.spec import RunnerExit

STOPPED = "stopped the run"  # which is meant for all: who stops a run stops it everywhere


class Stopped(LocalError):
    """The person here ended the run."""


def cause(exit_: RunnerExit, contents: Mapping[str, bytes]) -> str:
    """How a program ended, for the others: its own words may hold its private inputs, so they stay here.

    A module that it lacks is named where the program's files, which all have, name it too.
    """
    lacks = re.match(r"ModuleNotFoundError: No module named '(\w{1,80})[.'\w]*'", exit_.reason)
    if lacks and any(lacks[1].encode() in data for data in contents.values()):
        return f"the program needs {lacks[1]}, which is not there"
    kind = exit_.reason.partition(":")[0]
    if re.fullmatch(r"[A-Za-z_][\w.]{0,80}(Error|Exception|Group|Interrupt|Iteration|Warning)", kind):
        return f"the program failed with {kind}"
    if exit_.code is None:
        return f"the program failed: {shorten(exit_.reason)}"
    return f"the program exited with code {exit_.code}"


def told_to_others(error: HuddleError, program: str) -> str:
    """Why a part failed; `program` is what is known of the program's own end, empty where that was not it."""
    match error:
        case Stopped():
            return STOPPED
        case LocalError():
            return "it could not go on there"
        case ProgramError() if program:
            return program
        case _:
            return shorten(error.message)


def told_of(name: str, culprit: str, reason: str) -> PeerError:
    """That the run failed at this peer because of the culprit, perhaps itself; `reason` is the peer's."""
    if reason == STOPPED:
        return PeerError(f"{name} stopped the run.", peer=name)
    because = "" if culprit == name else f" because of {culprit}"
    return PeerError(
        f"The run failed at {name}{because}: {shorten(reason).removesuffix('.')}.",
        peer=culprit,
        hint=f"{name} can see more on their own screen.",
    )


def speechless(name: str, grace: float) -> PeerError:
    """That this peer's part is over, and it does not say how."""
    return PeerError(
        f"{name}'s part of the run is over, and for {grace:.0f} s {name} has not said how it ended.",
        peer=name,
        hint=f"Ask {name} what happened; the result here may be right.",
    )


def stalled(seconds: float, busy: Sequence[str]) -> ProgramError:
    """That nothing has moved for so long; `busy` says who does what."""
    return ProgramError(
        f"The run made no progress for {seconds:.0f} s; {', '.join(busy) or 'nobody else computes'}.",
        hint="Give --stall more seconds, or none, for programs that compute for long.",
    )
