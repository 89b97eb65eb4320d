"""A person's way through a form: who is asked for what, and what their answers become."""

from pathlib import Path
from typing import Literal

from huddle.session.filling import Filling
from huddle.session.form import Form
from huddle.session.form_input import FormInput

SIZE = FormInput("--size", "Size", "integer", default="3", shared=True)
PAY = FormInput("--pay", "Pay", "decimal", minimum=0)
TABLE = FormInput("--table", "Table", "table", required=False)
FIRST = FormInput("--first", "First", parties=(0,))
FORM = Form(inputs=(PAY, SIZE, TABLE, FIRST), written=True)
BARE = Form(inputs=(FormInput("--depth", "Depth", "integer", required=False), TABLE))


def found(text: str) -> Path | None:
    return Path("mine") / text if text.endswith(".csv") else None


def filling(
    form: Form,
    pid: int,
    *given: str,
    taken: tuple[str, ...] = (),
    which: Literal["all", "shared", "own"] = "all",
) -> Filling:
    return Filling(form, pid, given, (), taken, found, which=which)


def options(one: Filling) -> list[str]:
    return [each.option for each in one.remaining]


def test_the_host_gives_what_all_share_first_and_a_guest_only_its_own() -> None:
    assert options(filling(FORM, 0)) == ["--size", "--pay", "--table", "--first"]
    assert options(filling(FORM, 1)) == ["--pay", "--table"]
    assert options(filling(FORM, 1, "--pay=3")) == ["--table"]
    assert options(filling(FORM, 0, which="shared")) == ["--size"]
    assert options(filling(FORM, 0, which="own")) == ["--pay", "--table", "--first"]


def test_answers_become_arguments_and_files_and_a_wrong_one_changes_nothing() -> None:
    one = filling(FORM, 0, taken=("a.csv",))
    assert one.answer("") == "" and one.shared == ("--size=3",)  # its default
    assert one.answer("-1") == "At least 0." and options(one)[0] == "--pay" and not one.private
    assert one.answer(" 2.50 ") == ""
    assert one.answer("nothing.txt") == "There is no such file."
    assert one.answer("a.csv") == ""
    assert one.answer("x") == "" and one.pending is None
    assert one.private == ("--pay=2.50", "--table=2-a.csv", "--first=x")
    assert one.files == (("2-a.csv", Path("mine/a.csv")),)


def test_what_is_passed_over_has_its_default_or_nothing() -> None:
    one = filling(FORM, 0)
    one.pass_over()
    assert (one.shared, one.private, one.files, one.pending) == (("--size=3",), (), (), None)


def test_options_of_argparse_may_be_passed_over_at_once_and_those_of_an_author_not() -> None:
    assert filling(BARE, 0).optional and not filling(FORM, 0).optional
    must = Form(inputs=(FormInput("--must", "Must"), *BARE.inputs))
    assert not filling(must, 0).optional
    one = filling(must, 0)
    assert one.answer("x") == "" and one.optional


def test_options_of_argparse_are_seen_by_all_at_the_host_unless_it_keeps_them_and_never_at_a_guest() -> None:
    cases: tuple[tuple[int, Literal["all", "own"], tuple[str, ...]], ...] = (
        (0, "all", ("--depth=2",)),
        (0, "own", ()),
        (1, "all", ()),
    )
    for pid, which, shared in cases:
        one = filling(BARE, pid, which=which)
        assert one.answer("2") == "" and one.answer("a.csv") == ""
        assert one.shared == shared
        assert one.private == (*(() if shared else ("--depth=2",)), "--table=a.csv")
