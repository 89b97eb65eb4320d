"""n2n: a mesh that finds itself at a supernode, with one key for all."""

import secrets
from collections.abc import Mapping, Sequence

from huddle_lab.underlays.base import Place

PORT = 5300


def _address(number: int) -> str:
    return f"10.96.0.{number + 1}"


class N2n:
    """Edges register with the supernode, where the rendezvous is, and then talk to each other."""

    name = "n2n"
    commands: Mapping[str, str] = {"edge": "n2n", "supernode": "n2n", "ifconfig": "net-tools"}

    def plan(self, machines: Sequence[str], hub: str) -> tuple[list[Place], Place]:
        """The key goes to each edge; the supernode does not need it."""
        key = secrets.token_hex(16)
        places = [
            Place(
                _address(number),
                daemons=[
                    ("edge", "-d", "n2n0", "-a", _address(number), "-c", "huddle", "-k", key,
                     "-l", f"{hub}:{PORT}", "-f"),
                ],
            )
            for number in range(len(machines))
        ]  # fmt: skip
        # An edge whose first word a supernode refuses, as it is not there yet, is never let in.
        listens = ("grep", "-q", f":{PORT:04X} ", "/proc/net/udp")
        return places, Place("", daemons=[("supernode", "-l", str(PORT), "-f")], up=[listens])
