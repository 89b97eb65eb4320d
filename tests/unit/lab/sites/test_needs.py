"""What a network needs on a host, and from where it may come."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from huddle.session.settings import ALL
from huddle_lab.sites import needs
from huddle_lab.sites.agent import about


def test_networks_that_need_nothing_are_those_of_packages() -> None:
    in_studies = set(ALL) - {"plain"}  # by which a study means MPyC by itself
    assert in_studies - needs.AT_PARTIES.keys() == {"tls", "webrtc", "iroh", "relay"}


def test_a_host_says_what_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert subprocess.run(needs.test("sh"), check=False).returncode == 0
    assert subprocess.run(needs.test("no-such-command"), check=False).returncode != 0
    assert any("/sys/module/wireguard" in word for word in needs.test("wireguard-go"))


def test_only_a_like_machine_gets_this_one_s_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = tmp_path / "tailscaled"
    command.write_text("")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    here = about()
    there: dict[str, Any] = {**here, "libc": [here["libc"][0], "2.99"]}
    assert needs.own("tailscaled", here, there) == command
    assert needs.own("tailscale", here, there) is None
    assert needs.own("tailscaled", here, {**there, "architecture": "riscv64"}) is None
    assert needs.own("tailscaled", here, {**there, "libc": ["musl", ""]}) is None


def test_what_lacks_is_said_with_what_to_do() -> None:
    assert "install = true" in needs.why_not("wireguard-go", install=False)
    assert "install = true" not in needs.why_not("wireguard-go", install=True)
    assert "install = true" not in needs.why_not("headscale", install=False)
