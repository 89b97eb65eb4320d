"""Interpreters that differ from the tests' own."""

import re
import shutil
import sys
import venv
from pathlib import Path

import mpyc


def with_mpyc(version: str, folder: Path) -> Path:
    """One in this folder, which is made, with an MPyC that calls itself this version."""
    venv.create(folder, symlinks=True, with_pip=False)
    packages = folder / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    shutil.copytree(Path(mpyc.__file__).parent, packages / "mpyc")
    init = packages / "mpyc" / "__init__.py"
    text, changed = re.subn(r"__version__ = .*", f"__version__ = '{version}'", init.read_text())
    assert changed == 1
    init.write_text(text)
    return folder / "bin" / "python"
