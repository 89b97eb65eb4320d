"""Yggdrasil: a mesh whose addresses are digests of keys. IPv6 only."""

import json
import subprocess
from collections.abc import Mapping, Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from huddle.errors import LocalError
from huddle_lab.underlays.base import Place

PORT = 5600
_SECONDS = 30


class Yggdrasil:
    """Each machine peers with those before it; nothing is told to the rest of the world."""

    name = "yggdrasil"
    commands: Mapping[str, str] = {"yggdrasil": "yggdrasil"}

    def plan(self, machines: Sequence[str], hub: str) -> tuple[list[Place], Place]:
        """Addresses are asked of `yggdrasil` here, by the configuration that each machine gets."""
        places = []
        for number in range(len(machines)):
            key = Ed25519PrivateKey.generate()
            private = key.private_bytes_raw() + key.public_key().public_bytes_raw()
            config = json.dumps(
                {
                    "PrivateKey": private.hex(),
                    "Listen": [f"tcp://0.0.0.0:{PORT}"],
                    "Peers": [f"tcp://{outer}:{PORT}" for outer in machines[:number]],
                    "AdminListen": "none",
                    "MulticastInterfaces": [],
                    "IfName": "ygg0",
                    "IfMTU": 1400,
                    "NodeInfoPrivacy": True,
                }
            ).encode()
            start = ("yggdrasil", "-useconffile", "own.json", "-loglevel", "warn")
            # Who is not yet there is asked again only a minute later.
            listens = ("bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{PORT}")
            places.append(Place(_address(config), {"own.json": config}, [start], [listens]))
        return places, Place("")


def _address(config: bytes) -> str:
    done = subprocess.run(
        ["yggdrasil", "-useconf", "-address"],  # noqa: S607 - wherever the distribution has it
        input=config, capture_output=True, check=False, timeout=_SECONDS,
    )  # fmt: skip
    if done.returncode:
        raise LocalError(f"yggdrasil failed: {done.stderr.decode('utf-8', 'replace').strip()}")
    return done.stdout.decode().strip()
