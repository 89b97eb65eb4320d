"""What a runner does with packages: MPyC looks for them anew, and who fails for a missing one says so."""

import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from huddle.browser.packages import explanation

MISSING = {"numpy": "this server has no numpy", "flint": "nothing by this name can be had here"}


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ModuleNotFoundError("No module named 'numpy'", name="numpy"), "numpy is not here: this server has"),
        (ModuleNotFoundError("…", name="flint.types"), "flint is not here: nothing by this name"),
        (ModuleNotFoundError("…", name="scipy"), "none of its import statements names it"),
        (AttributeError("'NoneType' object has no attribute 'array'"), "array'; numpy, which the program"),
        (ValueError("of its own"), ""),
    ],
)
def test_who_fails_for_a_missing_package_says_so(error: Exception, said: str) -> None:
    assert said in explanation(error, MISSING)
    assert bool(explanation(error, MISSING)) is bool(said)


def test_an_attribute_that_is_missing_for_another_reason_is_left_alone() -> None:
    assert explanation(AttributeError("no such thing"), {"flint": "…"}) == ""


PROGRAM = """
import sys
from huddle.browser import mpyc_import, packages
sys.modules["gmpy2"] = None  # as where it is not installed
mpyc_import.prepare_mpyc()
import mpyc.gmpy
assert mpyc.gmpy.invert(3, 7) == 5
del sys.modules["gmpy2"]
sys.path.insert(0, {folder!r})
packages.begin(["gmpy2"], {{}}, [])
import mpyc.gmpy
assert mpyc.gmpy.invert(3, 7) == "brought", mpyc.gmpy.invert
import missing_module
"""
GMPY2 = """
def invert(x, m): return "brought"
version = lambda: "of the test"
mpz = is_prime = next_prime = prev_prime = powmod = gcdext = legendre = jacobi = kronecker = invert
is_square = isqrt = iroot = invert
"""


def test_mpyc_looks_again_for_what_was_brought(tmp_path: Path) -> None:
    (tmp_path / "gmpy2.py").write_text(GMPY2)
    code = PROGRAM.format(folder=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "No module named 'missing_module'" in done.stderr, done.stderr
    # What a person is told at the end is the last line.
    assert done.stderr.rstrip().endswith("none of its import statements names it.")


def test_the_note_is_what_a_run_s_reason_is_made_of() -> None:
    error = ModuleNotFoundError("No module named 'numpy'", name="numpy")
    error.add_note(explanation(error, MISSING))
    assert traceback.format_exception_only(error)[-1].startswith("numpy is not here")
