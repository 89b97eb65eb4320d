"""A wire that holds until it is started: what waits, what is told, and what is not."""

from collections.abc import Callable

from huddle.links.buffered_wire import BufferedWire
from huddle.links.wire import WireInfo


class Plank(BufferedWire):
    """A wire that is carried by nothing."""

    def __init__(self) -> None:
        super().__init__(WireInfo("plank", "direct", b"", b"", sealed=False))
        self.pauses: list[bool] = []

    def send(self, data: bytes) -> None:
        """Nothing is carried."""

    def close(self) -> None:
        self._shut()

    abort = close

    def _pause(self, paused: bool) -> None:
        self.pauses.append(paused)


class Taker:
    """A receiver that does this with what it gets."""

    def __init__(self, does: Callable[[], None] = lambda: None) -> None:
        self.got: list[bytes | str] = []
        self._does = does

    def wire_data(self, data: bytes) -> None:
        self.got.append(data)
        self._does()

    def wire_lost(self, reason: str) -> None:
        self.got.append(reason)


def test_what_came_before_the_start_comes_first_and_then_the_loss() -> None:
    wire, taker = Plank(), Taker()
    wire.arrived(b"early ")
    wire.arrived(b"bird")
    wire.lost("the wind")
    wire.lost("again")
    assert wire.over
    wire.start(taker)
    wire.start(taker)
    assert taker.got == [b"early bird", "the wind"]
    assert repr(wire) == "<Plank plank, direct, lost>"


def test_a_loss_is_told_once_to_whoever_has_it_then() -> None:
    wire, first, last = Plank(), Taker(), Taker()
    wire.start(first)
    wire.start(last)
    wire.lost("the wind")
    wire.start(first)
    assert (first.got, last.got) == ([], ["the wind"])


def test_too_much_pauses_it_until_it_is_started() -> None:
    wire, taker = Plank(), Taker()
    wire.arrived(bytes(Plank.LIMIT))
    assert wire.pauses == []
    wire.arrived(b"!")
    wire.arrived(b"!")
    assert wire.pauses == [True]
    wire.start(taker)
    wire.arrived(bytes(2 * Plank.LIMIT))
    assert wire.pauses == [True, False]


def test_a_closed_wire_is_read_to_its_end_and_tells_nobody() -> None:
    wire, taker = Plank(), Taker()
    wire.arrived(bytes(Plank.LIMIT + 1))
    wire.close()
    wire.arrived(b"late")
    wire.lost("the wind")
    wire.start(taker)
    assert (taker.got, wire.pauses) == ([], [True, False])
    assert repr(wire) == "<Plank plank, direct, closed>"


def test_a_receiver_may_close_it_or_pass_it_on_at_what_it_gets() -> None:
    wire, last = Plank(), Taker()
    first = Taker(lambda: wire.start(last))
    wire.arrived(b"one")
    wire.start(first)
    wire.arrived(b"two")
    assert (first.got, last.got) == ([b"one"], [b"two"])
    wire = Plank()
    closing = Taker(wire.close)
    wire.arrived(b"one")
    wire.lost("the wind")
    wire.start(closing)
    assert closing.got == [b"one"]


def test_a_receiver_that_is_still_at_what_waited_gets_the_rest_in_order() -> None:
    wire = Plank()
    taker = Taker(lambda: wire.arrived(b"two") if len(taker.got) == 1 else None)
    wire.arrived(b"one")
    wire.start(taker)
    assert taker.got == [b"one", b"two"]
