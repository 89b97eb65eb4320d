"""Programs by name: a file goes first, a name is found, a wrong one is answered with those that there are."""

from pathlib import Path

import click
import pytest

from huddle.api import program
from huddle.cli.named_path import NamedPath
from huddle.session.samples import samples

KIND = NamedPath("program", samples)


def test_a_program_is_found_by_its_name() -> None:
    assert KIND.convert("vote", None, None) == samples()["vote"]
    assert program("vote").entry == "vote.py"


def test_a_file_goes_before_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "vote").write_text("print()")
    monkeypatch.chdir(tmp_path)
    assert KIND.convert("vote", None, None) == Path("vote")


def test_a_wrong_name_is_answered_with_those_that_there_are() -> None:
    with pytest.raises(click.BadParameter, match=r"no program of that name.*secret_santa"):
        KIND.convert("sante", None, None)


def test_a_path_that_is_wrong_is_no_name() -> None:
    with pytest.raises(click.BadParameter, match="does not exist"):
        KIND.convert("sante.py", None, None)
