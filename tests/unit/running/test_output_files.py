"""What a program left is kept as its person wants, and nothing else is touched, whatever the program made."""

import os
from pathlib import Path

import pytest

from huddle.errors import LocalError
from huddle.running import output_files as results
from huddle.running.output_files import Result, keep, made


def test_only_what_is_new_or_changed_counts(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"same")
    (tmp_path / "t.csv").write_bytes(b"else")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "x").write_bytes(b"new")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "mine.csv").write_bytes(b"")
    given = {"a.py": b"same", "t.csv": b"this"}
    assert made(tmp_path, given, {}, ("in",)) == (Result("out/x", 3), Result("t.csv", 4))


def test_nothing_that_is_there_is_overwritten_and_no_link_is_followed(tmp_path: Path) -> None:
    source, target, outside = tmp_path / "run", tmp_path / "kept", tmp_path / "outside"
    for folder in (source, target, outside, source / "sub"):
        folder.mkdir()
    for name in ("a.txt", "b", "sub/c.txt", "up/d.txt"):
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_text(f"new {name}")
    (target / "a.txt").write_text("old")
    (target / "a-2.txt").write_text("old")
    (target / "up").symlink_to(outside)
    found = made(source, {})
    kept = dict(keep(source, found, target))
    assert kept == {"a.txt": "a-3.txt", "b": "b", "sub/c.txt": "sub/c.txt", "up/d.txt": ""}
    assert (target / "a.txt").read_text() == "old" and (target / "a-3.txt").read_text() == "new a.txt"
    assert list(outside.iterdir()) == []


def test_a_link_that_takes_the_place_of_a_file_gives_nothing_away(tmp_path: Path) -> None:
    source, secret = tmp_path / "run", tmp_path / "secret"
    source.mkdir()
    secret.write_text("secret")
    (source / "x").symlink_to(secret)
    (source / "in").symlink_to(tmp_path)
    os.mkfifo(source / "pipe")
    assert made(source, {}) == ()
    seen = (
        Result("x", 6),
        Result("in/secret", 6),
        Result("pipe", 0),
        Result("../secret", 6),
        Result("\x1b[2J", 0),
    )
    assert {name for _, name in keep(source, seen, tmp_path / "kept")} == {""}


def test_there_is_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "MOST_BYTES", 5)
    source = tmp_path / "run"
    source.mkdir()
    for name in "abc":
        (source / name).write_text("1234" if name == "b" else "12")
    assert dict(keep(source, made(source, {}), tmp_path / "kept")) == {"a": "a", "b": "", "c": "c"}
    monkeypatch.setattr(results, "MOST_FILES", 2)
    assert len(made(source, {})) == 2


def test_places_that_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "file").write_text("")
    for target in (tmp_path, tmp_path / "file", Path("/")):
        with pytest.raises(LocalError):
            results.check_target(target)
    results.check_target(tmp_path / "new" / "deep")
