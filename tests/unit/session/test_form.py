"""A program's form: what its author may say, what is refused, and what a source says by itself."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.errors import ProgramError
from huddle.session.argparse_form import declared
from huddle.session.form import Form, block, form_of
from huddle.session.form_input import KINDS, FormInput

PROGRAMS = sorted((Path(__file__).parents[3] / "programs").glob("*.py"))


def source(*lines: str) -> str:
    return "\n".join(["# /// script", *(f"# {line}".rstrip() for line in lines), "# ///", "", "print()", ""])


def with_input(*lines: str) -> str:
    return source("[tool.huddle]", "[[tool.huddle.inputs]]", *lines)


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_every_program_of_ours_has_a_face(path: Path) -> None:
    text = path.read_text()
    form = form_of(text)
    assert form.written and form.title and form.learns
    # What is asked for is an option of the program, as its source declares it.
    options = {one.option for one in declared(text)[1]}
    assert {one.option for one in form.inputs} <= options
    assert all((path.parent / name).is_file() for name in form.files)


def test_all_that_a_block_may_say() -> None:
    form = form_of(
        with_input(
            'option = "--pay"', 'label = "Your pay"', 'kind = "decimal"', 'unit = "EUR"', "minimum = 0",
            "maximum = 10.5", 'help = "A month\'s."', "required = false", "parties = [1, 2]",
        )
    )  # fmt: skip
    assert form.inputs == (
        FormInput(
            "--pay", "Your pay", "decimal", "A month's.", "EUR", 0, 10.5, required=False, parties=(1, 2)
        ),
    )
    assert form.wanted(0, (), shared=False) == ()
    assert form.wanted(1, (), shared=False) == form.inputs
    assert form.wanted(1, ("--pay=3",), shared=False) == form.wanted(1, ("--pay", "3"), shared=False) == ()
    assert form.wanted(1, (), shared=True) == ()


TWICE = ('option = "--a"', 'label = "x"')


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (source("[tool.huddle"), "no TOML"),
        (source("[tool]", "huddle = 1"), "no table"),
        (source("[tool.huddle]", "titel = 'x'"), "no 'titel'"),
        (source("[tool.huddle]", "title = 1"), "title can't be"),
        (source("[tool.huddle]", 'title = "a\\u001bb"'), "title can't be"),
        (source("[tool.huddle]", "inputs = 1"), "a list"),
        (source("[tool.huddle]", "inputs = [1]"), "a table"),
        (source("[tool.huddle]") * 2, "two blocks"),
        (with_input('label = "x"'), "option is missing"),
        (with_input('option = "salary"', 'label = "x"'), "as in --salary"),
        (with_input('option = "--a b"', 'label = "x"'), "as in --salary"),
        (with_input('option = "--a"', 'label = "x"', 'kind = "number"'), "kind is one of"),
        (with_input('option = "--a"', 'label = "x"', 'kind = "choice"'), "choices belong"),
        (with_input('option = "--a"', 'label = "x"', 'choices = ["y"]'), "choices belong"),
        (with_input('option = "--a"', 'label = "x"', 'kind = "file"', "shared = true"), "a file is private"),
        (with_input('option = "--a"', 'label = "x"', 'kind = "integer"', 'default = "y"'), "its default"),
        (with_input('option = "--a"', 'label = "x"', "minimum = true"), "minimum can't be"),
        (with_input('option = "--a"', 'label = "x"', 'parties = ["0"]'), "parties can't be"),
        (with_input(*TWICE, "[[tool.huddle.inputs]]", *TWICE), "the same option"),
    ],
)  # fmt: skip
def test_a_wrong_block_is_named(text: str, reason: str) -> None:
    with pytest.raises(ProgramError, match=reason):
        form_of(text)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("integer", ("0", "-3", "+7", "10"), ("1.0", "1e3", "x", "", "NaN", "11", "-4", "1_0", " 1")),
        ("decimal", ("0", "2.50", "-3"), ("x", "Infinity", "NaN", "10.01", "2,50", "")),
        ("date", ("2026-02-28",), ("2026-02-30", "tomorrow", "")),
        ("text", ("a", "aa"), ("", "a" * 11)),
        ("choice", ("tea",), ("Tea", "", "coffee")),
        ("file", ("mine.csv",), ("",)),
    ],
)
def test_answers_are_checked_before_anything_starts(
    kind: str, good: tuple[str, ...], bad: tuple[str, ...]
) -> None:
    bounds = {"integer": (-3, 10), "decimal": (-3, 10), "text": (None, 10)}.get(kind, (None, None))
    choices = ("tea",) if kind == "choice" else ()
    one = FormInput("--a", "A", kind, minimum=bounds[0], maximum=bounds[1], choices=choices)
    assert [text for text in good if one.problem(text)] == []
    assert [text for text in bad if not one.problem(text)] == []


def test_what_need_not_be_given_gives_no_argument() -> None:
    one = FormInput("--a", "A", required=False)
    assert one.problem("") == "" and one.argument("") == ()
    assert one.argument("x y") == ("--a=x y",)


@given(st.text())
def test_no_source_is_too_strange(text: str) -> None:
    try:
        assert isinstance(form_of(text), Form)
    except ProgramError:
        assert block is not None


@given(st.sampled_from(KINDS), st.text(max_size=20))
def test_no_answer_is_too_strange(kind: str, text: str) -> None:
    one = FormInput("--a", "A", kind, minimum=1, maximum=5, choices=("a",) if kind == "choice" else ())
    assert isinstance(one.problem(text), str)
