"""What networks need on a host beyond Huddle and its Python packages, and how it comes there.

    network      at each party              at the rendezvous       else in the kernel   Debian package
    wireguard    wireguard-go                                       wireguard            wireguard-go
    tailscale    tailscaled, tailscale
    headscale    tailscaled, tailscale      headscale

In this order: what the host has (on its PATH, or in its kernel); a copy of this computer's own command, where
the two are alike, which goes with the lab's directory; a Debian package, where the hosts file allows that
(`install = true`), which is taken away at the end. Pure: the host is asked by `huddle_lab.sites.remote`.
"""

import shutil
from pathlib import Path
from typing import Any

PACKAGES = {"wireguard-go": "wireguard-go"}
KERNEL = {"wireguard-go": "wireguard"}  # the module that makes it unnecessary
TOOLS = "tools"  # the directory in the lab's folder for what is sent

_TAILSCALE = ("tailscaled", "tailscale")


AT_PARTIES = {"wireguard": ("wireguard-go",), "tailscale": _TAILSCALE, "headscale": _TAILSCALE}
AT_RENDEZVOUS = ("headscale",)  # where a run wants a Headscale of its own (`huddle_lab.sites.headscale`)


def test(command: str) -> list[str]:
    """A command line that succeeds on a host which needs nothing for it."""
    lines = [f"command -v {command}"]
    if module := KERNEL.get(command):
        lines.append(f"test -e /sys/module/{module}")
        lines.append(f"modprobe -n -q {module}")
    return ["/bin/sh", "-c", f"PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; {' || '.join(lines)}"]


def own(command: str, here: dict[str, Any], there: dict[str, Any]) -> Path | None:
    """This computer's command, where it would run there as well: the same system, processor and C library."""
    alike = all(here[key] == there[key] for key in ("system", "architecture")) and (
        here["libc"][0] == there["libc"][0]
    )
    path = shutil.which(command) if alike else None
    return Path(path).resolve() if path else None


def why_not(command: str, *, install: bool) -> str:
    """What to say of a host that lacks it."""
    if command in PACKAGES and not install:
        hint = "or let the hosts file say install = true"
    else:
        hint = "or here, where this computer is like it"
    return f"it has no {command}: install it there, {hint}"
