"""The list of `--expect` is read from a file, and what is wrong with it is said at once."""

from pathlib import Path

import pytest

from huddle.cli.expect import read_expected
from huddle.errors import LocalError


def test_a_list_is_read(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("Ada\nBob\n")
    assert read_expected(tmp_path / "names.txt").names == ("Ada", "Bob")


def test_a_file_that_is_no_text_is_an_error_of_this_person(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(LocalError, match="can't be read"):
        read_expected(tmp_path / "names.txt")
