"""Mapped ports: the packets of PCP and NAT-PMP, byte by byte, and what a router may answer."""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.networks import mapping, pcp
from huddle.networks.nat import Seen, verdict

NONCE = bytes(range(12))


def pcp_answer(result: int = 0, *, nonce: bytes = NONCE, host: str = "0b4d0002", port: int = 4000) -> bytes:
    head = struct.pack("!BBBBII12x", 2, 0x81, 0, result, 600, 1)
    return head + nonce + struct.pack("!B3xHH", 6, 1234, port) + bytes(10) + b"\xff\xff" + bytes.fromhex(host)


def test_a_pcp_request_is_that_of_rfc_6887() -> None:
    request = pcp.pcp_map("192.168.1.2", 1234, 4000, 600, NONCE)
    assert request.hex() == (
        "02010000" "00000258" "00000000000000000000ffffc0a80102"
        "000102030405060708090a0b" "06000000" "04d2" "0fa0" "00000000000000000000ffff00000000"
    )  # fmt: skip


def test_what_a_pcp_router_gave() -> None:
    assert pcp.pcp_mapped(pcp_answer(), NONCE) == pcp.Given("11.77.0.2", 4000, 600)
    assert pcp.pcp_mapped(pcp_answer(nonce=bytes(12)), NONCE) is None
    with pytest.raises(pcp.Refused, match="result 2"):
        pcp.pcp_mapped(pcp_answer(2), NONCE)
    with pytest.raises(pcp.OnlyNatPmp):
        pcp.pcp_mapped(bytes.fromhex("0081000100000000"), NONCE)


def test_nat_pmp_is_that_of_rfc_6886() -> None:
    assert pcp.pmp_address() == b"\0\0"
    assert pcp.pmp_map(1234, 4000, 600).hex() == "0002000004d20fa000000258"
    assert pcp.pmp_map(1234, 4000, 0).hex() == "0002000004d2000000000000"
    assert pcp.pmp_addressed(bytes.fromhex("00800000000000010b4d0002")) == "11.77.0.2"
    mapped = bytes.fromhex("008200000000000104d20fa000000258")
    assert pcp.pmp_mapped(mapped, 1234) == (4000, 600)
    assert pcp.pmp_mapped(mapped, 1235) is None
    with pytest.raises(pcp.Refused, match="result 2"):
        pcp.pmp_mapped(bytes.fromhex("008200020000000104d200000000000"[:32].ljust(32, "0")), 1234)


@given(st.binary(max_size=80))
def test_whatever_a_router_sends_is_read_or_refused(packet: bytes) -> None:
    readers: list[Callable[[bytes], object]] = [
        lambda data: pcp.pcp_mapped(data, NONCE),
        pcp.pmp_addressed,
        lambda data: pcp.pmp_mapped(data, 1234),
    ]
    for read in readers:
        try:
            read(packet)
        except pcp.Refused:
            pass


class OldRouter(asyncio.DatagramProtocol):
    """A router that speaks NAT-PMP only."""

    def __init__(self) -> None:
        self.mapped: dict[int, int] = {}
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if data[0]:
            self.transport.sendto(struct.pack("!BBHI", 0, 0x80 | data[1], 1, 1), addr)
        elif data[1] == 0:
            self.transport.sendto(struct.pack("!BBHI4s", 0, 128, 0, 1, bytes([11, 77, 0, 2])), addr)
        else:
            inner, wanted, lifetime = struct.unpack("!HHI", data[4:12])
            if lifetime:
                self.mapped[inner] = wanted + 1  # the wanted one is taken
            else:
                self.mapped.pop(inner, None)
            answer = struct.pack("!BBHIHHI", 0, 130, 0, 1, inner, self.mapped.get(inner, 0), lifetime)
            self.transport.sendto(answer, addr)


@asynccontextmanager
async def old_router(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OldRouter]:
    loop = asyncio.get_running_loop()
    transport, router = await loop.create_datagram_endpoint(OldRouter, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    ask = pcp.ask

    async def there(host: str, request: bytes, read: Any) -> Any:
        return await ask(host, request, read, port)

    monkeypatch.setattr(pcp, "ask", there)
    monkeypatch.setattr(mapping, "gateway", lambda: "127.0.0.1")
    try:
        yield router
    finally:
        transport.close()


async def test_a_router_that_speaks_nat_pmp_only(monkeypatch: pytest.MonkeyPatch) -> None:
    own = mapping.addresses.routed_address(4)
    if own is None:
        pytest.skip("this machine has no route")
    async with old_router(monkeypatch) as router:
        mapped = await mapping.map_port(1234, [own])
        assert str(mapped) == "11.77.0.2 port 1235 by NAT-PMP"
        assert await mapping.outside() == "11.77.0.2"
        holding = asyncio.create_task(mapping.hold(mapped))
        await asyncio.sleep(0)
        assert router.mapped
        holding.cancel()
        await asyncio.gather(holding, return_exceptions=True)
        assert not router.mapped


async def test_a_port_on_another_address_is_not_mapped() -> None:
    with pytest.raises(mapping.NoMapping, match="no address"):
        await mapping.map_port(1234, [])


def test_the_gateway_is_that_of_the_cheapest_default_route() -> None:
    head = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
    assert mapping.parse_routes(head) == ""
    table = head + (
        "wlan0 00000000 0201A8C0 0003 0 0 600 00000000 0 0 0\n"
        "eth0 00000000 0101A8C0 0003 0 0 100 00000000 0 0 0\n"
        "eth0 0001A8C0 00000000 0001 0 0 100 00FFFFFF 0 0 0\n"
    )
    assert mapping.parse_routes(table) == "192.168.1.1"


@pytest.mark.parametrize(
    ("seen", "state", "words"),
    [
        (Seen(("192.168.1.2", 9), 2, ()), "warn", "UDP is blocked"),
        (Seen(("11.77.0.2", 9), 1, (("11.77.0.2", 9),)), "ok", "its own address"),
        (Seen(("192.168.1.2", 9), 2, (("11.77.0.2", 7), ("11.77.0.2", 8))), "warn", "symmetric"),
        (Seen(("192.168.1.2", 9), 2, (("11.77.0.2", 7), ("11.77.0.2", 7)), True), "ok", "hairpin works"),
        (Seen(("192.168.1.2", 9), 1, (("11.77.0.2", 7),), False, "100.64.0.9"), "warn", "CGNAT"),
        (Seen(("192.168.1.2", 9), 1, (("100.64.0.9", 7),)), "warn", "CGNAT"),
        (
            Seen(("192.168.1.2", 9), 1, (("11.77.0.2", 7),), False, "11.77.0.2"),
            "ok",
            "the router gives ports",
        ),
    ],
)
def test_what_stun_and_the_router_mean(seen: Seen, state: str, words: str) -> None:
    found = verdict(seen)
    assert found[0] == state
    assert words in found[1]
