"""Real tailscaleds, a control server for tests, and a Headscale: built once a machine (scripts/install-*)."""

import contextlib
import functools
import json
import os
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.chaos import wait_until
from tests.netlab.net import Node

ROOT = Path(__file__).parents[2]
ENVIRONMENT = dict(os.environ)  # with the home of who runs the tests, where tools are kept


@functools.cache
def _built(script: str) -> Path:
    """The directory that this script fills; without Go it can't be had."""
    built = subprocess.run([ROOT / "scripts" / script], env=ENVIRONMENT, capture_output=True, text=True)
    if built.returncode:
        if os.environ.get("CI") == "true":
            pytest.fail(built.stderr)
        pytest.skip(built.stderr.strip().rpartition("\n")[2])
    return Path(built.stdout.strip())


def tools() -> Path:
    """Where tailscaled, tailscale and the control server are."""
    return _built("install-tailnet")


def headscale() -> Path:
    """Where the command headscale is."""
    return _built("install-headscale")


def environment(*more: Path) -> dict[str, str]:
    """What a process needs to find tailscaled and tailscale, and what is in these directories."""
    return {"PATH": os.pathsep.join(map(str, [tools(), *more, os.environ["PATH"]]))}


@dataclass(frozen=True)
class Control:
    """A control server; `url` is its login server, `derp` and `stun` are ports of the same address."""

    url: str
    derp: int = 0
    stun: int = 0

    def machines(self) -> list[str]:
        """The names of the machines that it knows. Ask from its own network."""
        with urllib.request.urlopen(f"{self.url}/nodes", timeout=10) as answer:  # noqa: S310 - a test's network
            names: list[str] = json.load(answer)
        return names

    def remove(self, key: str) -> None:
        """Let it forget a machine."""
        where = f"{self.url}/remove?key={urllib.parse.quote(key)}"
        with urllib.request.urlopen(urllib.request.Request(where, method="POST"), timeout=10):  # noqa: S310
            pass


@contextlib.contextmanager
def control(ip: str, *options: str) -> Iterator[Control]:
    """A control server with DERP and STUN on that address, of the network that the caller is in."""
    process = subprocess.Popen(
        [tools() / "control", "-ip", ip, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        with process.stdout:
            yield Control(**json.loads(process.stdout.readline()))
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def system_tailscaled(
    node: Node, where: Path, url: str, key: str, *options: str, certificate: Path | None = None
) -> Iterator[str]:
    """A tailscaled as a machine's own, in the tailnet already; its socket."""
    where.mkdir()
    env = ENVIRONMENT | ({"SSL_CERT_FILE": str(certificate)} if certificate else {})
    socket = str(where / "s")
    with node.inside():
        process = subprocess.Popen(
            [tools() / "tailscaled", "--state=mem:", f"--socket={socket}", f"--statedir={where}", *options],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env,
        )  # fmt: skip
    try:
        assert wait_until(lambda: Path(socket).is_socket(), 30)
        up = ("up", f"--login-server={url}", f"--auth-key={key}", "--accept-dns=false")
        with node.inside():
            subprocess.run([tools() / "tailscale", f"--socket={socket}", *up], check=True, timeout=90)
        yield socket
    finally:
        process.terminate()
        process.wait(20)
