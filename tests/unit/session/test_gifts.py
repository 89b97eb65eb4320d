"""One line says what a program gets of its person, and which variables its source asks for."""

from pathlib import Path

from huddle.session.gifts import told
from huddle.session.settings import Settings


def test_nothing_is_said_where_there_is_nothing() -> None:
    assert told(Settings("Ann"), {"a.py": b"print(1)"}) == ""


def test_all_of_it_is_one_line(tmp_path: Path) -> None:
    settings = Settings(
        "Ann",
        inputs=(tmp_path / "mine.csv", tmp_path / "t.csv"),
        input_targets=("data/party1.csv",),
        environment=(("TOKEN", "secret"),),
        output=tmp_path / "out",
    )
    sources = {"a.py": b"import os\nos.environ['TOKEN'], os.getenv('SEED')", "b.txt": b"os.getenv('X')"}
    text = told(settings, sources)
    assert text == (
        "It may read data/party1.csv (your mine.csv), t.csv. It gets the variable TOKEN. "
        f"Its source asks for SEED; --env gives it a variable. What it makes is kept in {tmp_path / 'out'}."
    )
    assert "secret" not in text
