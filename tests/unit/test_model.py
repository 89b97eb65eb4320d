"""The Verifpal models of docs/model: the protocol's hold, and each broken variant shows its attack.

Here every model is checked for one session of each party, which takes seconds; `scripts/test model` checks
those that hold for two at once.
"""

import os
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODELS = sorted((ROOT / "docs" / "model").glob("*.vp"))
BROKEN = sorted((ROOT / "docs" / "model" / "broken").glob("*.vp"))
# As it was before the tests' own home: the tool is built once a machine, not once a test.
ENVIRONMENT = dict(os.environ)

# Where verifpal has to be built first, that takes minutes.
pytestmark = pytest.mark.timeout(900)


@cache
def verifpal() -> str:
    found = subprocess.run(
        [ROOT / "scripts" / "install-verifpal"],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=840,
        check=False,
    )
    if found.returncode != 0:
        if ENVIRONMENT.get("CI") == "true":
            pytest.fail(found.stderr)
        pytest.skip(found.stderr.strip().splitlines()[-1])
    return found.stdout.strip()


def verdict(model: Path) -> str:
    """A letter and a digit for each query, the digit being 1 where Verifpal found an attack."""
    checked = subprocess.run(
        [verifpal(), "verify", "--quiet", "--result-code", "--sessions", "1", model],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
    return checked.stdout.split()[-1]


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_no_attack_is_found_on_the_protocol(model: Path) -> None:
    assert set(verdict(model)[1::2]) == {"0"}


@pytest.mark.parametrize("model", BROKEN, ids=lambda path: path.stem)
def test_an_attack_is_found_on_each_query_of_a_protocol_with_a_part_left_out(model: Path) -> None:
    assert set(verdict(model)[1::2]) == {"1"}


def test_there_are_models_of_both_kinds_and_each_says_what_is_expected_of_it() -> None:
    assert {path.stem for path in MODELS} == {
        *("calls", "ceremony", "front-room", "link", "room", "roster", "stolen-contacts", "words")
    }
    assert len(BROKEN) >= 7
    for path in MODELS + BROKEN:
        text = path.read_text()
        assert ("Expected: no attack" in text) == (path in MODELS), path
        assert "attacker[active]" in text, path


@pytest.mark.parametrize("model", BROKEN, ids=lambda path: path.stem)
def test_a_broken_model_names_the_one_that_it_breaks(model: Path) -> None:
    named = model.read_text().split()[1].removeprefix("../")
    assert (ROOT / "docs" / "model" / named).is_file()
