"""A machine as the surroundings of a session: where the rendezvous that it runs can be reached."""

import ipaddress
import subprocess
import sys
from contextlib import AsyncExitStack

import pytest

from huddle.errors import LocalError
from huddle.networks.reach import addresses
from huddle.networks.reach.addresses import LocalAddress
from huddle.rendezvous.client.room import RoomClient
from huddle.session import native_platform as machine
from huddle.session.native_platform import NativePlatform
from huddle.session.settings import Settings


def local(interface: str, address: str) -> LocalAddress:
    return LocalAddress(interface, ipaddress.ip_interface(address))


async def test_the_rendezvous_is_where_via_says_and_nowhere_else() -> None:
    async with AsyncExitStack() as stack:
        url, reach = await NativePlatform().embed(Settings("Ada", via="127.0.0.1"), stack)
        assert url.startswith("http://127.0.0.1:") and "127.0.0.1" in reach and "--via" not in reach
        async with RoomClient(url, bytes(16), create=True, owner_key=bytes(32)) as room:
            await room.delete()


async def test_an_interface_that_is_none_is_said() -> None:
    async with AsyncExitStack() as stack:
        with pytest.raises(LocalError):
            await NativePlatform().embed(Settings("Ada", via="nowhere0"), stack)


def test_a_person_is_told_whom_the_invitation_leaves_out(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = [
        local("lo", "127.0.0.1/8"),
        local("eth0", "192.168.1.5/24"),
        local("eth0", "fe80::1/64"),
        local("wg0", "10.8.0.3/24"),
    ]
    monkeypatch.setattr(addresses, "local_addresses", lambda: mine)
    others = machine._others("192.168.1.5")
    assert [str(one.ip) for one in others] == ["10.8.0.3"]
    said = machine._reach("192.168.1.5", others)
    assert "reach 192.168.1.5" in said and "10.8.0.3 (wg0)" in said and "--via" in said
    assert "--via" not in machine._reach("192.168.1.5", [])


async def test_who_met_at_this_machine_s_rendezvous_finds_it_at_the_same_port_again() -> None:
    settings = Settings("Ada", via="127.0.0.1")
    async with AsyncExitStack() as stack:
        first, _ = await NativePlatform().embed(settings, stack)
    async with AsyncExitStack() as stack:
        again, _ = await NativePlatform().embed(settings, stack, first)
        assert again == first
        other, _ = await NativePlatform().embed(settings, stack, first)  # somebody has the port now
        assert other != first and other.startswith("http://127.0.0.1:")


async def test_who_met_at_another_machine_s_rendezvous_meets_there_again() -> None:
    async with AsyncExitStack() as stack:
        url, reach = await NativePlatform().embed(Settings("Ada"), stack, "https://huddle.example.org")
        assert url == "https://huddle.example.org" and "met last" in reach


def test_memory_is_that_of_this_process_and_not_what_its_parent_held() -> None:
    held = bytearray(200_000_000)
    held[::4096] = b"x" * len(held[::4096])
    code = "from huddle.session.native_platform import NativePlatform\nprint(NativePlatform().peak_memory())"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 10 < float(said.stdout) < 150
