"""Delays by the kernel's own netem instead of the emulator: the arguments of `tc`, and whether it is there.

Each machine has a class for each other one on its device (htb), picked by the destination's address, with
a netem under it. Pure but for `available`; knows no namespaces.
"""

import subprocess
from collections.abc import Mapping

from huddle_lab.sites.tun import DEVICE
from huddle_lab.sites.wan import address
from huddle_lab.study.shape import Shape

_UNLIMITED = "100gbit"
_LIMIT = "100000"  # packets under way; netem's own 1,000 would drop at 10 Mbit/s over a distance


def available() -> bool:
    """Whether this kernel has it, tried on a device that nobody needs, in a namespace of its own."""
    script = "ip link set lo up && tc qdisc add dev lo root netem delay 1ms"
    try:
        done = subprocess.run(
            ["unshare", "--net", "sh", "-c", script],  # noqa: S607 - wherever the distribution has it
            capture_output=True, check=False, timeout=10,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def prepare(machine: int, size: int) -> list[list[str]]:
    """The classes of a machine among `size`, each without delay."""
    commands = [["qdisc", "add", "dev", DEVICE, "root", "handle", "1:", "htb"]]
    for to in range(size):
        if to != machine:
            number = _number(to)
            commands += [
                ["class", "add", "dev", DEVICE, "parent", "1:", "classid", f"1:{number}",
                 "htb", "rate", _UNLIMITED, "quantum", "60000"],
                ["qdisc", "add", "dev", DEVICE, "parent", f"1:{number}", "handle", f"{number}:",
                 "netem", "limit", _LIMIT],
                ["filter", "add", "dev", DEVICE, "parent", "1:", "protocol", "ip", "prio", "1",
                 "u32", "match", "ip", "dst", f"{address(to)}/32", "flowid", f"1:{number}"],
            ]  # fmt: skip
    return commands


def change(machine: int, ways: Mapping[int, Shape]) -> list[list[str]]:
    """Give the ways of a machine to these others their shapes."""
    commands = []
    for to, shape in ways.items():
        if to == machine:
            continue
        number = _number(to)
        settings = ["delay", f"{shape.delay * 1e6:.0f}us", f"{shape.jitter * 1e6:.0f}us"]
        if shape.jitter:
            settings += ["distribution", "normal"]
        settings += ["loss", f"{100 if not shape.up else shape.loss * 100:g}%"]
        if shape.rate:
            settings += ["rate", f"{shape.rate:.0f}bit"]
        commands.append(
            ["qdisc", "change", "dev", DEVICE, "parent", f"1:{number}", "handle", f"{number}:",
             "netem", "limit", _LIMIT, *settings]
        )  # fmt: skip
    return commands


def _number(machine: int) -> str:
    """The class of the way to a machine, in tc's hexadecimal."""
    return f"{machine + 0x10:x}"
