"""What a program says of itself in a comment block, as PEP 723 defines it; and the packages that it names.

    # /// script
    # requires-python = ">=3.12"
    # dependencies = ["numpy>=2", "pandas"]
    # ///

Pure: reads text and runs nothing of it.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from huddle.errors import ProgramError

# As in PEP 723.
_BLOCK = re.compile(r"(?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$")
# A name with its versions: no address, no path, no option.
_REQUIREMENT = re.compile(r"[A-Za-z0-9][^\n@/\\]*\Z")


@dataclass(frozen=True, slots=True)
class Requirements:
    """The metadata of a program: requirements of packages (PEP 508), and of Python (PEP 440; empty: any)."""

    packages: tuple[str, ...]
    python: str = ""


def metadata(source: str) -> Mapping[str, Any]:
    """The TOML of a program's block; empty where it has none. Raises ProgramError where it is wrong."""
    found = [match for match in _BLOCK.finditer(source.replace("\r\n", "\n")) if match["type"] == "script"]
    if not found:
        return {}
    hint = "Its author can mend the block; docs/programs.md says what may stand in it."
    if len(found) > 1:
        raise ProgramError("The program has two blocks of metadata (# /// script).", hint=hint)
    lines = found[0]["content"].splitlines()
    try:
        return tomllib.loads("".join(line[2:] + "\n" if line.startswith("# ") else "\n" for line in lines))
    except tomllib.TOMLDecodeError as error:
        raise ProgramError(f"The program's block of metadata is no TOML: {error}.", hint=hint) from None


def requirements(source: str) -> Requirements | None:
    """What a program needs; None where it names no packages. Raises ProgramError where it is wrong."""
    table = metadata(source)
    packages, python = table.get("dependencies", []), table.get("requires-python", "")
    if not isinstance(packages, list) or not isinstance(python, str):
        raise ProgramError("In the program's metadata dependencies is no list, or requires-python no text.")
    for one in packages:
        if not isinstance(one, str) or not _REQUIREMENT.match(one) or len(one) > 200:
            raise ProgramError(
                f"The program depends on {str(one)[:80]!r}, which is no package of an index.",
                hint="Name packages with their versions, as in numpy>=2.",
            )
    return Requirements(tuple(packages), python) if packages else None
