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
