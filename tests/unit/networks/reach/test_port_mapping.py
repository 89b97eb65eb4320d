"""Ports mapped by a router that speaks NAT-PMP only; netlab has one that speaks PCP and UPnP."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from huddle.networks.reach import addresses, pcp
from huddle.networks.reach import port_mapping as mapping


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
    own = addresses.routed_address(4)
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
