"""A program with a preamble that seeds what its parties draw, so that its runs send the same messages.

MPyC draws its keys for pseudorandom secret sharing from `secrets.token_bytes`. With a seed, a program that
tries until it succeeds needs the same number of tries in each run, plain or in a session. Everything
secret in such a run can be guessed: it is for measuring only.
"""

from pathlib import Path

PREAMBLE = '''"""{title}"""
import random as _random
import secrets as _secrets
import sys as _sys

_source = _random.Random("{seed}/" + _sys.argv[_sys.argv.index("-I") + 1])
_secrets.token_bytes = lambda size=None: _source.randbytes(32 if size is None else size)
_random.seed(_source.random())
'''


def seeded(program: Path, folder: Path, seed: str) -> Path:
    """A copy of the program in the folder, with the preamble of this seed before it."""
    text = PREAMBLE.format(title=f"{program.stem}, seeded: for measuring only.", seed=seed)
    copy = folder / f"seeded_{program.name}"
    copy.write_text(text + program.read_text())
    return copy
