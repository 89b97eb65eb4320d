"""What a program's import statements name."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.browser.imports import MOST, imported, syntax_problem


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
        ("import numpy\nthis is no Python", ["numpy"]),
        ("from scipy import (a as b,\n  c)  # and more\nimport d.e as f; import g", ["d", "g", "scipy"]),
        ("def f():\n  yield from x\nraise y from z\nif 1: import numpy", ["numpy"]),
        ("# coding: latin-1\nimport numpy", []),
    ],
)
def test_names_that_must_come_from_elsewhere(source: str, names: list[str]) -> None:
    assert of(source) == names


LINES = st.sampled_from(
    [
        *(
            "import a",
            "import a.b as c, d",
            "from e.f import g, h as i",
            "from j import (k,\n  l)",
            "from . import m",
        ),
        *("from .n import o", "from p import *", "x = 'import q'", '"""', "if x: import r", "raise x from y"),
        *(
            "try:\n  import s\nexcept X: import t; import u",
            "import v \\\n  , w",
            "z = lambda: (yield from x)",
        ),
        *("# import z", "class A:\n  from b1 import c1\n", "x[1:2]", "\r", "\x0c"),
    ]
)


@given(st.lists(LINES, max_size=6).map("\n".join))
def test_the_words_say_what_the_syntax_tree_says(source: str) -> None:
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    assert of(source) == sorted(names)


def test_a_source_that_nests_deeply_is_only_read() -> None:
    for source in ("a" + ".a" * 100_000, "-" * 100_000 + "1", "(" * 100_000, "1" + "+1" * 100_000):
        assert of(f"import numpy\nx = {source}\nimport scipy")[:1] == ["numpy"]


def test_no_more_is_read_than_a_browser_has_time_for() -> None:
    large = b"import scipy\n" + b"x = 1\n" * 100_000
    assert imported({"a.py": large, "b.py": b"import numpy"}) == ["numpy"]


def test_a_program_s_own_modules_are_there() -> None:
    files = {"main.py": b"import helper, parts.one, numpy", "helper.py": b"import scipy", "parts/one.py": b""}
    assert imported(files) == ["numpy", "scipy"]
    assert imported({"data.json": b"import numpy"}) == []


def test_there_are_never_too_many() -> None:
    assert len(of("\n".join(f"import m{number}" for number in range(2 * MOST)))) == MOST


@given(st.dictionaries(st.text(max_size=8), st.binary(max_size=200)))
def test_any_files_are_looked_at_without_an_error(files: dict[str, bytes]) -> None:
    assert all(isinstance(name, str) for name in imported(files))


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (b"print(1)\n", ""),
        (b"import numpy\nprint(1\n", "main.py, line 2: '(' was never closed"),
        (b"x = 1\x00", "main.py"),
        (b"-" * 100_000 + b"1", ""),
        (b"(" * 100_000, ""),
    ],
)
def test_what_python_cannot_read_is_named_and_what_nests_too_deep_is_left_alone(
    source: bytes, problem: str
) -> None:
    assert syntax_problem({"main.py": source, "data.txt": b"("}).startswith(problem)
    assert bool(syntax_problem({"main.py": source})) is bool(problem)
