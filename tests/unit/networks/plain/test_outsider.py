"""The part of an end: its configuration leads to each peer, directly or by who forwards."""

import asyncio
import re

import pytest

from huddle.errors import NetworkError
from huddle.networks import outsiders
from huddle.networks.plain import forwarded_ports
from huddle.networks.plain.outsider import PlainOutsider
from huddle.networks.wireguard.keys import Key, address
from tests.unit.networks.plain.test_offers import key, offers
from tests.unit.networks.test_outsiders import MIXED


def nothing(pid: int, ports: outsiders.Ports) -> None:
    raise AssertionError("an end forwards nothing")


def endpoints(config: str) -> list[str]:
    return re.findall(r"^Endpoint = (.*)$", config, re.M)


async def test_peers_are_reached_directly_or_by_who_forwards() -> None:
    end = PlainOutsider(Key.fresh())
    others = {pid: role for pid, role in MIXED.items() if pid != 1}
    starting = asyncio.create_task(end.start(1, offers(others), MIXED, nothing))
    await asyncio.sleep(0)
    assert not starting.done()
    end.forwarded(2, {2: 1, 3: 1})  # who does not forward names nothing
    end.forwarded(0, {2: 5002, 3: 5003})
    await starting
    assert endpoints(end.configuration()) == ["192.0.2.1:4000", "192.0.2.1:5002", "192.0.2.1:5003"]
    assert end.addresses[0] == address(key(0)) and sorted(end.addresses) == [0, 1, 2, 3]
    await end.close()


async def test_with_open_peers_alone_nobody_has_to_forward() -> None:
    end = PlainOutsider(Key.fresh())
    await end.start(1, offers({0: outsiders.OPEN}), {0: outsiders.OPEN, 1: outsiders.END}, nothing)
    assert endpoints(end.configuration()) == ["192.0.2.1:4000"]


async def test_who_forwards_and_says_nothing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forwarded_ports, "TOLD", 0.01)
    end = PlainOutsider(Key.fresh())
    others = {pid: role for pid, role in MIXED.items() if pid != 1}
    with pytest.raises(NetworkError, match="Ada does not say"):
        await end.start(1, offers(others), MIXED, nothing)
    end.forwarded(0, {2: 5002})
    with pytest.raises(NetworkError, match="Nothing leads to Cem"):
        end.configuration()
