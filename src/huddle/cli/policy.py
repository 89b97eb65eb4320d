"""What is decided without asking: `--yes`, `--open`, `--allow`, `--program` and `--program-digest`.

A rule answers yes, no, or None: ask the person. `--yes` alone never lets a stranger in and never runs a
stranger's program.
"""

from dataclasses import dataclass

from huddle.errors import LocalError
from huddle.groups.expected import ExpectedPeople


@dataclass(frozen=True, slots=True)
class HostPolicy:
    """Whom the host lets in. `allow` are dids, `called` those of the contacts for whom the seats are meant.

    `each`: the person is asked about each guest as they knock; else about all together, when `parties` (with
    the host; None: any number) are there. `expected` are those on the person's list: about all others, the
    person is asked. `lobby`: a person is there, who can try again; `standing`: and can change things while
    they wait for others.
    """

    yes: bool = False
    open: bool = False
    allow: frozenset[str] = frozenset()
    called: frozenset[str] = frozenset()
    each: bool = False
    parties: int | None = None
    expected: ExpectedPeople | None = None
    lobby: bool = False
    standing: bool = False

    def admit(self, did: str, standing: str, *, expected: bool = True) -> bool | None:
        """Whether to let this party in; a name that suddenly has another key is never let in unasked."""
        if did in self.allow or did in self.called:
            return True
        if standing == "alarm":
            return False if self.yes or self.open else None
        if self.open:
            return True
        if self.yes:
            return standing in ("known", "verified") and expected and not self.called
        return None

    def accept(self) -> bool | None:
        """Whether to start without asking."""
        return True if self.yes or self.open else None


@dataclass(frozen=True, slots=True)
class GuestPolicy:
    """Whether a guest runs the host's program. `pinned`: the program is this person's own copy or digest.

    `lobby`: a no means not this program, and the guest stays.
    `taken` are Huddle's options that stand behind the invitation: they may have been meant for the program.
    """

    yes: bool = False
    pinned: bool = False
    lobby: bool = False
    taken: tuple[str, ...] = ()

    def accept(self, host_standing: str, *, same: bool = True) -> bool | None:
        """Whether to accept; raises LocalError where `--yes` was given and does not suffice.

        `same`: it is the first program, which was compared with the pinned one, or that one again.
        """
        if not self.yes:
            return None
        if (self.pinned and same) or host_standing == "verified":
            return True
        if self.pinned:
            return None
        raise LocalError(
            "--yes does not accept the program of a host that is not a verified contact.",
            hint="Give --program FILE (your own copy), or --program-digest, or accept by hand.",
        )
