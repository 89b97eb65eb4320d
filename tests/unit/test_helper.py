"""Helpers: each request is answered, whatever is none ends them, and nothing of them stays."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle import helper
from huddle.codec import U8, Limit, encode
from huddle.errors import LocalError, NetworkError
from huddle.helper import Answer, Helper

NO_CHILD = 1 << 22  # the pid of no process


@dataclass(frozen=True, slots=True)
class Say:
    text: Annotated[str, Limit(100)]


@dataclass(frozen=True, slots=True)
class Fail:
    how: U8


@dataclass(frozen=True, slots=True)
class Wait:
    pass


@dataclass(frozen=True, slots=True)
class Open:
    pass


class Service:
    requests: ClassVar[tuple[type[Any], ...]] = (Say, Fail, Wait, Open)

    def __init__(self) -> None:
        self.closed = False
        self.go_on = asyncio.Event()
        self.done: list[Any] = []

    async def do(self, request: Any, descriptor: int) -> Answer:
        assert type(request) in self.requests
        self.done.append(request)
        match request:
            case Say(text):
                return Answer(text.upper().encode())
            case Fail(0):
                raise NetworkError("no way", hint="another")
            case Fail(1):
                raise OSError(28, "No space left on device")
            case Fail():
                raise ValueError("nobody asks this")
            case Wait():
                await self.go_on.wait()
        if isinstance(request, Open):
            reading, writing = os.pipe()
            os.write(writing, b"through")
            os.close(writing)
            return Answer(descriptor=reading)
        return Answer()

    async def close(self) -> None:
        self.closed = True


@asynccontextmanager
async def helped(service: Service) -> AsyncIterator[tuple[Helper, socket.socket, "asyncio.Task[None]"]]:
    """A helper in this process: the protocol without the fork."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    async def serve() -> None:
        with theirs:
            await helper._serve([service], theirs)

    serving = asyncio.create_task(serve())
    one = Helper(ours, Service.requests, NO_CHILD)
    try:
        yield one, ours, serving
    finally:
        one.close()
        await asyncio.wait_for(serving, 5)
    assert service.closed


async def test_each_is_answered_as_it_is_asked() -> None:
    service = Service()
    async with helped(service) as (one, _, _):
        waiting = asyncio.create_task(one.ask(Wait()))
        answers = await asyncio.gather(*(one.ask(Say(text)) for text in ("ada", "bob")))
        assert [answer.data for answer in answers] == [b"ADA", b"BOB"]
        assert not waiting.done()
        service.go_on.set()
        await waiting


async def test_a_descriptor_comes_through() -> None:
    async with helped(Service()) as (one, _, _):
        answer = await one.ask(Open())
        assert os.read(answer.descriptor, 10) == b"through"
        assert not os.get_inheritable(answer.descriptor)
        answer.close()


async def test_errors_come_back_as_what_they_are() -> None:
    async with helped(Service()) as (one, _, _):
        with pytest.raises(NetworkError, match="no way") as caught:
            await one.ask(Fail(0))
        assert caught.value.hint == "another"
        with pytest.raises(LocalError, match="No space left"):
            await one.ask(Fail(1))
        assert (await one.ask(Say("on"))).data == b"ON"


async def test_an_answer_that_nobody_waits_for_is_closed() -> None:
    service = Service()
    before = len(os.listdir("/proc/self/fd"))
    async with helped(service) as (one, _, _):
        waiting = asyncio.create_task(one.ask(Open()))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert (await one.ask(Say("next"))).data == b"NEXT"
        assert len(os.listdir("/proc/self/fd")) == before + 2  # the pair


NONSENSE: list[tuple[str, Callable[[Helper, socket.socket], object]]] = [
    ("nothing of a request", lambda _, sock: sock.send(b"\0\0")),
    ("no such kind", lambda _, sock: sock.send(b"\0\0\0\1\4")),
    ("a byte too many", lambda _, sock: sock.send(b"\0\0\0\1\2x")),
    ("too long a text", lambda _, sock: sock.send(b"\0\0\0\1\0" + (101).to_bytes(4, "big") + b"x" * 101)),
    ("a value that no honest asker has", lambda one, _: one._send(Fail(2), -1)),
    ("too much at once", lambda one, _: [one._send(Wait(), -1) for _ in range(helper.AT_ONCE + 1)]),
]


@pytest.mark.parametrize(("what", "send"), NONSENSE, ids=[what for what, _ in NONSENSE])
async def test_nonsense_ends_it(what: str, send: Callable[[Helper, socket.socket], object]) -> None:
    service = Service()
    async with helped(service) as (one, sock, serving):
        asked = asyncio.create_task(one.ask(Wait()))
        await asyncio.sleep(0)
        send(one, sock)
        with pytest.raises(LocalError, match="has ended"):
            await asyncio.wait_for(asked, 5)
        assert serving.done()


async def test_who_asks_a_dead_one_is_told() -> None:
    async with helped(Service()) as (one, sock, serving):
        sock.shutdown(socket.SHUT_WR)
        await serving
        with pytest.raises(LocalError, match="has ended"):
            await one.ask(Say("anybody?"))
        with pytest.raises(LocalError, match="has ended"):
            one.ask_now(Say("anybody?"))


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_whatever_is_sent_the_service_gets_typed_requests_or_nothing(messages: list[bytes]) -> None:
    async def scene() -> None:
        service = Service()
        service.go_on.set()
        async with helped(service) as (_, sock, serving):
            for message in messages:
                if serving.done():
                    break
                sock.send(message or b"\0")
                await asyncio.sleep(0)
        assert all(type(one) in Service.requests for one in service.done)
        assert all(encode(one) is not None for one in service.done)

    asyncio.run(scene())


SCRIPT = """
import os, signal, sys
from tests.unit.test_helper import Say, Service
from huddle.helper import Helper

class Noted(Service):
    def __init__(self): self.closed = False; self.done = []
    async def close(self): open(sys.argv[1], "w").write("closed")

first, second = Helper.start([Noted()]), Helper.start([Noted()])
print(first.ask_now(Say("forked")).data.decode(), flush=True)
if sys.argv[2] == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
first.close()
assert os.path.exists(sys.argv[1]), "close waits until all is tidy, though a second one was forked meanwhile"
second.close()
"""


@pytest.mark.parametrize("end", ["closed", "killed"])
def test_it_tidies_up_however_its_asker_ends(tmp_path: Any, end: str) -> None:
    mark = tmp_path / "mark"
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(mark), end], stdout=subprocess.PIPE, text=True, cwd=os.getcwd()
    )
    out, _ = process.communicate(timeout=30)
    assert out == "FORKED\n", "its own end of the output must not keep a reader waiting"
    assert process.returncode == (0 if end == "closed" else -9)
    for _ in range(200):
        if mark.exists():
            return
        subprocess.run(["sleep", "0.02"], check=True)
    raise AssertionError("it was not tidied up")
