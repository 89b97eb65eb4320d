"""Nebula: a mesh with a certificate authority for the cell, and a lighthouse where the rendezvous is."""

import json
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from huddle.errors import LocalError
from huddle_lab.underlays.base import Place

PORT = 5400
_ANY = [{"port": "any", "proto": "any", "host": "any"}]
_LIGHTHOUSE = "10.97.0.254"
_SECONDS = 30


def _address(number: int) -> str:
    return f"10.97.0.{number + 1}"


class Nebula:
    """Machines learn each other's addresses from the lighthouse, and talk directly."""

    name = "nebula"
    commands: Mapping[str, str] = {"nebula": "nebula", "nebula-cert": "nebula"}

    def plan(self, machines: Sequence[str], hub: str) -> tuple[list[Place], Place]:
        """Keys and certificates are made here, by `nebula-cert`."""
        names = {f"party{number}": _address(number) for number in range(len(machines))} | {"hub": _LIGHTHOUSE}
        made = _certificates(names)
        common: dict[str, Any] = {
            "pki": {"ca": "ca.crt", "cert": "own.crt", "key": "own.key"},
            "static_host_map": {_LIGHTHOUSE: [f"{hub}:{PORT}"]},
            "punchy": {"punch": True},
            "logging": {"level": "warning"},
            "firewall": {"outbound": _ANY, "inbound": _ANY},
        }
        party = common | {
            "lighthouse": {"am_lighthouse": False, "interval": 2, "hosts": [_LIGHTHOUSE]},
            "listen": {"host": "0.0.0.0", "port": PORT},  # noqa: S104 - in a machine of the lab
            "tun": {"dev": "nebula0", "mtu": 1300},
        }
        lighthouse = common | {
            "static_host_map": {},
            "lighthouse": {"am_lighthouse": True},
            "listen": {"host": "0.0.0.0", "port": PORT},  # noqa: S104 - as above
            "tun": {"disabled": True},
        }
        start = [("nebula", "-config", "own.yml")]
        places = [
            Place(_address(number), {**made[f"party{number}"], "own.yml": _yaml(party)}, start)
            for number in range(len(machines))
        ]
        return places, Place("", {**made["hub"], "own.yml": _yaml(lighthouse)}, start)


def _yaml(config: dict[str, Any]) -> bytes:
    return json.dumps(config).encode()  # JSON is YAML


def _certificates(names: Mapping[str, str]) -> dict[str, dict[str, bytes]]:
    """By name: the authority's certificate, an own one for this address, and its key."""
    with tempfile.TemporaryDirectory(prefix="huddle-nebula-") as folder:

        def cert(*args: str) -> None:
            done = subprocess.run(
                ["nebula-cert", *args],  # noqa: S607 - wherever the distribution has it
                cwd=folder, capture_output=True, text=True, check=False, timeout=_SECONDS,
            )  # fmt: skip
            if done.returncode:
                raise LocalError(f"nebula-cert failed: {done.stderr.strip() or done.stdout.strip()}")

        def read(name: str) -> bytes:
            return (Path(folder) / name).read_bytes()

        cert("ca", "-name", "cell", "-duration", "48h")
        found = {}
        for name, address in names.items():
            cert("sign", "-name", name, "-ip", f"{address}/24", "-duration", "24h")
            files = {"own.crt": read(f"{name}.crt"), "own.key": read(f"{name}.key")}
            found[name] = {"ca.crt": read("ca.crt"), **files}
        return found
