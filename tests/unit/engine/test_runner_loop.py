"""Connections of MPyC over a runner's channels, with the test as the supervisor."""

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from huddle.engine import runner_loop
from huddle.engine.runner_loop import PORT, Session, Verdict, host, loop_class
from huddle.links import frames
from huddle.links.frames import DATA, END, EOF, control, data_frames

Base = asyncio.SelectorEventLoop


class Mpyc(asyncio.Protocol):
    """Notes what happens to it."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.seen.append(data)

    def connection_lost(self, error: Exception | None) -> None:
        self.seen.append(error)


class Place:
    """Party `pid` of three in this process, and the supervisor's ends of its channels."""

    def __init__(self, pid: int, max_queue: int = 0) -> None:
        self.session = Session(frames, pid, max_queue)
        self.ends: dict[int, socket.socket] = {}
        peers = {}
        for peer in range(3):
            if peer != pid:
                self.ends[peer], theirs = socket.socketpair()
                self.ends[peer].settimeout(5)
                peers[peer] = f"party{peer}", theirs
        self.session.attach(peers)
        self.loop = loop_class(Base, self.session)()
        self.session.use(self.loop)
        self.protocols: list[Mpyc] = []

    def factory(self) -> Mpyc:
        self.protocols.append(Mpyc())
        return self.protocols[-1]

    def connect(self, peer: int) -> Mpyc:
        _, protocol = self.loop.run_until_complete(
            self.loop.create_connection(self.factory, host(peer), PORT + peer, ssl=None)
        )
        assert isinstance(protocol, Mpyc)
        return protocol

    def serve(self) -> list[Mpyc]:
        count = len(self.protocols)
        server = self.loop.run_until_complete(
            self.loop.create_server(self.factory, port=PORT + self.session.pid)
        )
        assert server.is_serving()
        server.close()
        return self.protocols[count:]

    def tick(self) -> None:
        """Let the loop read what is there and do what follows."""
        for _ in range(3):
            self.loop.run_until_complete(asyncio.sleep(0))

    def say(self, peer: int, *stream: bytes) -> None:
        self.ends[peer].sendall(b"".join(stream))
        self.tick()

    def said(self, peer: int) -> list[tuple[int, int, bytes]]:
        self.tick()
        self.ends[peer].settimeout(0)
        try:
            data = self.ends[peer].recv(1 << 22)
        except BlockingIOError:
            return []
        whole, end = frames.frames_in(data)
        assert end == len(data)
        return whole

    def close(self) -> None:
        self.loop.close()
        for sock in self.ends.values():
            sock.close()
        for channel in self.session.channels.values():
            channel.sock.close()


@pytest.fixture
def place() -> Iterator[Place]:
    """The middle one of three: it serves party 0 and connects to party 2."""
    here = Place(1)
    yield here
    here.close()


def hello(peer: int) -> bytes:
    return data_frames(bytes([peer, 0]), 1)


def test_what_one_tick_writes_leaves_in_one_send(place: Place) -> None:
    mpyc = place.connect(2)
    place.say(2, data_frames(b"x", 6))
    for word in (b"one", b"two", b"three"):
        mpyc.transport.write(word)
    mpyc.transport.writelines([b"fo", b"ur"])
    assert place.said(2) == [(DATA, 7, word) for word in (b"one", b"two", b"three", b"four")]


def test_a_long_write_goes_in_pieces(place: Place) -> None:
    mpyc = place.connect(2)
    mpyc.transport.write(bytes(150_000))
    assert [len(payload) for _, _, payload in place.said(2)] == [65_536, 65_536, 18_928]


def test_what_comes_early_is_kept(place: Place) -> None:
    place.say(0, hello(0), data_frames(b"early", 2))
    (mpyc,) = place.serve()
    place.say(0, data_frames(b"late", 3))
    assert mpyc.seen == [b"\0\0early", b"late"]


def test_a_frame_may_come_in_any_pieces(place: Place) -> None:
    (mpyc,) = place.serve()
    for byte in hello(0) + data_frames(b"slow", 9):
        place.say(0, bytes([byte]))
    assert b"".join(mpyc.seen) == b"\0\0slow"
    assert place.session.depth == 9


def test_the_peer_closes(place: Place) -> None:
    (mpyc,) = place.serve()
    place.say(0, hello(0), control(EOF), hello(0), data_frames(b"second", 5))
    assert mpyc.seen == [b"\0\0", None]
    assert place.said(0) == [(EOF, 0, b"")]
    (again,) = place.serve()
    assert b"".join(again.seen) == b"\0\0second"


def test_this_side_closes_and_the_rest_is_dropped_until_the_peer_does(place: Place) -> None:
    mpyc = place.connect(2)
    mpyc.transport.close()
    mpyc.transport.close()
    mpyc.transport.write(b"too late")
    assert place.said(2) == [(EOF, 0, b"")]
    again = place.connect(2)
    place.say(2, data_frames(b"for the first", 1), control(EOF), data_frames(b"for the second", 2))
    assert mpyc.seen == [None]
    assert again.seen == [b"for the second"]
    assert place.said(2) == []


