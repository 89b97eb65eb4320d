"""What a person chose for a session on this machine. None of it is shared with anybody."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from huddle.errors import LocalError
from huddle.identity.names import is_name
from huddle.networks import registry
from huddle.networks.base import NetworkKind
from huddle.running.limits import RunLimits
from huddle.running.spec import check_arguments


@dataclass(frozen=True, slots=True)
class Settings:
    """The local side of a session.

    `name` is what others see. `networks` may be used here, in order of preference, and `options` are those
    of single networks, by their names, each of its kind's `Options` (`huddle.networks.registry`). `via`
    restricts networks to an interface or address, `advertise` adds host names or addresses under which
    others reach this machine, `port` fixes the port to be reached at (0: any).

    `environment` are variables of one's own for the program (name, value).

    `python` is the interpreter that runs the program, with `private_args` behind the shared arguments and
    `inputs` (files and directories of this machine) to read: where in its directory, `input_targets` say,
    in the same order; an empty text there, or none, is their own names. `output` is the directory in which
    what the program makes is kept; with `carry`, what a run makes is there for the later ones. `sandbox`
    None means: where it works. In it a program takes
    no more of this machine than `limits`.

    `by_hand`: nothing is run here; the person starts MPyC, which finds the session's links as local ports.
    With `in_cells`, those of a notebook, it may come and go until the person says that it is over.
    `plain_end`: nothing is run here; the person starts plain MPyC behind a WireGuard app.

    `pseudonym`: the identity is for this session alone, and the others are told so.

    `grace` seconds of silence make a peer gone; `stall` seconds without any progress end a run (None:
    never); `max_queue` bytes that a peer does not take end a run (0: never).

    Raises LocalError for what makes no sense; what is not on this machine is found when it is used.
    """

    name: str
    networks: tuple[str, ...] = field(default_factory=registry.automatic)
    via: str | None = None
    advertise: tuple[str, ...] = ()
    port: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    python: str = field(default=sys.executable)
    private_args: tuple[str, ...] = ()
    inputs: tuple[Path, ...] = ()
    input_targets: tuple[str, ...] = ()
    output: Path | None = None
    carry: bool = False
    environment: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    sandbox: bool | None = None
    limits: RunLimits = field(default_factory=RunLimits)
    by_hand: bool = False
    in_cells: bool = False
    plain_end: bool = False
    pseudonym: bool = False
    grace: float = 30.0
    stall: float | None = None
    max_queue: int = 0

    def __post_init__(self) -> None:
        for message, hint in self._problems():
            raise LocalError(message, hint=hint)

    def kinds(self) -> list[NetworkKind]:
        """The networks that were chosen, in order of preference."""
        return [kind for kind in map(registry.kind, self.networks) if kind is not None]

    def waits(self) -> dict[str, float]:
        """How long to wait for a peer, by the names of `PeerMonitor`'s arguments; seconds."""
        return {"grace": self.grace, "patience": max((kind.patience for kind in self.kinds()), default=0.0)}

    def options_of(self, kind: NetworkKind) -> Any:
        """The options of that network."""
        return self.options.get(kind.name) or kind.Options()

    def giving(self, private_args: tuple[str, ...], inputs: tuple[tuple[str, Path], ...]) -> "Settings":
        """The same with other private arguments and files: where the program finds each, and where it is."""
        check_arguments((), private_args)
        paths, targets = (path for _, path in inputs), (target for target, _ in inputs)
        return replace(self, private_args=private_args, inputs=tuple(paths), input_targets=tuple(targets))

    @property
    def named_inputs(self) -> tuple[tuple[str, Path], ...]:
        """Each input: where the program finds it, relative to its directory, and where it is."""
        targets = (*self.input_targets, *("" for _ in self.inputs[len(self.input_targets) :]))
        return tuple((target or path.name, path) for target, path in zip(targets, self.inputs, strict=False))

    def _problems(self) -> Iterator[tuple[str, str]]:
        """What makes no sense, each with what to do about it."""
        if not is_name(self.name):
            hint = "One line of at most 64 characters, all of them visible, without spaces at its ends."
            yield f"{self.name!r} cannot be a name.", hint
        unknown = [network for network in self.networks if registry.kind(network) is None]
        if unknown or not self.networks:
            message = f"There is no network {', '.join(unknown)}." if unknown else "No network was chosen."
            yield message, f"There are {', '.join(registry.names())}."
        elif not any(kind.links_parties for kind in self.kinds()):
            alone = ", ".join(self.networks)
            yield (
                f"{alone} links with those alone who run no Huddle.",
                f"Name another too: --network auto,{alone}.",
            )
        for network, options in self.options.items():
            chosen = registry.kind(network)
            if chosen is None or not isinstance(options, chosen.Options):
                yield f"{options!r} are no options of a network {network}.", "See huddle.networks.registry."
        if not 0 <= self.port <= 65535:
            yield f"There is no port {self.port}.", "0 takes any that is free."
        if not self.grace >= 1:
            yield f"A grace of {self.grace} s is too short.", "Give it 1 s or more."
        if self.stall is not None and not self.stall >= 1:
            yield f"{self.stall} s without progress are no stall.", "Give it 1 s or more, or leave it out."
        if self.max_queue < 0:
            yield "A queue cannot have less than 0 bytes.", "0 means that there is no limit."
        if len({target for target, _ in self.named_inputs}) != len(self.inputs):
            yield (
                "Two --input files have the same name.",
                "Say what the program is to find: --input NAME=FILE.",
            )
