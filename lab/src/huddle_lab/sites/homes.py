"""Homes behind routers: the machine of a party becomes a router, and the party is on another one behind it.

| kind | what the router does |
| --- | --- |
| `open` | nothing: the party is on the machine itself |
| `home` | translates addresses, keeps a port towards all destinations, lets in answers only |
| `symmetric` | the same with another port for each destination |
| `no-udp` | as `home`, and no UDP gets out |

Needs nftables.
"""

import shutil
import subprocess

from huddle.errors import LocalError


def check() -> None:
    """LocalError where there is no nft."""
    if shutil.which("nft") is None:
        raise LocalError("routers need the command nft", hint="Install nftables.")


def rules(kind: str, outside: str) -> str:
    """The router's rules for nft; `outside` is its device to the world."""
    return f"""
        table ip nat {{
            chain post {{
                type nat hook postrouting priority 100;
                oifname {outside} masquerade {"random" if kind == "symmetric" else ""}
            }}
        }}
        table ip filter {{
            chain forward {{
                type filter hook forward priority 0; policy drop;
                {"iifname lan meta l4proto udp drop" if kind == "no-udp" else ""}
                ct state established,related accept
                iifname lan accept
            }}
            chain input {{
                type filter hook input priority 0; policy drop;
                ct state established,related accept
                iifname {{ lan, lo }} accept
            }}
        }}
    """


def connect(router: str, home: str, index: int, kind: str, outside: str) -> str:
    """Join two namespaces, of which `router` has the way out; the address of the one at home."""
    lan = f"192.168.{index + 1}"
    _run("ip", "-n", home, "link", "add", "eth0", "type", "veth", "peer", "name", "lan", "netns", router)
    for where, device, address in ((router, "lan", f"{lan}.1/24"), (home, "eth0", f"{lan}.2/24")):
        _run("ip", "-n", where, "address", "add", address, "dev", device)
        _run("ip", "-n", where, "link", "set", device, "up")
    _run("ip", "-n", home, "route", "add", "default", "via", f"{lan}.1")
    _run("ip", "netns", "exec", router, "sysctl", "-qw", "net.ipv4.ip_forward=1")
    _run("ip", "netns", "exec", router, "nft", "-f", "-", given=rules(kind, outside))
    return f"{lan}.2"


def disconnect(router: str) -> None:
    """The router is a plain machine again."""
    _run("ip", "netns", "exec", router, "nft", "flush", "ruleset")
    _run("ip", "-n", router, "link", "delete", "lan")
    _run("ip", "netns", "exec", router, "sysctl", "-qw", "net.ipv4.ip_forward=0")


def _run(*command: str, given: str = "") -> None:
    done = subprocess.run(command, check=False, input=given, capture_output=True, text=True)
    if done.returncode:
        raise LocalError(f"{' '.join(command)}: {done.stderr.strip()}")
