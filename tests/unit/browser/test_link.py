"""What a wire brings behind its proof reaches a link's JavaScript once, in order, and nobody else."""

import asyncio
import importlib
import sys
import types
from collections.abc import Callable
from typing import Any

import pytest

from huddle.links.frames import PING, RESUME, control
from huddle.links.manager import DialTarget, LinkManager
from huddle.links.proof import Ends, Proof
from huddle.networks.webrtc.base import ChannelListener
from huddle.networks.webrtc.wire import RtcWire
from tests.unit.links.support import CRYPTO, KEY, QUICK, SEALED, Program


class Loop(asyncio.SelectorEventLoop):
    """What a `ScriptEnd` asks of a worker's loop."""

    def listen(self, id_: int, listener: Callable[[int, Any], None]) -> None:
        """Nobody has news here."""

    def unlisten(self, id_: int) -> None:
        """Nor does anybody wait for news."""


class Script:
    """A `DataLink` that notes what it is told."""

    id = 1

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []

    def attach(self, channel: Any) -> None:
        self.told.append(("attach", channel))

    def receive(self, data: bytes) -> None:
        self.told.append(("receive", data))

    def divert(self) -> None:
        self.told.append(("divert", None))

    def detach(self) -> None:
        """There is a new wire, or none."""

    def output(self) -> None:
        """It is for Python's wires."""

    def abandon(self) -> None:
        """The link is over."""


class Channel:
    """A data channel whose JavaScript is `script`."""

    script = "the channel"
    label = "huddle 1"

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.bring: Callable[[bytes], None]

    def listen(self, listener: ChannelListener) -> None:
        self.bring = listener.arrived

    def send(self, data: bytes) -> None:
        self.sent.append(data)

    def close(self) -> None:
        """Nothing is left to send."""


@pytest.fixture
def link(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module, with a loop of this machine."""
    worker = types.ModuleType("huddle.browser.loop")
    monkeypatch.setattr(worker, "MailboxLoop", Loop, raising=False)
    values = types.ModuleType("huddle.browser.js_values")
    monkeypatch.setattr(values, "array", bytes, raising=False)
    monkeypatch.setitem(sys.modules, "huddle.browser.loop", worker)
    monkeypatch.setitem(sys.modules, "huddle.browser.js_values", values)
    monkeypatch.delitem(sys.modules, "huddle.browser.link", raising=False)
    found = importlib.import_module("huddle.browser.link")
    monkeypatch.delitem(sys.modules, "huddle.browser.link")
    return found


@pytest.mark.parametrize("behind", [control(RESUME), control(RESUME) + control(PING, 1), b""])
@pytest.mark.parametrize("together", [True, False])
def test_what_follows_the_proof_is_for_the_script(behind: bytes, together: bool, link: Any) -> None:
    script, channel = Script(), Channel()

    async def joined() -> None:
        wire = RtcWire(channel, SEALED, lambda _: None)  # type: ignore[arg-type]
        keeper = LinkManager(1, [DialTarget(0, "Alice", KEY)], (), CRYPTO, timing=QUICK)
        keeper.open(0, 1, Program(), make=link.ends(script, None))
        keeper.accepted(0, 1, wire)
        proof = Proof(Ends(0, 1, "Bob", 1, SEALED.peer_key, SEALED.local_key), KEY, bytes(32), generation=1)
        channel.bring(proof.start())
        third = proof.receive(channel.sent.pop(), 0)
        channel.bring(third + behind if together else third)

    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(joined())
    brought = [("receive", behind)] if behind and together else []
    # What comes later is taken by the script itself, once it is told to.
    assert script.told == [("attach", "the channel"), *brought, ("divert", None)]
    assert channel.sent == []


class Carried:
    """A run that waits until its program's END is written."""

    def __init__(self) -> None:
        self.waits = 1

    def written(self) -> None:
        self.waits -= 1


def test_a_link_that_is_dropped_keeps_no_run_waiting(link: Any) -> None:
    carried = Carried()

    async def dropped() -> None:
        keeper = LinkManager(1, [DialTarget(0, "Alice", KEY)], (), CRYPTO, timing=QUICK)
        end = keeper.open(0, 1, Program(), make=link.ends(Script(), carried))
        end.abort()
        end.abort()

    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(dropped())
    assert carried.waits == 0
