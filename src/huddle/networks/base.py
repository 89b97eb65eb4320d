"""What a network is: a `NetworkKind`, which Huddle knows before a session, and a `Network`, made for one.

    kind = what it is called, which options it has, whether it can be used here, what it leaves behind
    network = for one session: open, offer; begin once all have accepted; dial and accept; close

`open` comes before the accepts are made, so that offers can name ports; `begin` comes when the session is
sealed and brings the offers of the peers; from then on `dial` may be called for any link, and wires that
peers dial are handed to `accepted`. Trying again, choosing among networks and proving who is at the other
end belong to `huddle.links`.

A kind is imported with the command line and in browsers: its module imports the network's own modules only
where they are used. `docs/adding-a-network.md` makes one.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from huddle.errors import HuddleError, LocalError, PeerError
from huddle.identity.crypto import Crypto
from huddle.links.wire import Wire

if TYPE_CHECKING:
    from huddle.helper import Helper, Service
    from huddle.networks.outsiders import OutsiderPart


@dataclass(frozen=True, slots=True)
class PeerOffer:
    """A peer's offer for one network, as it was sealed for this party, and the secret of the pair.

    `pid` is the peer's, `lower` says whether this party's pid is the lower one, `secret` is the
    32-byte secret that only the two share (for channel names and for what one tells only the other; never
    sent). `did` is the peer's. `own_pid` and `own_did` are this party's, for a network in which the host
    (pid 0) arranges something for all.
    """

    pid: int
    name: str
    offer: bytes
    secret: bytes
    lower: bool
    did: str = ""
    own_pid: int = -1
    own_did: str = ""

    def refused(self, network: str, why: Exception) -> PeerError:
        """What to raise where this offer is none of that network's, as `why` says."""
        return PeerError(
            f"{self.name} sent an offer for {network} that is not one: {why}",
            peer=self.name,
            hint="Start a new session without them, or with versions of Huddle that agree.",
        )

    def with_offer(self, offer: bytes) -> "PeerOffer":
        """The same peer with an offer of another network, that this one is built on."""
        return replace(self, offer=offer)


Accepted = Callable[[int, int, Wire], None]  # pid of the peer, number of the run (0: control), wire


class Network(Protocol):
    """One way to reach peers, in one session."""

    name: str

    async def open(self) -> None:
        """Get ready to make offers; raises NetworkError where this machine can't."""
        ...

    def offer(self) -> bytes:
        """What a peer must know to reach this party, for the sealed offer of the accept."""
        ...

    def begin(self, peers: tuple[PeerOffer, ...], accepted: Accepted) -> None:
        """The session is sealed: take the peers' offers and start to accept wires.

        An offer that is none raises PeerError, or leaves its peer out of this network.
        """
        ...

    async def dial(self, pid: int, run: int) -> Wire:
        """One attempt at a wire to that peer for that run's link (0: the control link).

        Raises NetworkError, saying what was tried. May be cancelled at any time, leaving nothing.
        """
        ...

    async def close(self) -> None:
        """Take everything down; wires still open are dropped."""
        ...


@dataclass(frozen=True, slots=True)
class NetworkContext:
    """What a network may know of its session and machine.

    `rendezvous` is its URL, and `near` says that it is on this machine, so that loopback addresses are of
    use. `via` restricts the network to an interface or address, `advertise` are further names or addresses
    of this machine (HOST or HOST:PORT), `port` is the port to be reached at (0: any). `notice` tells the
    person something. `helper` has the kind's `root_services`, where this process has given root's rights up.
    """

    rendezvous: str
    crypto: Crypto
    near: bool = False
    via: str | None = None
    advertise: tuple[str, ...] = ()
    port: int = 0
    notice: Callable[[str], None] = lambda _: None
    helper: "Helper | None" = None


@dataclass(frozen=True, slots=True)
class Option:
    """How a person sets a field of a network's `Options`.

    The flag is the field's name. With `env` that variable is its default, and the only way to set a field
    that is `secret`. `hosting`: only `huddle host` has it.
    """

    help: str
    metavar: str | None = None
    env: str | None = None
    secret: bool = False
    hosting: bool = False


def option(
    default: Any,
    help: str,
    *,
    metavar: str | None = None,
    env: str | None = None,
    secret: bool = False,
    hosting: bool = False,
) -> Any:
    """A field of `Options` with its default (a bool, int, str, Path or None) and its `Option`.

    Names of fields begin with the network's, so that no two networks have the same.
    """
    told = Option(help, metavar, env, secret, hosting)
    return field(default=default, repr=not secret, metadata={"option": told})


@dataclass(frozen=True, slots=True)
class NoOptions:
    """The options of a network that has none."""


