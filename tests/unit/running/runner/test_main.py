"""What a runner says of a program that failed."""

import pytest

from huddle.running.runner.main import said


def test_an_error_is_said_with_what_was_noted_on_it() -> None:
    error = ModuleNotFoundError("No module named 'numpy'", name="numpy")
    error.add_note("numpy is not here: this server has none.\nAsk whoever runs it.")
    assert said(error).startswith(
        "ModuleNotFoundError: No module named 'numpy' numpy is not here: this server"
    )


def test_the_last_line_of_a_syntax_error_is_the_one_with_its_name() -> None:
    with pytest.raises(SyntaxError) as caught:
        compile("a = = 1", "main.py", "exec")
    assert said(caught.value) == "SyntaxError: invalid syntax"
