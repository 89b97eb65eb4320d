"""The file of a cloud lab, its machines and its costs. Pure: knows neither tofu nor an API.

cloud = "digitalocean"
name = "mine"                      # default: the file's name
size = "s-2vcpu-4gb"               # the cloud's own names
image = "debian-13-x64"
python = "python3"                 # on that image; 3.12 or newer

[regions]                          # region for scenarios = the cloud's region, and how many machines
frankfurt = { at = "fra1", machines = 3 }
sydney = { at = "syd1", machines = 2 }
"""

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from huddle.errors import LocalError
from huddle_lab.study.parsing import load, wrong

CLOUDS = ("digitalocean",)
MOST_MACHINES = 50
_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")


@dataclass(frozen=True, slots=True)
class Region:
    """A region of scenarios, what the cloud calls it, and how many machines are there."""

    name: str
    at: str
    machines: int


@dataclass(frozen=True, slots=True)
class Spec:
    """What is wanted of a cloud."""

    cloud: str
    name: str
    size: str
    image: str
    python: str
    regions: tuple[Region, ...]

    @property
    def machines(self) -> list[tuple[str, Region]]:
        """All machines by name, with their regions."""
        return [(f"{one.name}-{number}", one) for one in self.regions for number in range(one.machines)]


@dataclass(frozen=True, slots=True)
class Cost:
    """What so many machines cost, in dollars."""

    hourly: float
    machines: int

    @property
    def per_hour(self) -> float:
        """All of them."""
        return self.hourly * self.machines

    def until(self, began: datetime, now: datetime) -> float:
        """Since then; each machine is billed for at least an hour."""
        return self.per_hour * max(1.0, (now - began).total_seconds() / 3600)

    def __str__(self) -> str:
        return f"{self.machines} machines at ${self.hourly:.5f} an hour each: ${self.per_hour:.4f} an hour"


def read(path: Path) -> Spec:
    """The file's content; LocalError where it is none."""
    table = load(path)
    cloud = table.text("cloud")
    if cloud not in CLOUDS:
        raise wrong(path.name, f"there is no cloud {cloud}", f"There is {', '.join(CLOUDS)}.")
    name = table.text("name", path.stem)
    if not _NAME.fullmatch(name):
        raise wrong(path.name, f"name can't be {name!r}", "Lower-case letters, digits and -, at most 31.")
    size, image = table.text("size"), table.text("image")
    python = table.text("python", "python3")
    below = table.table("regions")
    regions = []
    for region in below.keys():
        one = below.table(region)
        if not _NAME.fullmatch(region):
            raise wrong(one.place, "a region's name has lower-case letters, digits and - only")
        regions.append(Region(region, one.text("at"), one.count("machines", 1, MOST_MACHINES)))
        one.end()
    table.end()
    if not regions:
        raise wrong(path.name, "there are no regions")
    spec = Spec(cloud, name, size, image, python, tuple(regions))
    if len(spec.machines) > MOST_MACHINES:
        raise LocalError(f"{path.name}: {len(spec.machines)} machines", hint=f"At most {MOST_MACHINES}.")
    return spec
