"""The relay on a real server: pairing, replacing, holding back, and each limit."""

import asyncio
import secrets
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from huddle.rendezvous.messages import MAX_RELAYED, Paired, Refused


@pytest.fixture
def path() -> str:
    return f"/v1/relay/{secrets.token_hex(16)}?side="


async def pair(server: Any, dial: Any, path: str) -> tuple[Any, Any]:
    a, b = await dial(server, path + "a"), await dial(server, path + "b")
    for side in (a, b):
        assert await side.receive() == Paired()
    return a, b


async def closing(bare: Any) -> tuple[int, str]:
    with pytest.raises(ConnectionClosed):
        await bare.socket.recv()
    return bare.socket.close_code, bare.socket.close_reason


async def test_what_one_side_sends_the_other_gets(serve: Any, dial: Any, path: str) -> None:
    a, b = await pair(await serve(), dial, path)
    messages = [secrets.token_bytes(size) for size in (0, 1, 5000, MAX_RELAYED)]
    for sender, taker in ((a, b), (b, a)):
        for message in messages:
            await sender.socket.send(message)
        assert [await taker.socket.recv() for _ in messages] == messages


async def test_channels_do_not_mix(serve: Any, dial: Any, path: str) -> None:
    server = await serve()
    other = f"/v1/relay/{secrets.token_hex(16)}?side="
    (a, b), (c, d) = await pair(server, dial, path), await pair(server, dial, other)
    await a.socket.send(b"for b")
    await c.socket.send(b"for d")
    assert (await b.socket.recv(), await d.socket.recv()) == (b"for b", b"for d")


async def test_a_side_that_leaves_takes_the_other_with_it_after_the_last_bytes(
    serve: Any, dial: Any, path: str
) -> None:
    a, b = await pair(await serve(), dial, path)
    for number in range(100):
        await a.socket.send(b"%d" % number)
    await a.socket.close()
    assert [await b.socket.recv() for _ in range(100)] == [b"%d" % number for number in range(100)]
    assert await closing(b) == (4002, "the other side left")


async def test_who_comes_again_replaces_its_old_connection_and_is_paired_anew(
    serve: Any, dial: Any, path: str
) -> None:
    server = await serve()
    a, b = await pair(server, dial, path)
    again = await dial(server, path + "a")
    assert await closing(a) == (4003, "the same party connected again")
    assert await closing(b) == (4002, "the other side connected again")
    b = await dial(server, path + "b")
    assert (await again.receive(), await b.receive()) == (Paired(), Paired())
    await again.socket.send(b"as before")
    assert await b.socket.recv() == b"as before"


async def test_who_waits_is_replaced_too(serve: Any, dial: Any, path: str) -> None:
    server = await serve()
    old = await dial(server, path + "a")
    await pair(server, dial, path)
    assert (await closing(old))[0] == 4003


async def test_nothing_may_be_sent_before_there_is_a_pair(serve: Any, dial: Any, path: str) -> None:
    a = await dial(await serve(), path + "a")
    await a.socket.send(b"hello?")
    assert (await a.receive()).code == "malformed"


@pytest.mark.parametrize(
    "wrong", ["/v1/relay/12?side=a", f"/v1/relay/{'0' * 32}?side=c", f"/v1/relay/{'A' * 32}"]
)
async def test_a_channel_or_side_that_is_none_is_refused(serve: Any, dial: Any, wrong: str) -> None:
    bare = await dial(await serve(), wrong)
    assert (await bare.receive()).code == "malformed"


async def test_a_message_over_the_limit_is_refused(serve: Any, dial: Any, path: str) -> None:
    a, b = await pair(await serve(), dial, path)
    await a.socket.send(bytes(MAX_RELAYED + 1))
    assert (await closing(a))[0] == 1009
    assert (await closing(b))[0] == 4002


async def test_channels_per_address(serve: Any, dial: Any, path: str) -> None:
    server = await serve(channels_per_address=2)
    a, b = await pair(server, dial, path)
    third = await dial(server, f"/v1/relay/{secrets.token_hex(16)}?side=a")
    refused = await third.receive()
    assert isinstance(refused, Refused)
    assert refused.code == "channels-per-address"
    await a.socket.close()
    await closing(b)


async def test_a_side_that_waits_too_long_is_told_so(serve: Any, dial: Any, clock: Any, path: str) -> None:
    server = await serve()
    a = await dial(server, path + "a")
    pong = await a.socket.ping()
    await pong
    clock.now += 121
    assert await closing(a) == (4004, "the other side did not come")


async def test_a_pair_that_is_silent_too_long_is_closed_and_one_that_talks_is_not(
    serve: Any, dial: Any, clock: Any, path: str
) -> None:
    a, b = await pair(await serve(), dial, path)
    clock.now += 899
    await a.socket.send(b"still here")
    assert await b.socket.recv() == b"still here"
    clock.now += 899
    await b.socket.send(b"me too")
    assert await a.socket.recv() == b"me too"
    clock.now += 901
    assert await closing(a) == (4004, "nothing was sent for too long")
    assert (await closing(b))[0] in (4002, 4004)


async def test_an_address_over_its_bytes_is_slowed_and_loses_nothing(
    serve: Any, dial: Any, clock: Any, path: str
) -> None:
    server = await serve(bytes_per_minute=600_000)
    a, b = await pair(server, dial, path)
    loop = asyncio.get_running_loop()
    for _ in range(60):
        await a.socket.send(bytes(10_000))
    for _ in range(60):
        await b.socket.recv()
    began = loop.time()
    await a.socket.send(bytes(2_000))  # 10,000 bytes a second: 0.2 s of debt
    assert await b.socket.recv() == bytes(2_000)
    assert loop.time() - began >= 0.19


async def test_a_side_that_reads_nothing_holds_the_other_back_and_is_dropped(
    serve: Any, dial: Any, path: str
) -> None:
    server = await serve(stall=0.3)
    a, b = await pair(server, dial, path)
    b.socket.transport.pause_reading()
    sent = 0
    with pytest.raises(ConnectionClosed):
        while sent < 1000:
            await a.socket.send(bytes(MAX_RELAYED))
            sent += 1
    # What was under way is in buffers of sockets, not in the relay: far from all of it.
    assert sent < 200
    assert (await closing(a)) == (4002, "the other side left")
