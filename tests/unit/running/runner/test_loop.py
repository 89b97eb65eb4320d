"""Connections of MPyC over a runner's lane, with the test as the supervisor."""

import asyncio
import socket
import threading
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from huddle.links import frames
from huddle.links.frames import ACK, DATA, END, EOF, MAX_PAYLOAD, PEER, WINDOW, control, data_frames
from huddle.running.runner import loop as runner_loop
from huddle.running.runner import mux as runner_mux
from huddle.running.runner.equip import equip
from huddle.running.runner.loop import PORT, PeerConnections, ProgramAborted, host
from huddle.running.runner.mux import SupervisorMux

MB = 1 << 20
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
    """Party `pid` of three in this process, and the supervisor's end of its lane."""

    def __init__(self, pid: int, max_queue: int = 0) -> None:
        self.session = PeerConnections(frames, pid, max_queue)
        self.end, theirs = socket.socketpair()
        self.end.setblocking(False)
        self.lane = SupervisorMux(frames, theirs)
        self.session.attach({peer: f"party{peer}" for peer in range(3) if peer != pid}, self.lane)
        self.part = b""
        self.speaker = -1
        self.streams: dict[int, bytes] = dict.fromkeys(self.session.channels, b"")
        self.acked: dict[int, int] = dict.fromkeys(self.session.channels, 0)
        loop_type: Any = type("Loop", (Base,), {})
        equip(loop_type, self.session, PORT)
        self.loop = loop_type()
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
        self.write(control(PEER, peer) + b"".join(stream))

    def write(self, data: bytes) -> None:
        while data:
            data = data[self.end.send(data) :]
            self.tick()

    def allow(self, peer: int, offset: int) -> None:
        """This peer's program has so many bytes."""
        self.write(control(PEER, peer) + control(ACK, offset))

    def read(self) -> None:
        """Take all that is written to the lane, and take it apart."""
        try:
            while data := self.end.recv(1 << 22):
                self.part += data
                if not self.loop.is_closed():
                    self.tick()
        except BlockingIOError:
            pass
        data, at = self.part, 0
        while at < len(data):
            if frame := frames.lane_frame(data, at):
                kind, number, at = frame
                if kind == PEER:
                    self.speaker = number
                else:
                    self.acked[self.speaker] = number
                continue
            end = frames.scan(data, at, frames.LANE)[0]
            if end == at:
                break
            self.streams[self.speaker] += data[at:end]
            at = end
        self.part = data[at:]

    def said(self, peer: int) -> list[tuple[int, int, bytes]]:
        self.tick()
        self.read()
        whole, end = frames.frames_in(self.streams[peer])
        assert end == len(self.streams[peer])
        self.streams[peer] = b""
        return whole

    def close(self) -> None:
        self.loop.close()
        self.end.close()
        self.lane.sock.close()


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
    for byte in control(PEER, 0) + hello(0) + data_frames(b"slow", 9):
        place.write(bytes([byte]))
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
    place.end.sendall(control(PEER, 2) + control(EOF))
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
    with pytest.raises(ProgramAborted) as caught:
        place.say(0, *(data_frames(part, 1) for part in parts))
    assert caught.value.peer == 0
    assert caught.value.reason == "party0 claimed to be party 2"
    assert mpyc.seen == []
    # and whoever swallowed it gets it again
    with pytest.raises(ProgramAborted):
        place.tick()


def test_a_peer_s_end_alone_ends_nothing(place: Place) -> None:
    mpyc = place.connect(2)
    place.serve()
    place.say(2, data_frames(b"last", 1), control(END))
    place.loop.run_until_complete(asyncio.sleep(0.05))
    assert place.session.verdict is None
    assert mpyc.seen == [b"last"]
    mpyc.transport.write(b"to nobody")


def test_a_program_that_is_stuck_is_told_as_tcp_would_tell_it(place: Place) -> None:
    gone, (there,) = place.connect(2), place.serve()
    place.say(0, hello(0))
    assert not place.session.hang_up()
    place.say(2, control(END))
    assert place.session.hang_up()
    place.tick()
    assert gone.seen == [None]
    assert there.seen == [b"\0\0"]
    assert not place.session.hang_up()


def test_counts_are_those_of_whole_frames_and_name_who_is_waited_for(place: Place) -> None:
    mpyc = place.connect(2)
    mpyc.buffers = {1: place.loop.create_future(), 2: b"early"}  # type: ignore[attr-defined]
    mpyc.transport.write(b"four")
    place.say(2, data_frames(b"abc", 1), control(EOF), data_frames(b"later", 1))
    place.say(0, control(END))
    place.tick()
    assert place.session.counts() == ((0, 0, 8, True, False), (2, 12 + 8, 11 + 8 + 13, False, False))
    assert sum(len(part) + 8 for _, _, part in place.said(2)) == 20


def test_more_than_the_queue_may_hold() -> None:
    place = Place(0, max_queue=11_000_000)
    mpyc = place.connect(1)
    mpyc.transport.write(bytes(10_900_000))
    place.tick()
    assert 0 < mpyc.transport.get_write_buffer_size() < 10_900_000
    mpyc.transport.write(bytes(9_000_000))
    with pytest.raises(ProgramAborted, match="76"):
        place.loop.run_forever()
    assert place.session.verdict
    assert place.session.verdict.reason.startswith("party1 is slow")
    place.close()


