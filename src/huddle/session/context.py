"""What a sealed session and its runs are given, in two bundles in which each thing has its name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from huddle import events
from huddle.ceremony.sealed import Sealed
from huddle.identity.keys import Identity
from huddle.links.manager import LinkManager
from huddle.networks.base import Network
from huddle.networks.outsiders import OutsiderPart, Roles
from huddle.session import control_messages as control
from huddle.session.peers import PeerMonitor
from huddle.session.platform import Platform, ProgramRuntime
from huddle.session.settings import Settings

TrustLookup = Callable[[str, str], str]  # of a name and a did: self, new, known, verified or alarm


@dataclass(frozen=True, slots=True)
class PartyContext:
    """What belongs to this party in whatever session it is; `plain` only where somebody runs plain MPyC.

    `lobby`: a host that asks its person what to do after a run that failed. `rendezvous` is where they met.
    """

    settings: Settings
    platform: Platform
    runtime: ProgramRuntime
    identity: Identity
    networks: Sequence[Network]
    emit: Callable[[events.Event], None]
    standing: TrustLookup
    plain: OutsiderPart | None = None
    lobby: bool = False
    rendezvous: str = ""


@dataclass(frozen=True, slots=True)
class RunContext:
    """What one run shares with its session.

    `runtime` is what this run's program gets. `outcomes` grow while it runs; `stills` are from before it
    began. `carried` is where what a run makes waits for the next one.
    """

    sealed: Sealed
    party: PartyContext
    runtime: ProgramRuntime
    links: LinkManager
    peers: PeerMonitor
    outcomes: dict[int, control.Outcome]
    roles: Roles
    stills: Mapping[int, control.Still]
    carried: Path | None
