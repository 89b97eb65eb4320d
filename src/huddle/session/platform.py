"""What a session needs of the place where it runs, as an argument of `Party`: a machine, or a browser.

Natively `NativePlatform` has processes, sandboxes and all networks; in a browser `BrowserPlatform` has a
worker in a locked frame and the networks that a web page has. Nobody else asks where they are.
"""

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Protocol

from huddle.ceremony.messages import Software
from huddle.identity.crypto import Crypto
from huddle.running.interpreter import Interpreter
from huddle.running.limits import Confinement
from huddle.running.run import StartRunner
from huddle.session.program import Program
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

    @property
    def software(self) -> tuple[Software, ...]:
        """What the other parties must know of it."""
        has = {
            "mpyc": self.interpreter.mpyc,
            "python": self.interpreter.python,
            "numpy": self.interpreter.numpy,
            "gmpy2": self.interpreter.gmpy2,
            "bits": str(self.interpreter.bits),
        }
        return tuple(Software(name, version) for name, version in has.items() if version)


class Platform(Protocol):
    """A place where a party may be."""

    crypto: Crypto
    start_runner: StartRunner
    in_browser: bool
    helper: Any  # for what this process has no rights to do (`NetworkContext.helper`)

    async def ground(self, settings: Settings) -> ProgramRuntime:
        """Look at what there is; raises LocalError where programs can't run as the person wants."""
        ...

    async def has_numpy(self, ground: ProgramRuntime, files: Mapping[str, bytes]) -> bool:
        """Whether a program of these files finds numpy here."""
        ...

    async def locked(self, program: Program, ground: ProgramRuntime) -> Program:
        """The program with a lock of the packages that it names, if it names any and has none.

        Raises ProgramError where its metadata is wrong, LocalError where the packages can't be locked.
        """
        ...

    async def interpreter(
        self,
        settings: Settings,
        ground: ProgramRuntime,
        entry: str,
        files: Mapping[str, bytes],
        notice: Callable[[str], None],
    ) -> Interpreter:
        """What runs this program: an environment of its locked packages, else the interpreter of `ground`.

        Raises LocalError where a package can't be had.
        """
        ...

    async def embed(self, settings: Settings, stack: AsyncExitStack, at: str = "") -> tuple[str, str]:
        """The URL of a rendezvous that runs here until the stack is closed, and who can reach it.

        It listens where `via` says, else everywhere. `at` is where people look who have met before: another
        machine's rendezvous is used as it is; of one that ran here the port is taken again, if it is free.
        Raises LocalError where none can run.
        """
        ...

    def peak_memory(self) -> float:
        """The most memory that the supervisor has held, in MB; 0 where nobody knows."""
        ...
