"""UPnP's port mapping, by the library miniupnpc, which only this module knows; threads make its calls."""

import asyncio
import importlib.util
import secrets
from typing import Any

_DISCOVER = 1000  # milliseconds for routers to answer
_LABEL = "huddle"
_OTHERS = 2  # ports that are tried where the same number is taken


class UpnpError(Exception):
    """No router, or it said no; the text says how."""


def available() -> bool:
    """Whether the library is installed."""
    return importlib.util.find_spec("miniupnpc") is not None


class Router:
    """A router that was found."""

    def __init__(self, found: Any) -> None:
        self._found = found

    @classmethod
    async def find(cls, own: str) -> "Router":
        """The router on the network of this address of ours; raises UpnpError."""
        if not available():
            raise UpnpError("not installed (pip install 'mpyc-huddle[upnp]')")
        return await asyncio.to_thread(cls._find, own)

    @classmethod
    def _find(cls, own: str) -> "Router":
        import miniupnpc

        found = miniupnpc.UPnP(multicastif=own, discoverdelay=_DISCOVER)
        try:
            found.discover()
            found.selectigd()
        except Exception as error:  # the library raises bare ones
            raise UpnpError("no router answers") from error
        return cls(found)

    async def address(self) -> str:
        """The router's address outside; empty where it has none. Raises UpnpError."""
        return await self._call(self._found.externalipaddress) or ""

    async def map(self, port: int, lifetime: int) -> int:
        """A port of the router that leads to this one by TCP; raises UpnpError.

        A router that only gives ports for ever is left alone: nobody would take it back after a crash.
        """
        refused = UpnpError("it refused")
        for wanted in (port, *(1024 + secrets.randbelow(64_000) for _ in range(_OTHERS))):
            try:
                await self.keep(port, wanted, lifetime)
            except UpnpError as error:
                refused = error
            else:
                return wanted
        raise refused

    async def keep(self, port: int, given: int, lifetime: int) -> None:
        """Let that port of the router lead here for so long; raises UpnpError."""
        add = self._found.addportmapping
        await self._call(add, given, "TCP", self._found.lanaddr, port, _LABEL, "", lifetime)

    async def release(self, given: int) -> None:
        """Give it back; raises UpnpError."""
        await self._call(self._found.deleteportmapping, given, "TCP", "")

    async def _call(self, method: Any, *args: Any) -> Any:
        try:
            return await asyncio.to_thread(method, *args)
        except Exception as error:  # the library raises bare ones
            raise UpnpError(str(error) or "it refused") from error
