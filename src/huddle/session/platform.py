"""What a session needs of the place where it runs, as an argument of `Party`: a machine, or a browser.

Natively `NativePlatform` has processes, sandboxes and all networks; in a browser `BrowserPlatform` has a
worker in a locked frame and the networks of a web page. Nobody else asks where they are.
"""

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Protocol

from huddle.identity.crypto import Crypto
from huddle.networks.base import Network
from huddle.networks.plain.part import PlainPart
from huddle.running.interpreter import Interpreter
from huddle.running.limits import Confinement
from huddle.running.run import StartRunner
from huddle.session.settings import Settings


@dataclass(frozen=True, slots=True)
class ProgramRuntime:
    """What programs run on here: the interpreter, how they are locked in, and whether they use its numpy."""

    interpreter: Interpreter
    confinement: Confinement | None
    numpy: bool = True

    @property
    def sandboxed(self) -> bool:
        """Whether programs are locked in."""
        return self.confinement is not None


class Platform(Protocol):
    """A place where a party may be."""

    crypto: Crypto
    start_runner: StartRunner

    async def ground(self, settings: Settings) -> ProgramRuntime:
        """Look at what there is; raises LocalError where programs can't run as the person wants."""
        ...

    async def has_numpy(self, ground: ProgramRuntime, files: Mapping[str, bytes]) -> bool:
        """Whether a program of these files finds numpy here."""
        ...

    async def embed(self, settings: Settings, stack: AsyncExitStack) -> tuple[str, str]:
        """The URL of a rendezvous that runs here until the stack is closed, and who can reach it.

        It listens where `via` says, else everywhere. Raises LocalError where none can run.
        """
        ...

    def networks(self, settings: Settings, rendezvous: str, notice: Callable[[str], None]) -> list[Network]:
        """The networks that the person chose, as far as this place has them, not yet open.

        `notice` tells the person something, such as what a killed session had left here.
        """
        ...

    def plain(self, settings: Settings, rendezvous: str, notice: Callable[[str], None]) -> PlainPart | None:
        """This party's part where somebody runs plain MPyC, not yet open; None where it has none."""
        ...

    def peak_memory(self) -> float:
        """The most memory that the supervisor has held, in MB; 0 where nobody knows."""
        ...
