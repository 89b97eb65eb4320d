"""What a network needs beside the rendezvous, for one run: `huddle serve` runs it, the host is told.

A study whose network passes on the variables by which a host names one uses that one instead.
"""

from collections.abc import Mapping
from typing import Any

from huddle.networks import registry
from huddle.networks.base import Command
from huddle_lab.sites.base import Site
from huddle_lab.study.variants import Variant


def wanted(variant: Variant) -> bool:
    """Whether a run over this network needs one."""
    kind = registry.kind(variant.network)
    if kind is None or not kind.server_commands:
        return False
    named = {told.env for _, told in registry.described(kind.Options)}
    return not named & set(variant.passed)


def commands(variant: Variant) -> tuple[Command, ...]:
    """The commands that it needs there."""
    kind = registry.kind(variant.network)
    return kind.server_commands if kind is not None and wanted(variant) else ()


def options(variant: Variant) -> tuple[str, ...]:
    """For `huddle serve`."""
    return (f"--{variant.network}",) if wanted(variant) else ()


def environment(site: Site, variant: Variant, told: Mapping[str, Any]) -> dict[str, str]:
    """For `huddle host`, by the event of the network's name; files of it are put on all machines."""
    kind = registry.kind(variant.network)
    assert kind is not None

    def put(name: str, content: bytes) -> str:
        site.put({name: content})
        return f"{site.machines[0].folder}/{name}"

    return kind.host_environment(told, put)
