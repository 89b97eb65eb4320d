"""Nothing that was typed before a question stands answers it: each question has a test on a terminal.

Those of a session's screen are in `terminal/test_screens.py`, those outside of it here. Whoever asks
something new is found by `test_every_place_that_asks_has_such_a_test`.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import huddle.cli
from tests.unit.cli.asked import Asked
from tests.unit.cli.terminal.test_screens import QUESTIONS

SOURCE = Path(huddle.cli.__path__[0])

# Who asks, and by which tests: questions of `test_screens.QUESTIONS`, and tests by name.
ON_A_SCREEN = {
    "questions.py _ask_to_admit": ("admit",),
    "questions.py _ask_for_all": ("host", "guest"),
    "questions.py _program": ("program",),
    "questions.py _again": ("again",),
    "questions.py _until_clear": ("admit", "program"),
    "lobby_questions.py _line": ("held", "lobby"),
    "dealing.py _ask": ("class",),
    "form_questions.py fill_in": ("test_what_follows_an_answer_at_once_fills_in_no_form",),
    "driver.py _input": ("test_lines_for_the_program_are_kept_while_it_runs_and_forgotten_with_it",),
}
# What asks with these is asked by `huddle.cli.confirm` alone, which the cases below try.
OUTSIDE = {
    "forms.py _typed": "typed",
    "proposal.py _asked": "one_of",
    "unlock.py unlock_seed": "hidden",
    "identity_group.py passphrase_command": "hidden",
    "identity_group.py export_command": "hidden",
    "identity.py forget_command": "confirm",
}

ASKS = re.compile(
    r"self\._screen\.(ask|line)|self\._until_clear|click\.(prompt|confirm|getchar|pause)"
    r"|confirm|one_of|typed|hidden|input|getpass\.getpass"
)
CASES = {
    "confirm": ("confirm.confirm('Delete it?')", "Delete it? [y/N]: ", "y", "None"),
    "one_of": ("confirm.one_of('Send it?', 'yen')", "Send it? [y/e/n]: ", "e", "'e'"),
    "typed": ("confirm.typed('Your pay')", "Your pay: ", "7", "'7'"),
    "hidden": ("confirm.hidden('Passphrase')", "Passphrase: ", "secret", "'secret'"),
}


def places() -> Iterator[tuple[str, str]]:
    """Where the command line asks: file and function, and by what."""
    for path in SOURCE.rglob("*.py"):
        if path.name in ("confirm.py", "painted_screen.py", "plain_screen.py", "json_view.py"):
            continue  # these are what is asked with
        for function in ast.walk(ast.parse(path.read_text())):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for node in ast.walk(function):
                if isinstance(node, ast.Call):
                    called = ast.unparse(node.func)
                    if ASKS.fullmatch(called):
                        yield f"{path.name} {function.name}", called


def test_every_place_that_asks_has_such_a_test() -> None:
    found = dict(places())
    assert set(found) == {*ON_A_SCREEN, *OUTSIDE}
    assert {place: found[place] for place in OUTSIDE} == OUTSIDE
    here = (Path(__file__).parent / "terminal" / "test_screens.py").read_text()
    for tests in ON_A_SCREEN.values():
        for test in tests:
            assert test in QUESTIONS or f"def {test}(" in here
    assert {case for tests in ON_A_SCREEN.values() for case in tests if case in QUESTIONS} == set(QUESTIONS)
    assert set(OUTSIDE.values()) == set(CASES)


@pytest.mark.parametrize("case", CASES)
def test_what_was_typed_or_pasted_before_the_question_answers_nothing(case: str) -> None:
    call, reads, answer, expected = CASES[case]
    one = Asked("from huddle.cli import confirm", f"print('answered', repr({call}), flush=True)")
    one.type("y\nn\ny\ny\n1")
    one.ask()
    one.until(reads)
    one.type(f"{answer}\n")
    one.until(f"answered {expected}")
    assert one.end() == 0
