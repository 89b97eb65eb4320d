"""A receiver for tests of networks, which keeps what a wire brings."""

import asyncio


class Taker:
    """Keeps bytes and reasons, and lets tests wait for them."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.reasons: list[str] = []
        self._changed = asyncio.Event()

    def wire_data(self, data: bytes) -> None:
        self.data += data
        self._changed.set()

    def wire_lost(self, reason: str) -> None:
        self.reasons.append(reason)
        self._changed.set()

    async def until(self, size: int) -> bytes:
        """All that came, once it is so much."""
        while len(self.data) < size:
            assert not self.reasons, self.reasons
            self._changed.clear()
            await self._changed.wait()
        return bytes(self.data)

    async def lost(self) -> str:
        """Why the wire was lost, once it is."""
        while not self.reasons:
            self._changed.clear()
            await self._changed.wait()
        return self.reasons[0]
