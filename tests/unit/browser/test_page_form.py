"""The page's forms: what it asks for, and what the texts and files that it sends become."""

from pathlib import Path

import pytest

from huddle.browser.page_form import PageForm, shared_form
from huddle.errors import LocalError
from huddle.session.form import program_form

BLOCK = (
    '# /// script\n# [tool.huddle]\n# title = "Pay"\n# learns = "The sum."\n'
    '# [[tool.huddle.inputs]]\n# option = "--rate"\n# label = "Rate"\n# kind = "integer"\n# shared = true\n'
    '# [[tool.huddle.inputs]]\n# option = "--pay"\n# label = "Pay"\n# kind = "integer"\n# unit = "EUR"\n'
    '# [[tool.huddle.inputs]]\n# option = "--table"\n# label = "Table"\n# kind = "table"\n'
    "# required = false\n# ///\n"
)
FILES = {"a.py": BLOCK.encode(), "t.csv": b""}
MINE = Path("/private/t.csv")


def own(**more: object) -> PageForm:
    return PageForm(program_form("a.py", FILES), "own", 1, taken=tuple(FILES), **more)  # type: ignore[arg-type]


def test_each_part_is_asked_in_its_place() -> None:
    shown = shared_form("a.py", FILES).shown()
    assert [one["option"] for one in shown["inputs"]] == ["--rate"]
    assert (shown["title"], shown["learns"], shown["optional"]) == ("Pay", "The sum.", False)
    assert [one["option"] for one in own().shown()["inputs"]] == ["--pay", "--table"]
    assert [one["option"] for one in own(private=("--pay=3",)).shown()["inputs"]] == ["--table"]
    bare = {"a.py": b"p.add_argument('--depth')"}
    assert shared_form("a.py", bare).shown()["optional"]


def test_what_is_wrong_is_known_before_anything_starts() -> None:
    assert own().problems({}) == {"--pay": "Something has to be given here."}
    assert own().problems({"--pay": "much", "--table": "t.csv"}) == {"--pay": "A whole number, please."}
    assert own().problems({"--pay": "3"}) == {}
    with pytest.raises(LocalError, match="Pay: A whole number"):
        own().fill({"--pay": "much"}, {})
    with pytest.raises(LocalError, match="Table: There is no such file"):
        own().fill({"--pay": "3", "--table": "t.csv"}, {})


def test_answers_and_files_become_arguments_and_a_file_of_the_programs_is_not_replaced() -> None:
    made = own().fill({"--pay": "3", "--table": "t.csv", "--strange": "x"}, {"t.csv": MINE, "other": MINE})
    assert made.private == ("--pay=3", "--table=2-t.csv") and made.shared == ()
    assert made.files == (("2-t.csv", MINE),)
    assert shared_form("a.py", FILES, ("-v",)).fill({"--rate": "2"}, {}).shared == ("-v", "--rate=2")
