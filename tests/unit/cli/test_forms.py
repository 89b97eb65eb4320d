"""The host's form on a terminal: before there is an invitation, with one key to go on without."""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from huddle.cli.forms import asked, question
from huddle.errors import LocalError
from huddle.session.form_input import FormInput
from huddle.session.program import Program

BLOCK = (
    '# /// script\n# [tool.huddle]\n# title = "Pay"\n# learns = "The sum."\n'
    '# [[tool.huddle.inputs]]\n# option = "--rate"\n# label = "Rate"\n# default = "2"\n# shared = true\n'
    '# [[tool.huddle.inputs]]\n# option = "--pay"\n# label = "Pay"\n# kind = "integer"\n# unit = "EUR"\n'
    '# [[tool.huddle.inputs]]\n# option = "--table"\n# label = "Table"\n# kind = "table"\n# ///\n'
)
BARE = "p.add_argument('--depth', type=int)\np.add_argument('--name')\n"


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the person types, a line each; when there is no more, Ctrl-D."""
    lines: list[str] = []
    said: Iterator[str] = iter(lines)

    def prompt(text: str, **_: object) -> str:
        line = next(said, None)
        if line is None:
            raise click.Abort
        return line

    monkeypatch.setattr(click, "prompt", prompt)
    return lines


def program(source: str, *args: str) -> Program:
    return Program("a.py", {"a.py": source.encode()}, args)


def test_the_authors_form_is_asked_and_a_wrong_answer_again(
    typed: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "t.csv").touch()
    typed += ["", "much", "3", "/not/there.csv", str(tmp_path / "t.csv")]
    mine, private, inputs = asked(program(BLOCK), (), (), ask=True)
    assert (mine.args, private) == (("--rate=2",), ("--pay=3", "--table=t.csv"))
    assert inputs == (("t.csv", tmp_path / "t.csv"),)
    assert capsys.readouterr().out == "Pay: The sum.\nA whole number, please.\nThere is no such file.\n"


def test_options_of_argparse_are_named_and_only_one_that_must_be_given_is_asked_for(
    typed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    mine, own, _ = asked(program(BARE), (), (), ask=True)
    assert (mine.args, own) == ((), ())
    assert capsys.readouterr().out == "It also takes --depth, --name: behind a.py for all, or later.\n"
    typed += ["", "2"]
    must = "p.add_argument('--must', type=int, required=True)\n" + BARE
    mine, own, _ = asked(program(must), (), (), ask=True)
    assert (mine.args, own) == (("--must=2",), ())


def test_nobody_is_asked_for_what_is_given_or_where_nobody_types(typed: list[str]) -> None:
    assert asked(program(BARE, "--depth", "1", "--name=x"), (), (), ask=True)[0].args == (
        "--depth", "1", "--name=x",
    )  # fmt: skip
    assert asked(program(BLOCK), (), (), ask=False)[0].args == ("--rate=2",)
    with pytest.raises(LocalError):
        asked(program(BLOCK), (), (), ask=True)


def test_a_question_says_what_is_wanted_and_where_it_stays() -> None:
    one = FormInput("--a", "A\x1b", "integer", "help.", "EUR", required=False)
    assert question(one) == r"A\x1b (EUR; help; may be empty; stays on this device)"
    shared = FormInput("--a", "A", "choice", choices=("x", "y"), default="x", shared=True)
    assert question(shared) == "A (x, y; empty: x; seen by all)"
