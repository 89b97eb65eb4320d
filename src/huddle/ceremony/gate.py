"""Which messages count: a party's state, and the verdict of the tables (`states`) on each record in it.

It must not know what a message says, nor who somebody is but host, member or stranger.
"""

from huddle.ceremony.log import LogEntry
from huddle.ceremony.messages import Message
from huddle.ceremony.states import TIMELESS, TRANSITIONS, CeremonyState, Handling, SenderRole, verdict


class MessageFault(Exception):
    """What a message's sender may not do; `did` is who did it, where that is somebody else."""

    def __init__(self, what: str, did: str = "") -> None:
        super().__init__(what)
        self.did = did


class Gate:
    """Where a party stands, and what it lets through there."""

    def __init__(self) -> None:
        self.state = CeremonyState.GATHERING

    @property
    def ended(self) -> bool:
        """Whether nothing is read any more."""
        return self.state is CeremonyState.ENDED

    def enter(self, state: CeremonyState) -> None:
        """Go on to this state; RuntimeError where no way leads there."""
        if (self.state, state) not in TRANSITIONS:
            raise RuntimeError(f"no way from {self.state} to {state}")
        self.state = state

    def judge(self, entry: LogEntry, epoch: int, role: SenderRole) -> tuple[Handling, Message]:
        """What to do with a record in this epoch, and its message; raises MessageFault."""
        envelope, message = entry.envelope, entry.message
        if message is None:
            raise MessageFault(f"sent what means nothing: {entry.flaw}")
        cls = type(message)
        if cls not in TIMELESS:
            if envelope.epoch < epoch:
                return Handling.IGNORE, message
            if envelope.epoch > epoch:
                raise MessageFault(f"speaks of epoch {envelope.epoch} before the host")
        found = verdict(self.state, cls, role)
        if found is Handling.FAULT:
            raise MessageFault(f"sent a {cls.label} while {self.state}, where none belongs")
        return found, message
