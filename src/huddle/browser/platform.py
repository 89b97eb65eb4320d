"""The surroundings of a session in a browser: WebCrypto, workers, the networks that a page has."""

import asyncio
import platform
import sys
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from importlib.metadata import version
from typing import Any

from pyodide.ffi import to_js

from huddle.browser.crypto import WebCrypto
from huddle.browser.imports import imported
from huddle.browser.loop import MailboxLoop
from huddle.browser.worker_runner import WorkerRunner
from huddle.errors import LocalError
from huddle.identity.crypto import Crypto
from huddle.running.interpreter import Interpreter
from huddle.running.limits import Confinement
from huddle.running.run import StartRunner
from huddle.session.platform import ProgramRuntime
from huddle.session.program import Program
from huddle.session.settings import Settings


class BrowserPlatform:
    """A browser's worker; see `huddle.session.platform.Platform`."""

    def __init__(self, functions: Any, runners: Any) -> None:
        self.crypto: Crypto = WebCrypto(functions)
        self._runners = runners
        self.start_runner: StartRunner = partial(WorkerRunner.start, runners)
        self.in_browser = True
        self.helper = None

    async def ground(self, settings: Settings) -> ProgramRuntime:
        interpreter = Interpreter(
            executable="",
            prefixes=(),
            paths=(),
            python=platform.python_version(),
            mpyc=version("mpyc"),
            numpy=None,
            gmpy2=None,
            uvloop=None,
            bits=64 if sys.maxsize > 2**32 else 32,
        )
        return ProgramRuntime(interpreter, None if settings.plain_end else Confinement())

    async def has_numpy(self, ground: ProgramRuntime, files: Mapping[str, bytes]) -> bool:
        return "numpy" not in await self.missing(files)

    async def locked(self, program: Program, ground: ProgramRuntime) -> Program:
        return program  # only uv can lock what natives get

    async def interpreter(
        self,
        settings: Settings,
        ground: ProgramRuntime,
        entry: str,
        files: Mapping[str, bytes],
        notice: Callable[[str], None],
    ) -> Interpreter:
        return ground.interpreter  # packages are Pyodide's here

    async def missing(self, files: Mapping[str, bytes]) -> dict[str, str]:
        """Of what these files import, what can't be had here, and why; the rest is being fetched."""
        names = imported(files)
        if not names:
            return {}
        loop = asyncio.get_running_loop()
        assert isinstance(loop, MailboxLoop)
        found: asyncio.Future[dict[str, str]] = loop.create_future()

        def note(_kind: int, missing: Any) -> None:
            if not found.done():
                found.set_result(missing.to_py())

        number = self._runners.seek(to_js(names))
        loop.listen(number, note)
        try:
            return await found
        finally:
            loop.unlisten(number)

    async def embed(self, settings: Settings, stack: AsyncExitStack, at: str = "") -> tuple[str, str]:
        raise LocalError(
            "A browser can't be a rendezvous itself.", hint="Name one; the page's own server may be one."
        )

    def peak_memory(self) -> float:
        return 0.0
