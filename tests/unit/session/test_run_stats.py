"""What a party tells its person once a second of a run's links."""

from types import SimpleNamespace
from typing import Any

from huddle import events
from huddle.links.receiver import LinkStats
from huddle.links.wire import WireInfo
from huddle.session import control_messages as control
from huddle.session.run_stats import RunStats, link_event

NAMES = ("Ada", "Bob", "Cyd")
WIRE = WireInfo(
    "tls", "direct, 192.0.2.1 port 4000", b"", b"", True, rtt=0.0123456, tried=(("iroh", "refused"),)
)


def link(network: str = "tls", path: str = "direct", rounds: int = 0) -> LinkStats:
    return LinkStats(10, 20, 1, 2, rounds, 0.0012345, 0.001, 0, network, path, 5)


class Begun:
    """The statistics of run 3, with what was told."""

    def __init__(self, over: set[int] | None = None) -> None:
        self.told: list[Any] = []
        self.peers = {1: SimpleNamespace(state=control.COMPUTING), 2: SimpleNamespace(state=control.INPUT)}
        context: Any = SimpleNamespace(
            emit=self.told.append, platform=SimpleNamespace(peak_memory=lambda: 7.0)
        )
        group: Any = SimpleNamespace(peers=self.peers)
        self.stats = RunStats(3, NAMES, group, over or set(), context)

    def tell(self, links: dict[int, LinkStats]) -> events.Stats:
        run: Any = SimpleNamespace(stats=lambda: links)
        self.stats.tell(run)
        last = self.told[-1]
        assert isinstance(last, events.Stats) and last is self.stats.last
        return last


def test_a_link_is_told_with_what_was_tried_before_it() -> None:
    event = link_event("Bob", WIRE, 3)
    assert event.rtt_ms == 12.346
    assert event.tried == ({"network": "iroh", "outcome": "refused"},)


async def test_rounds_are_those_of_the_deepest_link_and_times_are_in_milliseconds() -> None:
    told = Begun().tell({1: link(rounds=4), 2: link(rounds=9)})
    assert (told.run, told.rounds, told.memory_mb) == (3, 9, 7.0)
    assert [(row["name"], row["state"], row["rtt_ms"]) for row in told.peers] == [
        ("Bob", "computing", 1.234),
        ("Cyd", "input", 1.234),
    ]


async def test_a_link_that_was_closed_since_its_peer_is_over_keeps_its_path() -> None:
    begun = Begun(over={1})
    begun.stats.link(1, WIRE, "")
    begun.tell({2: link("relay", "relayed")})
    rows = begun.tell({1: link("", ""), 2: link("", "")}).peers
    assert (rows[0]["network"], rows[0]["path"]) == (WIRE.network, WIRE.path)
    assert rows[1]["network"] == "", "this one is not over: it has no wire now"


async def test_a_lost_wire_is_told_with_its_reason() -> None:
    begun = Begun()
    assert not begun.stats.has_been_linked(1)
    begun.stats.link(1, None, "the cable is out")
    assert begun.told == [events.Reconnect("Bob", "lost", "the cable is out", 3)]
    begun.stats.link(1, WIRE, "")
    assert begun.stats.has_been_linked(1) and begun.told[-1] == link_event("Bob", WIRE, 3)


async def test_who_is_at_work_and_at_what() -> None:
    begun = Begun()
    assert begun.stats.busy() == ["Bob is computing", "Cyd is typing"]
    begun.peers[1].state = control.IDLE
    begun.peers[2].state = control.GONE
    assert begun.stats.busy() == []
