"""Homes behind routers: what a person at home has, for tests of what gets through to them.

    home = Home(net, "10.77.0.2/24", "192.168.1")      # a router on the switch, and a node behind it
    home.node.inside()                                 # 192.168.1.2, by way of 192.168.1.1

The router lets out all and in only answers. By default it keeps a port towards all destinations
(endpoint-independent), `symmetric` takes a new one for each; `blocked` are nftables matches of what it
drops on its way out.
"""

import subprocess

from tests.netlab.net import Net, Node, _ip


class Home:
    """A router with one node behind it."""

    def __init__(
        self, net: Net, outside: str, lan: str, *, symmetric: bool = False, blocked: tuple[str, ...] = ()
    ) -> None:
        self.router = net.node(outside)
        name = net._namespace()
        _ip(
            "-n",
            name,
            "link",
            "add",
            "eth0",
            "type",
            "veth",
            "peer",
            "name",
            "lan",
            "netns",
            self.router.name,
        )
        for where, device, address in (
            (self.router.name, "lan", f"{lan}.1/24"),
            (name, "eth0", f"{lan}.2/24"),
        ):
            _ip("-n", where, "address", "add", address, "dev", device)
            _ip("-n", where, "link", "set", device, "up")
        _ip("-n", name, "link", "set", "lo", "up")
        _ip("-n", name, "route", "add", "default", "via", f"{lan}.1")
        self.node = Node(name, (f"{lan}.2/24",))
        drops = "\n".join(f"iifname lan {match} drop" for match in blocked)
        rules = f"""
            table ip nat {{
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

    def _enter(self, *command: str, given: str = "") -> None:
        subprocess.run(
            ["ip", "netns", "exec", self.router.name, *command],
            input=given, check=True, capture_output=True, text=True,
        )  # fmt: skip
