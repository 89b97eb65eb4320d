"""The errors that a person sees. Every one says whose fault it is and what to do next.

    HuddleError
     +-- LocalError        this party: an option, a file, a missing tool, a decision
     +-- ProgramError      the MPyC program of this party: crashed, stopped, never answered
     +-- PeerError         another party, by name
     +-- RendezvousError   the rendezvous: unreachable, full, lying
     +-- NetworkError      a network or a path between two parties

Errors of the wire formats (`huddle.codec.DecodeError` and its like) are turned into one of these by
whoever knows who sent the bytes.
"""

import traceback
from pathlib import PurePath
from typing import ClassVar


class HuddleError(Exception):
    """A failure with its owner and a way out.

    `whose` is a word that scripts may test: "local", "program", "peer", "rendezvous" or "network".
    `hint` is one sentence that says what to do; it may be empty where nothing can be done.
    """

    whose: ClassVar[str] = "local"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class LocalError(HuddleError):
    """This party's own doing: a bad option, a file that is not there, a refusal typed here."""


class ProgramError(HuddleError):
    """The program that this party runs failed."""

    whose = "program"


class PeerError(HuddleError):
    """Another party failed or misbehaved; `peer` is its name, or its did where it has no name yet."""

    whose = "peer"

    def __init__(self, message: str, *, peer: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.peer = peer


class RendezvousError(HuddleError):
    """The rendezvous cannot be reached, refused, or served something that it must not."""

    whose = "rendezvous"


class NetworkError(HuddleError):
    """A path between two parties could not be made or was lost."""

    whose = "network"


def unexpected(error: BaseException) -> HuddleError:
    """What to show of an exception that nobody expected, which is a fault of Huddle or of this machine.

    It says where that was and not what it said, which may hold secrets; the exception is its cause.
    """
    if isinstance(error, HuddleError):
        return error
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    where = " < ".join(f"{PurePath(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
    what = f"{type(error).__name__}{f' at {where}' if where else ''}"
    if isinstance(error, OSError) and error.strerror:
        shown = LocalError(
            f"This machine said: {error.strerror} ({what}).",
            hint="Look at its disk, its memory and its limits, then try again.",
        )
    else:
        shown = LocalError(f"Huddle itself failed: {what}.", hint="Please report this with its numbers.")
    shown.__cause__ = error
    return shown