@dataclass(frozen=True, slots=True)
class Command:
    """A program that a network needs: Debian's package of it, and the kernel module that replaces it."""

    name: str
    package: str = ""
    module: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One check's result; `advice` is empty where there is nothing to do.

    ok: fine; warn: Huddle works, but something is slower, less safe or not possible; bad: something that
    most sessions need does not work.
    """

    name: str
    state: Literal["ok", "warn", "bad"]
    found: str
    advice: str = ""


def why_not(check: Callable[[], None]) -> str:
    """What `check` raises as a HuddleError, as `NetworkKind.problem` says it; "" where it raises nothing."""
    try:
        check()
    except HuddleError as error:
        return error.message.rstrip(".")
    return ""


@dataclass(frozen=True, slots=True)
class ServePlace:
    """Where `huddle serve` runs: the host name or address that others use, the address to listen on ("" is
    all), and its certificate and key, where it has them."""

    host: str
    listen: str = ""
    certificate: Path | None = None
    key: Path | None = None


class NetworkServer(Protocol):
    """What a network needs beside the rendezvous, as `huddle serve` runs it."""

    def event(self) -> dict[str, str]:
        """What whoever hosts must know, for `huddle serve --json`."""
        ...

    def how(self, rendezvous: str) -> list[str]:
        """The same for people: lines that say how to host with it."""
        ...

    async def gone(self) -> None:
        """Wait until it ends by itself, and raise LocalError."""
        ...

    async def close(self) -> None:
        """End it, leaving nothing."""
        ...


class NetworkKind:
    """A network as Huddle knows it before there is a session; subclasses set what differs.

    `automatic`: `--network auto` takes it. `in_browser`: a browser has it. `by_rendezvous`: bytes go through
    the rendezvous. `always_relayed`: whatever the place, somebody passes every byte on. `patience` are the
    seconds that its first link may take, where the session's grace is shorter. `links_parties`: it links two
    parties of Huddle; false where it is for others. `commands` are the programs that a party needs beside
    Python, and `server_commands` those of its server. `service` is what it needs on the Internet unless
    options name another, for people. `cli` are further commands of
    `huddle`, each as MODULE:FUNCTION by its name. `needs`, `secured_by` (what encrypts, and binds wires to
    the identities) and `seen_by` (who sees what) are its row in docs/networks.md.
    """

    name: ClassVar[str]
    needs: ClassVar[str] = ""
    secured_by: ClassVar[str] = ""
    seen_by: ClassVar[str] = ""
    automatic: ClassVar[bool] = False
    in_browser: ClassVar[bool] = False
    by_rendezvous: ClassVar[bool] = False
    always_relayed: ClassVar[bool] = False
    patience: ClassVar[float] = 0.0
    links_parties: ClassVar[bool] = True
    cli: ClassVar[Mapping[str, str]] = {}
    Options: ClassVar[type] = NoOptions
    commands: ClassVar[tuple[Command, ...]] = ()
    service: ClassVar[str] = ""
    ServerOptions: ClassVar[type] = NoOptions
    server_commands: ClassVar[tuple[Command, ...]] = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    async def problem(self) -> str:
        """Why this machine can't have it, in a few words without a full stop; "" where it can."""
        return ""

    def unconfigured(self, options: Any, *, hosting: bool = False) -> LocalError | None:
        """Why it is of no use with these options, though this machine can have it; None where it is."""
        return None

    def create(self, context: NetworkContext, options: Any) -> Network:
        """The network of one session, not yet open; `options` are of this kind's `Options`.

        Raises LocalError for options that make no sense.
        """
        raise NotImplementedError

    def needed(self, options: Any) -> Iterable[Path]:
        """Files of this machine that these options name, which an ordinary account must be able to use."""
        return ()

    def root_services(self, port: int, *, homeless: bool) -> "Iterable[Service]":
        """What of it only root can do, for a Huddle that root started and that becomes an ordinary account.

        `port` is the one to be reached at, which the person chose (0: any). `homeless`: that account is for
        this session alone, and no later one finds what it left on the disk.
        """
        return ()

    def outsider(self, context: NetworkContext) -> "OutsiderPart | None":
        """The part of a person who runs plain MPyC by hand, where it links with such people."""
        return None

    def participant(self, context: NetworkContext) -> "OutsiderPart | None":
        """The part of a party of Huddle that links with such people."""
        return None

    def load(self) -> None:
        """Import what `create` needs, where somebody has the time for it now."""

    async def examine(self, options: Any) -> list[Check]:
        """What `huddle doctor` says of it. Never raises: what fails is what it found."""
        if why := await self.problem():
            return [Check(self.name, "warn", why, f"Without it --network {self.name} does not work.")]
        return [Check(self.name, "ok", "can be used here")]

    def leftovers(self) -> Iterable[Path]:
        """The temporary directories that its sessions make here, dead or alive, for `huddle forget`."""
        return ()

    async def serve(self, place: ServePlace, options: Any) -> NetworkServer | None:
        """Start its server, if these `ServerOptions` want one."""
        return None

    def host_environment(self, event: Mapping[str, str], put: Callable[[str, bytes], str]) -> dict[str, str]:
        """The environment by which `huddle host` uses the server that told this event.

        `put` puts a file of this name and content where the host is; its path.
        """
        return {}
