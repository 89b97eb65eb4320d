"""Which connections are let in, and how they end."""

from collections.abc import MutableMapping
from typing import Any

import pytest
from starlette.websockets import WebSocket, WebSocketDisconnect

from huddle.rendezvous.limits import ServerLimits
from huddle.rendezvous.messages import Gone
from huddle.rendezvous.server.guard import ConnectionGuard
from huddle.rendezvous.server.metrics import Metrics


class Page:
    """The server's end of a page that is closed while the server speaks."""

    def __init__(self) -> None:
        self.closed = False

    async def receive(self) -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if self.closed:
            raise OSError("the page is gone")

    def socket(self) -> WebSocket:
        scope = {"type": "websocket", "client": ("127.0.0.1", 4821), "headers": []}
        return WebSocket(scope, self.receive, self.send)


async def test_a_page_that_closes_is_no_mistake_of_the_server_whichever_task_notices_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    metrics, page = Metrics(), Page()
    guard = ConnectionGuard(ServerLimits(), lambda: 0.0, metrics)
    async with guard.visit(page.socket(), "room") as visit:
        page.closed = True
        # Two tasks speak to a client of a room, and each may find it gone after the other did.
        with pytest.raises(WebSocketDisconnect):
            await visit.send(Gone("deleted"))
        await visit.send(Gone("deleted"))
    assert b"huddle_internal_errors_total 0.0" in metrics.page()
    assert "internal error" not in caplog.text
