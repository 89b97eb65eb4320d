"""What tofu is asked to make, and what it costs."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from huddle.errors import LocalError
from huddle_lab.sites import digitalocean
from huddle_lab.sites.cloud import Cost, read

GOLDEN = Path(__file__).parent / "golden"

GOOD = """
cloud = "digitalocean"
name = "mine"
size = "s-2vcpu-4gb"
image = "debian-13-x64"
[regions]
frankfurt = { at = "fra1", machines = 2 }
sydney = { at = "syd1", machines = 1 }
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "cloud.toml"
    path.write_text(text)
    return path


def test_tofu_is_asked_for_exactly_this(tmp_path: Path) -> None:
    main = digitalocean.main(
        read(write(tmp_path, GOOD)), "huddle-lab-mine-0", "ssh-ed25519 AAAA", "#cloud-config\n"
    )
    text = json.dumps(main, indent=1) + "\n"
    assert text == (GOLDEN / "digitalocean.tf.json").read_text()


def test_costs_are_counted_by_the_hour_begun() -> None:
    cost, began = Cost(0.05, 4), datetime(2026, 1, 1, tzinfo=UTC)
    assert cost.per_hour == pytest.approx(0.2)
    assert cost.until(began, began + timedelta(minutes=5)) == pytest.approx(0.2)
    assert cost.until(began, began + timedelta(hours=30)) == pytest.approx(6.0)
    assert "4 machines" in str(cost)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"digitalocean"', '"the-moon"', "no cloud the-moon"),
        ('"mine"', '"../mine"', "name can't be"),
        ("machines = 2", "machines = 0", "machines must be a whole number between 1 and"),
        ("machines = 2", "machines = 50", "51 machines"),
        ("frankfurt", '"a b"', "lower-case letters"),
        ('image = "debian-13-x64"', "", "image is missing"),
        ('image = "debian-13-x64"', 'image = "i"\nextra = 1', "no setting extra"),
    ],
)
def test_a_mistake_is_said(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(LocalError, match=said):
        read(write(tmp_path, GOOD.replace(old, new)))


def test_the_api_is_never_asked_over_a_readable_wire(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITALOCEAN_TOKEN", "token")
    monkeypatch.setenv("DIGITALOCEAN_API_URL", "http://api.example.org")
    with pytest.raises(LocalError, match="must be https"):
        digitalocean.left("tag")
