"""What a runner says of a program that failed, and what it leaves alone where it is imported."""

import subprocess
import sys
from pathlib import Path

import pytest

from huddle.running.runner import main
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


def test_who_imports_it_keeps_a_path_that_is_above_it() -> None:
    above = Path(main.__file__).parents[4]
    code = (
        f"import sys; sys.path[:0] = [{str(above)!r}]; before = [*sys.path]; import {main.__name__}; "
        "assert sys.path == before"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
