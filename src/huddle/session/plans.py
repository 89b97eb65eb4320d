"""What a host wants to hold and what a guest wants to enter, as their persons said it."""

from dataclasses import dataclass

from huddle.errors import LocalError
from huddle.groups.expected import ExpectedPeople
from huddle.session.program import Program


@dataclass(frozen=True, slots=True)
class HostPlan:
    """A session to host: `program` with `parties` people, the host among them.

    `rendezvous` None runs one of one's own, on an address that others on the LAN reach. `stay`: more runs
    may follow the first. `record`: all sign a record of the session at its end. `expected` are the guests in
    the order in which they stand in the roster. `lobby`: somebody is there to decide, so a seat that gets
    free waits for somebody else, and what was declined or has failed can be tried again; else either ends it.
    `called` are the dids of contacts who find the invitation by the host's name.
    """

    program: Program
    parties: int
    threshold: int | None = None
    no_prss: bool = False
    stay: bool = False
    record: bool = False
    rendezvous: str | None = None
    expected: ExpectedPeople | None = None
    lobby: bool = False
    called: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupsPlan:
    """Several sessions at once, whose host is in none of them: `groups` of `session.parties` people each."""

    session: HostPlan
    groups: int


@dataclass(frozen=True, slots=True)
class GuestPlan:
    """A session to enter: `invitation` is a link, the name or did of a contact who calls, or a short code.

    A code needs the `rendezvous` it is of; a contact is met where one met it last, else there.

    `own` is the person's own copy of the program and `digest` (hexadecimal) its digest; the host's
    program must be the same; `threshold` and `no_prss` are the options that the own copy is to run with.
    `record`: the person wants one, and takes part only where all make it. `patient`: refused by the host's
    person they stay in the lobby, and can be called back.
    """

    invitation: str
    rendezvous: str | None = None
    own: Program | None = None
    digest: str | None = None
    record: bool = False
    threshold: int | None = None
    no_prss: bool = False
    patient: bool = False


@dataclass(frozen=True, slots=True)
class RunRequest:
    """The host wants one more run: of this program, or of the last one again."""

    program: Program | None


def digest_of(text: str | None) -> bytes | None:
    """The digest of a program that a person typed; raises LocalError where it is none."""
    if text is None:
        return None
    try:
        digest = bytes.fromhex(text)
    except ValueError:
        digest = b""
    if len(digest) != 32:
        raise LocalError(
            "--program-digest takes the 64 hexadecimal digits that Huddle shows as the program's digest.",
            hint="Ask the host to read it out, or look at it in your own copy's session.",
        )
    return digest
