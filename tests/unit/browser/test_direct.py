"""Two sessions that agree on direct channels of their runners' frames, over whatever brings signals."""

import asyncio
import importlib
import sys
import types
from collections.abc import Callable
from typing import Any

import pytest

from huddle.codec import encode
from huddle.networks.webrtc.signals import Description, IceCandidate, RtcSignal

_DESCRIBED, _CANDIDATE, _PAIR, _OVER = 1, 2, 4, 5
FINGERPRINT = ":".join(["AB"] * 32)


HOSTS = types.SimpleNamespace(
    local="candidate:1 1 UDP 2113937151 192.0.2.1 5000 typ host",
    remote="candidate:2 1 UDP 1 192.0.2.2 5001 typ prflx",
)


class Loop(asyncio.SelectorEventLoop):
    """A worker's loop, as far as connections use it."""

    def __init__(self) -> None:
        super().__init__()
        self.listeners: dict[int, Callable[[int, Any], None]] = {}

    def listen(self, id_: int, listener: Callable[[int, Any], None]) -> None:
        self.listeners[id_] = listener

    def unlisten(self, id_: int) -> None:
        self.listeners.pop(id_, None)


@pytest.fixture
def direct(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module, with a loop of this machine."""
    worker = types.ModuleType("huddle.browser.loop")
    monkeypatch.setattr(worker, "MailboxLoop", Loop, raising=False)
    monkeypatch.setitem(sys.modules, "huddle.browser.loop", worker)
    monkeypatch.delitem(sys.modules, "huddle.browser.direct", raising=False)
    found = importlib.import_module("huddle.browser.direct")
    monkeypatch.delitem(sys.modules, "huddle.browser.direct")
    return found


class Script:
    """A connection in a frame: what it was told."""

    ids = 0

    def __init__(self, loop: Loop, peer: int, number: int) -> None:
        Script.ids += 1
        self.id = Script.ids
        self.way = (peer, number)
        self.told: list[tuple[str, str]] = []
        self.closed = False
        self._loop = loop

    def describe(self) -> None:
        self.told.append(("describe", ""))

    def answer(self, sdp: str) -> None:
        self.told.append(("answer", sdp))

    def candidate(self, line: str) -> None:
        self.told.append(("candidate", line))

    def close(self) -> None:
        self.closed = True

    def says(self, kind: int, value: Any = None) -> None:
        self._loop.listeners[self.id](kind, value)

    def described(self) -> None:
        self.says(
            _DESCRIBED,
            f"a=ice-ufrag:ufrag{self.id}\r\na=ice-pwd:{'p' * 22}\r\na=fingerprint:sha-256 {FINGERPRINT}\r\n",
        )


class Link:
    """A data link on some network."""

    def __init__(self) -> None:
        self.network = "webrtc"
        self.direct = ""

    @property
    def stats(self) -> Any:
        return types.SimpleNamespace(network=self.network)


class Two:
    """Both parties; what one says the other hears, while `connected`."""

    def __init__(self, module: Any) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Loop)
        self.made: dict[int, list[Script]] = {0: [], 1: []}
        self.links = {0: Link(), 1: Link()}
        self.said: list[tuple[int, bytes]] = []
        self.ends: dict[int, Any] = {}
        for pid in (0, 1):

            def connect(peer: int, number: int, pid: int = pid) -> Script:
                self.made[pid].append(Script(loop, peer, number))
                return self.made[pid][-1]

            def say(peer: int, data: bytes, pid: int = pid) -> None:
                self.said.append((pid, data))
                if peer in self.ends:
                    self.ends[peer].signal_came(pid, data)

            self.ends[pid] = module.DirectChannels(pid, connect, say)

    def begin(self, *order: int) -> None:
        for pid in order:
            self.ends[pid].begin({1 - pid: self.links[pid]})


def run(module: Any, scenario: Callable[[Two], Any]) -> None:
    loop = Loop()

    async def played() -> None:
        await scenario(Two(module))

    try:
        loop.run_until_complete(played())
    finally:
        loop.close()


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_whoever_starts_first_one_connection_is_made_at_both(direct: Any, order: tuple[int, int]) -> None:
    async def scenario(two: Two) -> None:
        two.begin(*order)
        (lower,) = two.made[0]
        assert not two.made[1]
        lower.described()
        (higher,) = two.made[1]
        assert (lower.way, higher.way) == ((1, 1), (0, 1))
        # What was heard before this end is described waits until it is.
        lower.says(_CANDIDATE, "candidate:1 1 UDP 2113937151 192.0.2.1 5000 typ host")
        assert higher.told == [("describe", "")]
        higher.described()
        assert [what for what, _ in higher.told] == ["describe", "answer", "candidate"]
        assert "a=setup:active" in higher.told[1][1] and FINGERPRINT in higher.told[1][1]
        assert [what for what, _ in lower.told] == ["describe", "answer"]
        assert "a=setup:passive" in lower.told[1][1]
        assert len(two.made[0]) == len(two.made[1]) == 1

    run(direct, scenario)


@pytest.mark.parametrize("who", [0, 1])
def test_a_lost_connection_is_made_anew_whoever_loses_it(
    direct: Any, who: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(direct, "PAUSE", 0.0)

    async def scenario(two: Two) -> None:
        two.begin(0, 1)
        two.made[0][0].described()
        two.made[1][0].described()
        for pid in (0, 1):
            two.made[pid][0].says(_PAIR, HOSTS)
            assert two.links[pid].direct == "tab to tab (host to prflx), 192.0.2.2 port 5001"
        two.made[who][0].says(_OVER)
        assert two.made[who][0].closed and two.links[who].direct == ""
        for _ in range(5):  # turns of the loop
            await asyncio.sleep(0)
        two.made[0][1].described()
        assert two.made[1][1].way == (0, 2)
        assert two.made[0][0].closed and two.made[1][0].closed

    run(direct, scenario)


def test_none_is_made_before_both_are_on_webrtc(direct: Any) -> None:
    async def scenario(two: Two) -> None:
        two.links[0].network = two.links[1].network = "relay"
        two.begin(0, 1)
        assert not two.made[0]
        two.links[0].network = "webrtc"
        two.ends[0].wire(1)
        two.made[0][0].described()
        # The higher pid takes part in none that its own person's networks do not allow.
        assert not two.made[1]

    run(direct, scenario)


def test_what_means_nothing_is_dropped(direct: Any) -> None:
    async def scenario(two: Two) -> None:
        two.begin(0, 1)
        told = Description("u", "p" * 22, bytes(32))  # too short a name
        aim = RtcSignal(None, (IceCandidate("1", 1, "239.0.0.1", 9, 0),), False)
        for data in (
            b"",
            b"junk",
            encode(direct.Direct(5, RtcSignal(told, (), False))),
            encode(direct.Direct(5, aim)),
        ):
            two.ends[1].signal_came(0, data)
            two.ends[1].signal_came(7, data)
        assert not two.made[1]

    run(direct, scenario)


def test_nothing_is_made_once_it_is_closed(direct: Any) -> None:
    async def scenario(two: Two) -> None:
        two.begin(0, 1)
        two.made[0][0].described()
        for end in two.ends.values():
            end.close()
        assert two.made[0][0].closed and two.made[1][0].closed
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Loop) and not loop.listeners
        two.ends[1].signal_came(0, two.said[-1][1])
        two.ends[0].wire(1)
        assert len(two.made[0]) == len(two.made[1]) == 1

    run(direct, scenario)
