"""Sessions from Python: what the command line does, for scripts, notebooks and the lab.

    party = huddle.host("auction.py", parties=3, name="Ada", rendezvous="https://huddle.example.org")
    async for event in party:
        match event:
            case huddle.events.Invitation(url=url): send(url)
            case huddle.events.Question(what="admit", did=did): party.admit(did)
            case huddle.events.Question(): party.accept()
            case huddle.events.Output(text=text): print(text, end="")

Nothing is decided for the caller: who must be let in, and whose program runs here, are its questions to
answer. The events are those of `--json`, and must be read: past 64 MiB that wait the session ends.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from huddle.errors import LocalError
from huddle.identity.contacts import Contacts
from huddle.identity.keys import Identity
from huddle.identity.native import NativeCrypto
from huddle.session.calling import called
from huddle.session.party import Party
from huddle.session.plans import GuestPlan, HostPlan
from huddle.session.program import Program
from huddle.session.samples import named
from huddle.session.settings import Settings

__all__ = ["Contacts", "GuestPlan", "HostPlan", "Identity", "Party", "Program", "Settings", "host", "join"]


def program(path: str | Path, args: Sequence[str] = (), beside: Sequence[str] = ()) -> Program:
    """The program at `path`, or the one of Huddle's own that has this name, with its shared arguments.

    `beside` are files that travel with it, as paths relative to the program's directory. Raises OSError where
    a file can't be read.
    """
    entry = named(path)
    files = {name: (entry.parent / name).read_bytes() for name in (entry.name, *beside)}
    return Program(entry.name, files, tuple(args))


def host(  # noqa: PLR0913 - the command line's options, by keyword
    what: str | Path | Program,
    *args: str,
    parties: int | None = None,
    name: str,
    with_: Sequence[str] = (),
    threshold: int | None = None,
    no_prss: bool = False,
    stay: bool = False,
    record: bool = False,
    rendezvous: str | None = None,
    identity: Identity | None = None,
    contacts: Contacts | None = None,
    **local: Any,
) -> Party:
    """Host a session that runs `what` with the shared `args`, behind those of a `Program`.

    `parties` counts the host. Without a `rendezvous` this process runs one; without an `identity` a fresh
    one is used. `local` are the other fields of `Settings`. The session runs when its events are iterated.

    `with_` are names or dids of verified contacts that are called, and need no link (`join`); without
    `parties`, the session is of them and the host. Keep `party.contacts` after it: in each session, contacts
    agree on how they find each other the next time.

    Raises LocalError where these are no contacts that can be called, or there is no seat for all of them.
    """
    person = _person(identity, contacts)
    dids = called(person[1], with_)
    if dids and identity is None:
        raise LocalError(
            "Nobody knows a fresh identity.", hint="Call your contacts under the identity that they know."
        )
    parties = parties or len(dids) + 1
    if not 2 <= parties > len(dids):
        raise LocalError(
            f"A session of {parties}, with you, has no seat for all whom you call."
            if dids
            else "A session has two parties or more.",
            hint="`parties` counts you, too.",
        )
    mine = what if isinstance(what, Program) else program(what)
    mine = replace(mine, args=(*mine.args, *args))
    plan = HostPlan(mine, parties, threshold, no_prss, stay, record, rendezvous, called=dids)
    return Party(plan, Settings(name, **local), *person)


def join(  # noqa: PLR0913 - the command line's options, by keyword
    invitation: str,
    *private_args: str,
    name: str,
    rendezvous: str | None = None,
    own: Program | None = None,
    digest: str | None = None,
    record: bool = False,
    threshold: int | None = None,
    no_prss: bool = False,
    identity: Identity | None = None,
    contacts: Contacts | None = None,
    **local: Any,
) -> Party:
    """Join a session by its link, by its short code and the `rendezvous`, or by the name of who calls.

    A verified contact who hosts with this party (`with_`) is found by name or did where they met last, and at
    the `rendezvous`, if one is given; that takes the `identity` and `contacts` of then.

    `private_args` are this party's own arguments of the program. `own` and `digest` pin the program,
    `threshold` and `no_prss` are what `own` is to run with.
    """
    plan = GuestPlan(invitation, rendezvous, own, digest, record, threshold, no_prss)
    return Party(plan, Settings(name, private_args=private_args, **local), *_person(identity, contacts))


def _person(identity: Identity | None, contacts: Contacts | None) -> tuple[Identity, Contacts]:
    return identity or Identity.fresh(NativeCrypto()), contacts or Contacts()
