"""Homes behind routers: what a person at home has, for tests of what gets through to them.

    home = Home(net, "10.77.0.2/24", "192.168.1")      # a router on the switch, and a node behind it
    home.node.inside()                                 # 192.168.1.2, by way of 192.168.1.1

The router lets out all and in only answers. By default it keeps a port towards all destinations
(endpoint-independent), `symmetric` takes a new one for each; `blocked` are nftables matches of what it
drops on its way out. What `mapping` yields gives ports to those at home who ask.
"""

import contextlib
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.netlab.net import Net, Node, _ip

_UPNP_TABLE = """
    table inet upnp {
        chain upnp { }
        chain prerouting { type nat hook prerouting priority -100; jump prerouting_upnp; }
        chain postrouting { type nat hook postrouting priority 90; jump postrouting_upnp; }
        chain prerouting_upnp { }
        chain postrouting_upnp { }
        chain forward { type filter hook forward priority -10; jump upnp; }
    }
"""
_NATPMP, _SSDP = 5351, 1900  # where the router is asked; the second one is the last that UPnP needs
_UPNP_CONFIG = """
ext_ifname=eth0
listening_ip=lan
enable_natpmp={natpmp}
enable_upnp={upnp}
port=0
uuid={uuid}
secure_mode=yes
upnp_table_name=upnp
upnp_nat_table_name=upnp
upnp_forward_chain=upnp
upnp_nat_chain=prerouting_upnp
upnp_nat_postrouting_chain=postrouting_upnp
allow 1024-65535 0.0.0.0/0 1024-65535
"""


class Home:
    """A router with a node behind it.

    `outside` is the router's address on the switch, or a node that becomes the router, as one behind
    another router. With `cone` all UDP that comes in goes to the node, from whomever.
    """

    def __init__(
        self,
        net: Net,
        outside: str | Node,
        lan: str,
        *,
        symmetric: bool = False,
        cone: bool = False,
        blocked: tuple[str, ...] = (),
    ) -> None:
        self.router = outside if isinstance(outside, Node) else net.node(outside)
        self._net = net
        self._lan = lan
        router = self.router.name
        _ip("-n", router, "link", "add", "lan", "type", "bridge")
        _ip("-n", router, "address", "add", f"{lan}.1/24", "dev", "lan")
        _ip("-n", router, "link", "set", "lan", "up")
        drops = "\n".join(f"iifname lan {match} drop" for match in blocked)
        inwards = f"iifname eth0 meta l4proto udp dnat to {lan}.2" if cone else ""
        rules = f"""
            table ip nat {{
                chain pre {{
                    type nat hook prerouting priority -100;
                    {inwards}
                }}
                chain post {{
                    type nat hook postrouting priority 100;
                    oifname eth0 masquerade {"random" if symmetric else ""}
                }}
            }}
            table ip filter {{
                chain forward {{
                    type filter hook forward priority 0; policy drop;
                    {drops}
                    ct state established,related accept
                    ct status dnat accept
                    iifname lan accept
                }}
                chain input {{
                    type filter hook input priority 0; policy drop;
                    ct state established,related accept
                    iifname lan accept
                }}
            }}
        """
        self._enter("sysctl", "-q", "-w", "net.ipv4.ip_forward=1")
        self._enter("nft", "-f", "-", given=rules)
        self.node = self.member(2)

    def member(self, number: int) -> Node:
        """One more node at home, with this number as the last one of its address."""
        name, port = self._net._namespace(), f"lan{number}"
        router = self.router.name
        _ip("-n", router, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", name)
        _ip("-n", router, "link", "set", port, "master", "lan", "up")
        _ip("-n", name, "address", "add", f"{self._lan}.{number}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            _ip("-n", name, "link", "set", device, "up")
        _ip("-n", name, "route", "add", "default", "via", f"{self._lan}.1")
        return Node(name, (f"{self._lan}.{number}/24",))

    @contextlib.contextmanager
    def mapping(self, folder: Path, *, natpmp: bool = True, upnp: bool = True) -> Iterator[None]:
        """The router gives ports by these protocols (PCP goes with NAT-PMP). It needs a public address."""
        program = shutil.which("miniupnpd", path="/usr/sbin:/sbin")
        if program is None:
            pytest.skip("miniupnpd is not installed")
        self._enter("nft", "-f", "-", given=_UPNP_TABLE)
        config = folder / f"{self.router.name}.conf"
        config.write_text(
            _UPNP_CONFIG.format(
                natpmp="yes" if natpmp else "no", upnp="yes" if upnp else "no", uuid=uuid.uuid4()
            )
        )
        pidfile = folder / f"{self.router.name}.pid"
        command = [program, "-d", "-f", str(config), "-P", str(pidfile)]
        said = folder / f"{self.router.name}.log"
        with self.router.inside(), said.open("w") as log:
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log)
        try:
            asked = [port for port, given in ((_NATPMP, natpmp), (_SSDP, upnp)) if given]
            deadline = time.monotonic() + 60
            while not all(self._enter("ss", "-Hlun", f"sport = :{port}") for port in asked):
                assert process.poll() is None and time.monotonic() < deadline, said.read_text()
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait(10)

    def mapped(self) -> list[str]:
        """The ports that the router leads inside now."""
        shown = self._enter("nft", "list", "chain", "inet", "upnp", "prerouting_upnp")
        return [line.strip() for line in shown.splitlines() if "dnat" in line]

    def _enter(self, *command: str, given: str = "") -> str:
        done = subprocess.run(
            ["ip", "netns", "exec", self.router.name, *command],
            input=given, check=True, capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout
