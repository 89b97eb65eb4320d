"""By which of its ports each party that forwards does so, once it has said."""

import asyncio

from huddle.errors import NetworkError
from huddle.networks.outsiders import Ports

TOLD = 20.0  # seconds for the party that forwards to say by which ports


class ForwardedPorts:
    """What was said, by pid."""

    def __init__(self) -> None:
        self._ports: dict[int, Ports] = {}
        self._told = asyncio.Event()

    def tell(self, pid: int, ports: Ports) -> None:
        """That party forwards by these; it says so once."""
        self._ports.setdefault(pid, ports)
        self._told.set()

    def of(self, pid: int) -> Ports:
        """That party's, empty where it has said nothing."""
        return self._ports.get(pid, {})

    async def wait_for(self, pid: int, name: str) -> None:
        """Until that party, called so, has said its ports; raises NetworkError where it does not."""
        try:
            async with asyncio.timeout(TOLD):
                while pid not in self._ports:
                    self._told.clear()
                    await self._told.wait()
        except TimeoutError:
            raise NetworkError(f"{name} does not say how it forwards.", hint="Try again.") from None