def test_what_comes_too_early_is_not_acknowledged_until_the_program_connects(place: Place) -> None:
    place.say(0, hello(0), data_frames(bytes(MB), 1))
    place.read()
    assert place.acked[0] == 0
    (mpyc,) = place.serve()
    place.tick()
    place.read()
    assert sum(map(len, mpyc.seen)) == 2 + MB
    assert place.acked == {0: len(hello(0)) + len(data_frames(bytes(MB))), 2: 0}


def test_little_is_acknowledged_soon_after(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_mux, "LATER", 0.001)
    place.serve()
    little = hello(0) + data_frames(b"little", 1)
    place.say(0, little)
    while not place.acked[0]:
        place.loop.run_until_complete(asyncio.sleep(0.001))
        place.read()
    assert place.acked == {0: len(little), 2: 0}


def test_a_program_that_stops_reading_one_peer_still_hears_the_other(place: Place) -> None:
    deaf, (mpyc,) = place.connect(2), place.serve()
    deaf.transport.pause_reading()
    place.say(2, data_frames(bytes(MB // 2), 1), control(EOF))
    place.say(0, hello(0), data_frames(b"hear me", 1))
    place.read()
    assert mpyc.seen[-1].endswith(b"hear me")
    assert deaf.seen == []
    assert place.acked[2] == 0
    deaf.transport.resume_reading()
    place.tick()
    place.read()
    assert sum(map(len, deaf.seen[:-1])) == MB // 2
    assert deaf.seen[-1] is None
    assert place.acked[2] > MB // 2


def test_a_peer_without_room_holds_up_nobody_else(place: Place) -> None:
    slow, (mpyc,) = place.connect(2), place.serve()
    slow.transport.write(bytes(3 * WINDOW))
    slow.transport.write(b"last")
    mpyc.transport.write(b"quick")
    assert place.said(0) == [(DATA, 1, b"quick")]
    got = sum(len(payload) + 8 for _, _, payload in place.said(2))
    assert WINDOW <= got < WINDOW + MAX_PAYLOAD + 8
    assert slow.transport.get_write_buffer_size() > 2 * WINDOW - MAX_PAYLOAD
    place.allow(2, MB)
    got += sum(len(payload) + 8 for _, _, payload in place.said(2))
    assert WINDOW + MB <= got < WINDOW + MB + MAX_PAYLOAD + 8
    place.allow(2, 3 * WINDOW)
    rest = place.said(2)
    assert rest[-1] == (DATA, 1, b"last")
    assert got + sum(len(payload) + 8 for _, _, payload in rest) == len(data_frames(bytes(3 * WINDOW))) + 12
    assert slow.transport.get_write_buffer_size() == 0


def test_what_the_lane_has_no_room_for_waits_as_it_is(place: Place) -> None:
    """A copy of all that is left at each send, as it once was, made ten megabytes half as fast."""
    mpyc = place.connect(2)
    mpyc.transport.write(bytes(WINDOW))
    place.tick()
    tracemalloc.start()
    try:
        for _ in range(5):
            assert place.end.recv(MB // 8)
            tracemalloc.reset_peak()
            place.lane.flush()
            assert tracemalloc.get_traced_memory()[1] < MB // 2
    finally:
        tracemalloc.stop()


def test_the_end_is_told_without_a_loop(place: Place) -> None:
    mpyc = place.connect(2)
    mpyc.transport.write(b"last words")
    place.loop.close()
    place.session.finish(well=True)
    place.read()
    data, _ = frames.frames_in(place.streams[2])
    assert data == [(DATA, 1, b"last words"), (END, 0, b"")]
    assert place.streams[0] == control(END)


def test_a_program_that_is_over_waits_for_the_window_and_wants_nothing_more(place: Place) -> None:
    mpyc = place.connect(2)
    mpyc.transport.write(bytes(2 * WINDOW))
    place.loop.close()
    seen = list(mpyc.seen)
    finishing = threading.Thread(target=place.session.finish, args=(True,))
    finishing.start()
    place.end.settimeout(5)
    place.end.sendall(control(PEER, 0) + hello(0) + data_frames(bytes(MB), 3) + control(END))
    while place.acked[0] < MB or not place.streams[2]:
        place.part += place.end.recv(1 << 20)
        place.end.setblocking(False)
        place.read()
        place.end.settimeout(5)
    assert finishing.is_alive()
    place.end.sendall(control(PEER, 2) + data_frames(b"too late", 4) + control(ACK, 2 * WINDOW))
    while not place.streams[2].endswith(control(END)):
        place.part += place.end.recv(1 << 20)
        place.end.setblocking(False)
        place.read()
        place.end.settimeout(5)
    finishing.join(5)
    assert not finishing.is_alive()
    assert mpyc.seen == seen


def test_a_failed_program_does_not_wait_for_a_slow_peer(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_loop, "LAST_WORDS", 0.05)
    place.connect(2).transport.write(bytes(20_000_000))
    place.session.finish(well=False)
    place.read()
    assert place.streams[0] == control(END)


def test_any_other_address_is_left_to_the_real_loop(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        transport, _ = place.loop.run_until_complete(
            place.loop.create_connection(asyncio.Protocol, "127.0.0.1", port)
        )
        server.accept()[0].close()
        transport.close()
        place.tick()
