"""tinc 1.0: a mesh. Each machine has an RSA key, and knows the others' from `hosts/`."""

from collections.abc import Mapping, Sequence

from huddle_lab.underlays.base import Place
from huddle_lab.underlays.keys import rsa_pair

PORT = 5200
_UP = "#!/bin/sh\nip address add {address}/24 dev $INTERFACE && ip link set $INTERFACE up\n"


def _address(number: int) -> str:
    return f"10.98.0.{number + 1}"


class Tinc:
    """Each machine connects to those before it; data goes directly."""

    name = "tinc"
    commands: Mapping[str, str] = {"tincd": "tinc"}

    def plan(self, machines: Sequence[str], hub: str) -> tuple[list[Place], Place]:
        """Files come without the right to be run, which the script that gives the address needs."""
        own = [rsa_pair() for _ in machines]
        hosts = {
            f"hosts/party{number}": (
                f"Address = {outer}\nPort = {PORT}\nSubnet = {_address(number)}/32\n".encode()
                + own[number][1]
            )
            for number, outer in enumerate(machines)
        }
        places = []
        for number in range(len(machines)):
            config = [f"Name = party{number}", "Interface = tinc0", "AddressFamily = ipv4"]
            config += [f"ConnectTo = party{other}" for other in range(number)]
            files = {
                **hosts,
                "tinc.conf": "\n".join([*config, ""]).encode(),
                "rsa_key.priv": own[number][0],
                "tinc-up": _UP.format(address=_address(number)).encode(),
            }
            start = "chmod 755 tinc-up && chmod 600 rsa_key.priv && exec tincd -c . -D --pidfile=tinc.pid"
            places.append(Place(_address(number), files, [("sh", "-c", start)]))
        return places, Place("")
