"""The lab's own tailnet: where it is used, and what parties are told."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from huddle_lab.runs import unavailable
from huddle_lab.sites import tailnet
from huddle_lab.sites.base import RunFailed, Site
from huddle_lab.study.variants import Variant


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A control server that can't be run, and a tailscaled."""
    for name in ("control", "tailscaled", "tailscale"):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HUDDLE_LAB_TAILNET", str(tmp_path))
    return tmp_path


def site(*lines: str) -> tuple[Site, list[Any]]:
    """A rendezvous whose processes write these lines at once; the second is what was done there."""
    done: list[Any] = []

    def start(command: list[str], take: Callable[[str], None], **_: Any) -> Any:
        done.append(command)
        for line in lines:
            take(line)
        return SimpleNamespace(stop=lambda: done.append("stopped"))

    return cast(Site, SimpleNamespace(rendezvous=SimpleNamespace(address="10.77.0.4", start=start))), done


def test_only_a_network_that_wants_a_tailnet_and_is_given_none_has_it() -> None:
    assert tailnet.wanted(Variant("tailscale", "tailscale"))
    assert not tailnet.wanted(Variant("mine", "tailscale", ("--login-server", "http://10.77.0.9")))
    assert not tailnet.wanted(Variant("mine", "tailscale", (), ("HUDDLE_TS_AUTHKEY",)))
    assert not tailnet.wanted(Variant("tls", "tls")) and not tailnet.wanted(Variant("plain", "plain"))


def test_parties_get_its_key_and_where_it_is(built: Path) -> None:
    where, done = site(
        "STUN server listening", json.dumps({"url": "http://10.77.0.4:1", "derp": 2, "stun": 3})
    )
    one = tailnet.Tailnet(where, time.monotonic() + 1)
    command = done[0]
    assert command[:4] == [str(built / "control"), "-ip", "10.77.0.4", "-authkey"]
    assert one.environment == {
        "HUDDLE_TS_AUTHKEY": command[4],
        "HUDDLE_TS_LOGIN_SERVER": "http://10.77.0.4:1",
    }


def test_one_that_does_not_start_is_ended_and_says_what_it_said(built: Path) -> None:
    where, done = site("the address is taken")
    with pytest.raises(RunFailed, match="the address is taken"):
        tailnet.Tailnet(where, time.monotonic() + 0.05)
    assert done[-1] == "stopped"


def test_without_it_the_network_is_left_out_with_the_reason(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study: Any = SimpleNamespace(provider="netns", networks=[Variant("tailscale", "tailscale")])
    assert unavailable.absent(study) == {}
    monkeypatch.delenv("HUDDLE_LAB_TAILNET")
    assert unavailable.absent(study) == {
        "tailscale": "no control server of a tailnet can be reached from machines of this computer"
    }
