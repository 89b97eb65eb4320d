"""What a person chose for a session on this machine. None of it is shared with anybody."""

import sys
from dataclasses import dataclass, field
from pathlib import Path

NETWORKS = ("tls", "webrtc", "iroh", "relay")  # in order of preference


@dataclass(frozen=True, slots=True)
class Settings:
    """The local side of a session.

    `name` is what others see. `networks` may be used here, in order of preference; `via` restricts tls
    to an interface or address, `advertise` adds host names or addresses under which others reach this
    machine, `port` fixes the port of tls (0: any), `map_port` asks the router for one,
    `loopback` offers loopback addresses as well. `iroh_relay`
    is the URL of an iroh relay, or n0 for those of its makers, and `iroh_discovery` uses their directory.

    `python` is the interpreter that runs the program, with `private_args` behind the shared arguments and
    `inputs` (files of this machine, by their own names in its directory) to read. `sandbox` None means:
    where it works.

    `by_hand`: nothing is run here; the person starts MPyC, which finds the session's links as local ports.

    `grace` seconds of silence make a peer gone; `stall` seconds without any progress end a run (None:
    never); `max_queue` bytes that a peer does not take end a run (0: never).
    """

    name: str
    networks: tuple[str, ...] = NETWORKS
    via: str | None = None
    advertise: tuple[str, ...] = ()
    port: int = 0
    loopback: bool = False
    map_port: bool = False
    iroh_relay: str = ""
    iroh_discovery: bool = False
    python: str = field(default=sys.executable)
    private_args: tuple[str, ...] = ()
    inputs: tuple[Path, ...] = ()
    sandbox: bool | None = None
    by_hand: bool = False
    grace: float = 30.0
    stall: float | None = None
    max_queue: int = 0
