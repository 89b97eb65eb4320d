"""WireGuard without rights: what stands in its way is said. Tunnels are in tests/netlab."""

import asyncio
import os
import sys
from pathlib import Path

import psutil
import pytest

from huddle.errors import NetworkError
from huddle.networks.wireguard import rootless as wireguard_rootless
from huddle.networks.wireguard.rootless import RootlessDevice, problem

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="namespaces are Linux's")


def test_a_system_that_keeps_user_namespaces_to_itself_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbids, allows = tmp_path / "forbids", tmp_path / "allows"
    forbids.write_text("0\n")
    allows.write_text("1\n")
    monkeypatch.setattr(wireguard_rootless, "_FORBIDDING", {str(allows): "0", str(tmp_path / "none"): "0"})
    assert "namespaces" not in problem()
    monkeypatch.setattr(wireguard_rootless, "_FORBIDDING", {str(allows): "0", str(forbids): "0"})
    assert "not for everybody here" in problem() and str(forbids) in problem()


def test_a_tun_device_for_root_alone_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wireguard_rootless, "_FORBIDDING", {})
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert problem() == "/dev/net/tun is not for everybody here"


@pytest.mark.parametrize("program", ["/bin/false", "/nowhere/wireguard-go"])
async def test_what_does_not_start_there_says_why_and_leaves_nothing(program: str) -> None:
    before = {child.pid for child in psutil.Process().children()}
    with pytest.raises(NetworkError, match="can't run without rights here") as caught:
        async with asyncio.timeout(30):
            await RootlessDevice.make("hwaaaaaaaaaaaaa", program)
    assert "sudo" in caught.value.hint
    assert {child.pid for child in psutil.Process().children()} <= before
