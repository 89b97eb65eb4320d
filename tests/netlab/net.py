"""Small networks of one machine: nodes in network namespaces of their own, joined by a switch.

    with Net() as net:
        ada, bob = net.node("10.77.0.2/24"), net.node("fd77::3/64")
        with ada.inside(): subprocess.Popen(…)       # what starts in here lives in ada's network
        bob.firewall("tcp dport 80 accept", …); bob.down(); bob.up(); bob.readdress(old, new)

Nothing is made outside of these namespaces, so that removing them removes everything: at the end, also of
a test that failed, and before the next one where a process was killed in between. Needs root, iproute2
and nftables.
"""

import os
import subprocess
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Self

from huddle_lab.sites.netns import remove
from huddle_lab.sites.tun import inside

_PREFIX = "huddle-lab-"  # then the pid of who made it
_NAMES = Path("/run/netns")


def _ip(*args: str) -> str:
    return subprocess.run(["ip", *args], check=True, capture_output=True, text=True).stdout


class Node:
    """One machine: a namespace with loopback and `eth0`."""

    def __init__(self, name: str, addresses: tuple[str, ...]) -> None:
        self.name = name
        self.addresses = [address.partition("/")[0] for address in addresses]

    @property
    def address(self) -> str:
        """Its first address, as it stands in a URL."""
        first = self.addresses[0]
        return f"[{first}]" if ":" in first else first

    def inside(self) -> AbstractContextManager[None]:
        """This thread, and the processes that it starts, are in this node's network."""
        return inside(self.name)

    def firewall(self, *accepted: str, udp: bool = True) -> None:
        """Drop what comes in, but for answers, loopback, IPv6's own messages and what these rules accept.

        Without `udp` none goes out either: else two who send to each other get through both firewalls.
        """
        rules = "\n".join(accepted)
        out = "" if udp else "meta l4proto udp drop"
        table = f"""
            table inet firewall {{
                chain input {{
                    type filter hook input priority 0; policy drop;
                    ct state established,related accept
                    iif lo accept
                    meta l4proto ipv6-icmp accept
                    {rules}
                }}
                chain output {{
                    type filter hook output priority 0; policy accept;
                    oif lo accept
                    {out}
                }}
            }}
        """
        command = ["ip", "netns", "exec", self.name, "nft", "-f", "-"]
        subprocess.run(command, input=table, check=True, capture_output=True, text=True)

    def refuse_out(self, match: str) -> None:
        """Refuse what goes out and is like this."""
        table = f"""
            table inet refusing {{
                chain output {{
                    type filter hook output priority 0; policy accept;
                    {match} reject
                }}
            }}
        """
        command = ["ip", "netns", "exec", self.name, "nft", "-f", "-"]
        subprocess.run(command, input=table, check=True, capture_output=True, text=True)

    def down(self) -> None:
        """Pull the cable."""
        _ip("-n", self.name, "link", "set", "eth0", "down")

    def up(self) -> None:
        """Put the cable back."""
        _ip("-n", self.name, "link", "set", "eth0", "up")

    def readdress(self, old: str, new: str) -> None:
        """Another address in place of one, both with their prefixes, as on changing the network."""
        _ip("-n", self.name, "address", "delete", old, "dev", "eth0")
        _ip("-n", self.name, "address", "add", new, "dev", "eth0")


class Net:
    """A switch and the nodes on it."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._ports = 0

    def __enter__(self) -> Self:
        sweep()
        self._switch = self._namespace()
        _ip("-n", self._switch, "link", "add", "switch", "type", "bridge")
        _ip("-n", self._switch, "link", "set", "switch", "up")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in self._names:
            remove(name)

    def node(self, *addresses: str) -> Node:
        """A machine on the switch with these addresses, each with its prefix (10.77.0.2/24)."""
        name, switch = self._namespace(), self._switch
        self._ports += 1
        port = f"port{self._ports}"
        _ip("-n", switch, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", name)
        _ip("-n", switch, "link", "set", port, "master", "switch", "up")
        for address in addresses:
            # Duplicates can't be, and an address that is still looked for is of no use yet.
            lasting = ["nodad"] if ":" in address else []
            _ip("-n", name, "address", "add", address, "dev", "eth0", *lasting)
        _ip("-n", name, "link", "set", "lo", "up")
        _ip("-n", name, "link", "set", "eth0", "up")
        return Node(name, addresses)

    def _namespace(self) -> str:
        name = f"{_PREFIX}{os.getpid()}-{len(self._names)}"
        _ip("netns", "add", name)
        self._names.append(name)
        return name


def sweep() -> None:
    """Remove what a process that no longer lives has left."""
    for path in _NAMES.glob(f"{_PREFIX}*") if _NAMES.is_dir() else ():
        maker = path.name.removeprefix(_PREFIX).partition("-")[0]
        if not Path(f"/proc/{maker}").exists():
            remove(path.name)
