"""Nothing that the command prints or asks stands outside the catalogue.

Looked at is what goes to whatever prints or asks in `huddle.cli`: a text with words in it must be inside `t`
or `tn`, or come from below, where `scripts/texts.py` finds it. Help texts of click and what scripts read
(`--json`) are English.

Errors are Huddle's own kinds (`huddle.errors`), which the script collects wherever they are raised. Any
other exception is a mistake inside Huddle that nobody brings about by typing; `unexpected` shows its kind.
"""

import ast
import re
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from tests.scripts import script

HUDDLE = Path(__file__).parents[3] / "src" / "huddle"
CLI = HUDDLE / "cli"
PRINT = {"echo", "secho", "print"}
KINDS = {  # of huddle.errors, with those that derive from them
    "LocalError", "ProgramError", "PeerError", "RendezvousError", "NetworkError", "Missing", "Stopped",
}  # fmt: skip
TABLED = {"RoomGone"}  # takes a reason, and has its texts in a table
INSIDE = {"ValueError", "AssertionError", "WrongPassphrase", "BrokenPipeError"}  # caught where it is raised
CLICKS = {"UsageError", "BadParameter"}  # said by click, each in the catalogue
SHOWN = {*PRINT, *CLICKS, "confirm", "prompt", "ask", "line", "say", "_say", "add_row"}
TRANSLATE = {"t", "tn", "translated"}
NO_WORDS = {"dumps", "format", "get", "strftime", "join", "encode", "as_json", "log_path"}
SAME = {"sha"}  # words that are the same in all languages
MARKUP = re.compile(r"\[/?[a-z #]*\]")


def outside(source: str, shown: Collection[str] = SHOWN) -> Iterator[tuple[int, str]]:
    """The texts with words in them that a module prints or asks by itself, each with its line."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and _name(node.func) in shown:
            for given in node.args:
                for line, text in _texts(given):
                    words = set(re.findall(r"[A-Za-z]{2,}", MARKUP.sub("", text)))
                    if words - SAME:
                        yield line, text


def _texts(node: ast.AST) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            yield node.lineno, node.value
    elif isinstance(node, ast.Call):
        if _name(node.func) not in TRANSLATE | NO_WORDS:
            for given in node.args:
                yield from _texts(given)
    elif isinstance(node, ast.JoinedStr):
        for part in node.values:
            yield from _texts(part.value if isinstance(part, ast.FormattedValue) else part)
    elif isinstance(node, ast.IfExp):
        yield from (*_texts(node.body), *_texts(node.orelse))
    elif isinstance(node, ast.BinOp):
        yield from (*_texts(node.left), *_texts(node.right))
    elif isinstance(node, ast.List | ast.Tuple):
        for one in node.elts:
            yield from _texts(one)


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


@pytest.mark.parametrize("path", sorted(CLI.rglob("*.py")), ids=lambda path: path.relative_to(CLI).as_posix())
def test_what_the_command_prints_is_in_the_catalogue(path: Path) -> None:
    assert list(outside(path.read_text(encoding="utf-8"))) == []


def test_no_other_module_prints_a_text_of_its_own() -> None:
    printed = {
        f"{path.relative_to(HUDDLE)}:{line} {text}"
        for path in HUDDLE.rglob("*.py")
        for line, text in outside(path.read_text(encoding="utf-8"), PRINT)
    }
    assert printed == set()


def test_what_people_meet_is_a_kind_of_error_whose_texts_are_collected() -> None:
    trees = {path: ast.parse(path.read_bytes()) for path in HUDDLE.rglob("*.py")}
    classes = [node for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    kinds = {"HuddleError"}
    while more := {one.name for one in classes if kinds & set(map(_name, one.bases))} - kinds:
        kinds |= more
    assert kinds == {"HuddleError"} | KINDS | TABLED
    assert script("texts").MADE >= KINDS


def test_the_command_raises_kinds_of_errors_and_what_it_catches_itself() -> None:
    raised = {
        _name(node.exc.func)
        for path in CLI.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)
    }
    assert raised <= KINDS | INSIDE | CLICKS


@pytest.mark.parametrize(
    "line",
    [
        'click.echo("It is done.")',
        'click.echo(f"{name} is done.")',
        'console.print("[red]done[/]" if well else t("ok"))',
        'click.prompt(clean("Which one?"))',
        'click.echo("\\n" + "done")',
        'table.add_row("Name", t("x"))',
    ],
)
def test_a_text_outside_is_found(line: str) -> None:
    assert list(outside(line))


@pytest.mark.parametrize(
    "line",
    [
        'click.echo(t("It is done."))',
        "click.echo(f\"  {t('done')}: {translated(why)}\")",
        'click.echo(json.dumps({"event": "done"}))',
        "console.print(f\"[red bold]{event['name']}[/]\")",
    ],
)
def test_a_text_of_the_catalogue_is_none(line: str) -> None:
    assert not list(outside(line))
