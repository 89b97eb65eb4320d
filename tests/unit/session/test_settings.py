"""Settings that no session could be held with are refused where they are made, from Python too."""

import math
from pathlib import Path
from typing import Any

import pytest

import huddle
from huddle.errors import LocalError
from huddle.session.settings import NETWORKS, Settings


def test_the_least_is_a_name() -> None:
    assert Settings("Ada").networks == NETWORKS


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": ""}, "cannot be a name"),
        ({"name": "A\nda"}, "cannot be a name"),
        ({"networks": ()}, "No network"),
        ({"networks": ("tls", "telex")}, "no network telex"),
        ({"port": -1}, "no port -1"),
        ({"port": 65536}, "no port 65536"),
        ({"grace": 0.0}, "too short"),
        ({"grace": math.nan}, "too short"),
        ({"stall": 0.5}, "stall"),
        ({"max_queue": -1}, "less than 0"),
        ({"inputs": (Path("a/x.csv"), Path("b/x.csv"))}, "the same name"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(LocalError) as raised:
        Settings(**({"name": "Ada"} | wrong))
    assert said in raised.value.message and raised.value.hint


def test_the_python_api_refuses_it_before_anything_begins() -> None:
    with pytest.raises(LocalError):
        huddle.join("nonsense", name="Bob", grace=0)
