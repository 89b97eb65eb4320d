"""What WireGuard asks of Linux, in a process whose program made uvloop the default."""

import asyncio
import gc

import pytest
import uvloop

from huddle.networks.wireguard import system

pytest.importorskip("pyroute2")


def test_netlink_takes_no_loop_that_a_program_chose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio, "new_event_loop", uvloop.new_event_loop)
    asyncio.run(system.remove("hd-not-there"))
    gc.collect()  # a socket that stayed open is a warning, and an error in tests
