"""The plug-ins beside this file, as if they were installed: for this process, or for others by PYTHONPATH."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import distributions
from pathlib import Path

from huddle.networks import registry
from huddle.networks.base import NetworkKind

UDP = Path(__file__).parent / "udp"
OVERLAY = Path(__file__).parent / "overlay"  # an underlay of the lab


def udp() -> NetworkKind:
    """The network of docs/adding-a-network.md, found by its entry point; the registry does not get it."""
    [distribution] = distributions(path=[str(UDP)])
    [point] = distribution.entry_points.select(group=registry.GROUP)
    with importable():
        made: NetworkKind = point.load()()
    return made


@contextmanager
def importable() -> Iterator[None]:
    """What is in `UDP` can be imported, and its entry point is found."""
    sys.path.insert(0, str(UDP))
    try:
        yield
    finally:
        sys.path.remove(str(UDP))
