"""The record layer of a data link in a browser: JavaScript has its records (web/src/core/records.ts).

A `ScriptRecordWire` is what `huddle.links.record_layer.RecordWire` is elsewhere. It gives two keys to its
script; Python hears of the end of the wire, and of a fault.
"""

from typing import Any, cast

from huddle.browser.js_values import array
from huddle.browser.loop import MailboxLoop
from huddle.links.proof import RecordKeys
from huddle.links.record_layer import SealedWire
from huddle.links.wire import Wire


class ScriptRecordWire(SealedWire):
    """A `SealedWire` over a wire of JavaScript's; what arrives goes to whoever the script is diverted to."""

    def __init__(self, inner: Wire, keys: RecordKeys, rest: bytes, loop: MailboxLoop) -> None:
        super().__init__(inner, rest)
        self._loop = loop
        socket = cast(Any, inner).script
        self.script = loop.box.records(socket, array(keys.sending), array(keys.receiving))
        loop.listen(self.script.id, lambda _, fault: self._fail(str(fault)))

    def __repr__(self) -> str:
        return f"<ScriptRecordWire over {self._inner!r}>"

    def send(self, data: bytes) -> None:
        """Send, without waiting; does nothing on a lost wire."""
        self.script.send(array(data))

    def wire_data(self, data: bytes) -> None:
        """This came before the script took over."""
        self.script.arrived(array(data))

    def _inside(self) -> bool:
        return bool(self.script.inside)

    def _leave(self) -> None:
        super()._leave()
        self._loop.unlisten(self.script.id)
