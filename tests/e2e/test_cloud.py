"""Machines in a cloud: made, listed, and gone after a crash at any point, with a real `tofu` process."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.cloud import TOKEN, Cloud, make_tofu
from tests.e2e.harness import PATIENCE

SPEC = """
cloud = "digitalocean"
size = "s-2vcpu-4gb"
image = "debian-13-x64"
[regions]
frankfurt = { at = "fra1", machines = 2 }
sydney = { at = "syd1", machines = 1 }
"""


class Person:
    """Somebody with a token, a tofu and a file."""

    def __init__(self, cloud: Cloud, folder: Path) -> None:
        self.cloud, self.folder = cloud, folder
        make_tofu(folder / "bin")
        (folder / "mine.toml").write_text(SPEC)
        self.labs = folder / "labs"

    def lab(self, *args: str, given: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        """`huddle lab …`."""
        environment = os.environ | {
            "PATH": f"{self.folder / 'bin'}:/usr/bin:/bin",
            "DIGITALOCEAN_TOKEN": TOKEN,
            "DIGITALOCEAN_API_URL": self.cloud.url,
            "HUDDLE_LABS": str(self.labs),
            **env,
        }
        return subprocess.run(
            [sys.executable, "-m", "huddle", "lab", *args],
            env=environment, input=given, capture_output=True, text=True, check=False, timeout=PATIENCE,
        )  # fmt: skip

    def up(self, **env: str) -> subprocess.CompletedProcess[str]:
        """Make the machines."""
        return self.lab("up", "--yes", str(self.folder / "mine.toml"), **env)

    @property
    def nothing(self) -> bool:
        """Whether nothing is in the account and nothing on this computer."""
        return not (
            self.cloud.droplets or self.cloud.keys or (self.labs.exists() and list(self.labs.iterdir()))
        )


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Person]:
    cloud = Cloud()
    try:
        yield Person(cloud, tmp_path)
    finally:
        cloud.close()


def test_machines_are_made_listed_and_removed(person: Person) -> None:
    done = person.up()
    assert done.returncode == 0, done.stderr
    assert "3 machines at $0.03571 an hour each: $0.1071 an hour" in done.stdout
    assert "frankfurt-1  203.0.113." in done.stdout
    assert sorted(one["region"] for one in person.cloud.droplets.values()) == ["fra1", "fra1", "syd1"]
    (folder,) = person.labs.iterdir()
    assert all(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in (folder, folder / "key"))
    assert TOKEN not in "".join(path.read_text() for path in folder.iterdir() if path.is_file())
    # The machines' host key is known before anybody has spoken to them.
    known = (folder / "known_hosts").read_text().splitlines()
    assert len(known) == 3 and all(line.split()[1] == "ssh-ed25519" for line in known)
    (droplet, *_) = person.cloud.droplets.values()
    assert known[0].split()[2] in droplet["user_data"] and len(droplet["ssh_keys"]) == 1

    listed = person.lab("ls")
    assert (
        "mine" in listed.stdout
        and "$0.11 so far" in listed.stdout
        and "huddle lab down mine" in listed.stdout
    )
    assert "nothing" not in person.up().stdout and len(person.cloud.droplets) == 3  # up again makes no more
    done = person.lab("down", "mine")
    assert done.returncode == 0 and "it cost about $0.11" in done.stdout, done.stderr
    assert person.nothing
    assert "There are no labs" in person.lab("ls").stdout


def test_nothing_is_made_before_a_person_agrees_to_the_costs(person: Person) -> None:
    done = person.lab("up", str(person.folder / "mine.toml"), given="n\n")
    assert done.returncode != 0 and "$0.1071 an hour" in done.stdout
    assert person.nothing
    assert person.lab("up", str(person.folder / "mine.toml"), given="y\n").returncode == 0
    assert len(person.cloud.droplets) == 3
    assert person.lab("down", "--all").returncode == 0 and person.nothing


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", [0, 1, 2, 4])
def test_down_after_a_crash_of_up_at_any_point_leaves_nothing(person: Person, when: str, step: int) -> None:
    # 0 is the crash of init, 1 that of making the key, then those of making machines.
    crashed = person.up(TOFU_KILL=f"{when}:{step}")
    assert crashed.returncode == -9
    done = person.lab("down", "mine")
    assert done.returncode == 0, done.stderr
    assert person.nothing


@pytest.mark.parametrize("step", [1, 4])
def test_down_may_crash_too_and_be_said_again(person: Person, step: int) -> None:
    assert person.up().returncode == 0
    assert person.lab("down", "mine", TOFU_KILL=f"after:{step}").returncode == -9
    assert person.lab("down", "mine").returncode == 0
    assert person.nothing


def test_what_is_not_of_the_lab_is_left_alone(person: Person) -> None:
    person.cloud.keys[900] = {"id": 900, "name": "somebody's"}
    person.cloud.droplets[901] = {"id": 901, "tags": ["huddle-lab-mine-other"], "region": "fra1"}
    assert person.up().returncode == 0
    assert person.lab("down", "mine").returncode == 0
    assert list(person.cloud.keys) == [900] and list(person.cloud.droplets) == [901]


def test_where_the_api_can_not_be_asked_the_lab_stays(person: Person) -> None:
    assert person.up().returncode == 0
    refused = person.lab("down", "mine", DIGITALOCEAN_TOKEN="wrong")
    assert refused.returncode != 0 and "401" in refused.stderr
    assert "mine" in person.lab("ls").stdout
    assert person.lab("down", "mine").returncode == 0 and person.nothing


def test_without_a_tool_or_a_token_it_says_what_to_do(person: Person) -> None:
    assert "DIGITALOCEAN_TOKEN is not set" in person.up(DIGITALOCEAN_TOKEN="").stderr
    done = person.up(PATH=str(person.folder))
    assert done.returncode != 0 and "OpenTofu" in done.stderr
    assert person.nothing


def test_a_study_in_the_cloud_needs_its_machines_first(person: Person) -> None:
    (person.folder / "p.py").write_text("print(1)\n")
    (person.folder / "study.toml").write_text(
        'provider = "cloud"\ncloud = "mine.toml"\nnetworks = ["tls"]\nscenarios = ["far"]\nparties = [2]\n'
        '[scenario.far]\nregions = ["frankfurt", "sydney"]\n[[demos]]\nprogram = "p.py"\n'
    )
    done = person.lab("run", str(person.folder / "study.toml"), "--results", str(person.folder / "r.jsonl"))
    assert done.returncode != 0 and "there is no lab mine" in done.stderr
    listed = person.lab("run", "--dry-run", str(person.folder / "study.toml"))
    assert json.dumps("far")[1:-1] in listed.stdout
