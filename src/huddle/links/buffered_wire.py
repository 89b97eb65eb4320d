"""What all wires have in common: they hold what arrives until started, and say once that they are lost.

A wire's maker may hand it on before anybody uses it, so what arrives waits here, up to a limit, and so does
the reason for which it was lost. A subclass sends; it calls `arrived` with what comes and `lost` when nothing
more will. It knows nothing of what the bytes mean.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from huddle.links.wire import WireInfo, WireReceiver


class BufferedWire(ABC):
    """A `Wire` but for how it sends and ends.

    `LIMIT` are the bytes beyond which what waits is too much, and the wire is paused. `script` is what takes
    over, in a browser, what arrives without any Python; None wherever there is no such thing.
    """

    LIMIT: ClassVar[int] = 64 << 10  # a link proof is a few hundred
    script: Any = None

    def __init__(self, info: WireInfo) -> None:
        self._info = info
        self._receiver: WireReceiver | None = None
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._paused = False
        self._over = False  # closed or aborted here, or its receiver knows that it is lost
        self._lost: str | None = None  # why

    def __repr__(self) -> str:
        state = "open" if not self.over else "closed" if self._lost is None else "lost"
        return f"<{type(self).__name__} {self.info.network}, {self.info.path}, {state}>"

    @property
    def info(self) -> WireInfo:
        """What is known of it."""
        return self._info

    def inform(self, info: WireInfo) -> None:
        """This is known of it now."""
        self._info = info

    @property
    def over(self) -> bool:
        """Whether it was closed here, or lost."""
        return self._over or self._lost is not None

    def start(self, receiver: WireReceiver) -> None:
        """Deliver to this receiver from now on, and first what arrived before."""
        self._receiver = receiver
        if self._held and not self._over:
            data = b"".join(self._held)
            self._forget()
            receiver.wire_data(data)
        # The receiver may have closed the wire at what it got, or moved it to another one.
        if self._receiver is receiver and not self._over:
            self._flow()
            self._tell()

    @abstractmethod
    def send(self, data: bytes) -> None:
        """Send, without waiting; does nothing on a wire that is over."""

    @abstractmethod
    def close(self) -> None:
        """Send what is left, then close."""

    @abstractmethod
    def abort(self) -> None:
        """Drop the wire at once."""

    # --- for subclasses

    def arrived(self, data: bytes) -> None:
        """Bytes have arrived."""
        if self._over:
            return
        if self._receiver is not None:
            self._receiver.wire_data(data)
            return
        self._held.append(data)
        self._held_bytes += len(data)
        if self._held_bytes > self.LIMIT and not self._paused:
            self._paused = True
            self._pause(True)

    def lost(self, reason: str) -> None:
        """The wire is gone; does nothing where it was known to be."""
        if not self.over:
            self._lost = reason
            self._tell()

    def _shut(self) -> None:
        """It is closed here: what arrives is nobody's any more."""
        self._over = True
        self._receiver = None
        self._forget()
        self._flow()

    @abstractmethod
    def _pause(self, paused: bool) -> None:
        """Stop reading, since too much waits here, or go on."""

    # --- inside

    def _forget(self) -> None:
        self._held.clear()
        self._held_bytes = 0

    def _flow(self) -> None:
        if self._paused:
            self._paused = False
            self._pause(False)

    def _tell(self) -> None:
        if self._lost is not None and self._receiver is not None:
            self._over = True
            self._receiver.wire_lost(self._lost)
