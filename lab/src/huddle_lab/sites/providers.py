"""The provider that a study names."""

from collections.abc import Callable, Sequence

from huddle_lab.sites import cloud, machines
from huddle_lab.sites.base import Provider
from huddle_lab.sites.local import Netns
from huddle_lab.sites.ssh import Ssh, suits
from huddle_lab.study import hosts
from huddle_lab.study.study import Study
from huddle_lab.study.trials import Trial


def provider_of(study: Study, cells: Sequence[Trial], say: Callable[[str], None]) -> Provider:
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