def test_both_close_at_once(place: Place) -> None:
    mpyc = place.connect(2)
    place.ends[2].sendall(control(EOF))
    mpyc.transport.close()
    place.tick()
    assert mpyc.seen == [None]
    assert place.said(2) == [(EOF, 0, b"")]
    again = place.connect(2)
    place.say(2, data_frames(b"next", 2))
    assert again.seen == [b"next"]


def test_a_connection_that_was_over_before_it_began_here(place: Place) -> None:
    place.say(0, hello(0), control(EOF), hello(0))
    (first,) = place.serve()
    place.tick()
    assert first.seen == [b"\0\0", None]
    (second,) = place.serve()
    assert second.seen == [b"\0\0"]


@pytest.mark.parametrize("parts", [(b"\2\0",), (b"\2", b"\0rest")])
def test_a_false_pid_is_a_verdict(place: Place, parts: tuple[bytes, ...]) -> None:
    (mpyc,) = place.serve()
    with pytest.raises(Verdict) as caught:
        place.say(0, *(data_frames(part, 1) for part in parts))
    assert caught.value.peer == 0
    assert caught.value.reason == "party0 claimed to be party 2"
    assert mpyc.seen == []
    # and whoever swallowed it gets it again
    with pytest.raises(Verdict):
        place.tick()


def test_a_peer_that_ends_while_it_is_needed_is_named(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_loop, "PATIENCE", 0.01)
    place.connect(2)
    with pytest.raises(Verdict) as caught:
        place.say(2, control(END))
        place.loop.run_until_complete(asyncio.sleep(5))
    assert caught.value.peer == 2


def test_a_peer_that_is_waited_for_and_has_ended_is_named(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_loop, "PATIENCE", 0.01)
    place.say(0, control(END))
    with pytest.raises(Verdict) as caught:
        place.serve()
        place.loop.run_until_complete(asyncio.sleep(5))
    assert caught.value.peer == 0


def test_a_higher_peer_that_closes_first_and_ends_is_named(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_loop, "PATIENCE", 0.01)
    place.serve()
    place.connect(2)
    place.say(2, control(EOF))
    with pytest.raises(Verdict) as caught:
        place.say(2, control(END))
        place.loop.run_until_complete(asyncio.sleep(5))
    assert caught.value.peer == 2


def test_an_orderly_end_is_no_verdict(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_loop, "PATIENCE", 0.01)
    place.serve()
    place.connect(2)
    place.say(0, hello(0), control(EOF), control(END))
    place.loop.run_until_complete(asyncio.sleep(0.05))
    assert place.session.verdict is None


def test_a_program_that_gets_on_is_left_alone(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_loop, "PATIENCE", 0.05)
    mpyc, other = place.connect(2), place.serve()[0]
    place.say(2, control(END))
    for number in range(20):
        place.say(0, data_frames(b"\0\0", 1 + number))
        place.loop.run_until_complete(asyncio.sleep(0.01))
    other.transport.close()
    mpyc.transport.close()
    place.loop.run_until_complete(asyncio.sleep(0.2))
    assert place.session.verdict is None


def test_more_than_the_queue_may_hold() -> None:
    place = Place(0, max_queue=3_000_000)
    mpyc = place.connect(1)
    mpyc.transport.write(bytes(2_900_000))
    place.tick()
    assert 0 < mpyc.transport.get_write_buffer_size() < 2_900_000
    mpyc.transport.write(bytes(3_000_000))
    with pytest.raises(Verdict, match="76"):
        place.tick()
    assert place.session.verdict
    assert place.session.verdict.reason.startswith("party1 is slow")
    place.close()


def test_too_much_too_early_stops_the_reading_until_the_program_connects(place: Place) -> None:
    stream = hello(0) + data_frames(bytes(4 << 20), 1)
    end = place.ends[0]
    end.setblocking(False)
    sent = 0
    for _ in range(100):
        try:
            sent += end.send(stream[sent:])
        except BlockingIOError:
            place.tick()
    assert sent < len(stream)
    (mpyc,) = place.serve()
    while sent < len(stream):
        try:
            sent += end.send(stream[sent:])
        except BlockingIOError:
            place.tick()
    place.tick()
    assert sum(map(len, mpyc.seen)) == 2 + (4 << 20)


def test_the_end_is_told_without_a_loop(place: Place) -> None:
    mpyc = place.connect(2)
    mpyc.transport.write(b"last words")
    place.loop.close()
    place.session.finish(well=True)
    data, _ = frames.frames_in(place.ends[2].recv(1000))
    assert data == [(DATA, 1, b"last words"), (END, 0, b"")]
    assert place.ends[0].recv(1000) == control(END)


def test_a_failed_program_does_not_wait_for_a_slow_peer(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_loop, "PATIENCE", 0.05)
    place.connect(2).transport.write(bytes(5_000_000))
    place.session.finish(well=False)
    assert place.ends[0].recv(1000) == control(END)


def test_any_other_address_is_left_to_the_real_loop(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        transport, _ = place.loop.run_until_complete(
            place.loop.create_connection(asyncio.Protocol, "127.0.0.1", port)
        )
        server.accept()[0].close()
        transport.close()
        place.tick()
