"""What a person gives a program: files by another name, directories, variables; and what makes no sense."""

from pathlib import Path

import click
import pytest

from huddle.cli.gifts import InputType, VariableType


def test_files_and_directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "mine.csv").write_text("")
    (tmp_path / "a=b.csv").write_text("")
    (tmp_path / "data").mkdir()
    convert = lambda text: InputType().convert(text, None, None)  # noqa: E731
    assert convert("mine.csv") == ("mine.csv", Path("mine.csv"))
    assert convert("data/party1.csv=~/mine.csv") == ("data/party1.csv", tmp_path / "mine.csv")
    assert convert("a=b.csv") == ("a=b.csv", Path("a=b.csv"))
    assert convert("data/") == ("data", Path("data"))
    assert convert("other=data") == ("other", Path("data"))
    for wrong in ("nowhere", "x=nowhere", "../x=mine.csv", "/etc/x=mine.csv"):
        with pytest.raises(click.UsageError):
            convert(wrong)


def test_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "mine")
    monkeypatch.delenv("NONE", raising=False)
    convert = lambda text: VariableType().convert(text, None, None)  # noqa: E731
    assert convert("TOKEN") == ("TOKEN", "mine")
    assert convert("A_1=x=y") == ("A_1", "x=y")
    assert convert("EMPTY=") == ("EMPTY", "")
    for wrong in ("NONE", "1A=x", "=x", "A-B=x"):
        with pytest.raises(click.UsageError):
            convert(wrong)
