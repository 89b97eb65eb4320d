"""What a program's import statements name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.browser.imports import MOST, imported


def of(source: str, **more: bytes) -> list[str]:
    return imported({"program.py": source.encode(), **more})


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import numpy as np, os.path, asyncio", ["numpy"]),
        ("from scipy.linalg import inv\nimport gmpy2", ["gmpy2", "scipy"]),
        ("from mpyc.numpy import np\nfrom mpyc.runtime import mpc", ["numpy"]),
        ("import mpyc.numpy", ["numpy"]),
        ("from mpyc import numpy, gmpy", ["numpy"]),
        ("from mpyc.runtime import mpc", []),
        ("def f():\n    try:\n        import flint\n    except ImportError: pass", ["flint"]),
        ("from . import numpy", []),
        ("'import numpy'  # import scipy", []),
        ("import numpy\nthis is no Python", []),
    ],
)
def test_names_that_must_come_from_elsewhere(source: str, names: list[str]) -> None:
    assert of(source) == names


def test_a_program_s_own_modules_are_there() -> None:
    files = {"main.py": b"import helper, parts.one, numpy", "helper.py": b"import scipy", "parts/one.py": b""}
    assert imported(files) == ["numpy", "scipy"]
    assert imported({"data.json": b"import numpy"}) == []


def test_there_are_never_too_many() -> None:
    assert len(of("\n".join(f"import m{number}" for number in range(2 * MOST)))) == MOST


@given(st.dictionaries(st.text(max_size=8), st.binary(max_size=200)))
def test_any_files_are_looked_at_without_an_error(files: dict[str, bytes]) -> None:
    assert all(isinstance(name, str) for name in imported(files))
