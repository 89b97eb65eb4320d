"""The provider that a study names."""

from collections.abc import Callable, Sequence

from huddle.lab import cloud, hosts, machines
from huddle.lab.cells import Cell
from huddle.lab.local import Netns
from huddle.lab.place import Provider
from huddle.lab.ssh import Ssh, suits
from huddle.lab.study import Study


def provider_of(study: Study, cells: Sequence[Cell], say: Callable[[str], None]) -> Provider:
    """Made for these cells; LocalError where it can't be."""
    if study.provider == "netns":
        return Netns(cells, study.backend, say)
    suits(cells)
    if study.cloud is not None:
        lab = machines.find(cloud.read(study.cloud).name)
        say(f"the lab {lab.spec.name}: {lab.cost}")
        return Ssh(machines.hosts(lab), cells)
    assert study.hosts is not None
    return Ssh(hosts.read(study.hosts), cells)
