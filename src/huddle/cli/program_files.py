"""A program on this machine's disk: its entry and what `--include` names, read into memory."""

import os
import shlex
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from huddle.ceremony.manifest import MAX_TOTAL
from huddle.cli.text import clean, listing, size
from huddle.errors import LocalError
from huddle.running.snapshot import collect, left_behind
from huddle.session.program import Program

MAX_LISTED = 20_000  # files looked at below the program's directory, so that a home directory ends the search


def load(path: Path, include: tuple[str, ...], args: tuple[str, ...]) -> tuple[Program, tuple[str, ...]]:
    """The program, and the modules beside it that it imports and that would not travel.

    Raises LocalError where a file can't be read or a glob matches nothing.
    """
    folder = path.parent.resolve()
    try:
        listing = _listing(folder) if include else _beside(folder)
        names = collect(path.name, listing, include)
        _weigh(folder, names)
        files = {unicodedata.normalize("NFC", name): (folder / name).read_bytes() for name in names}
    except OSError as exc:
        raise LocalError(f"{exc.filename} can't be read: {exc.strerror}.") from exc
    entry = unicodedata.normalize("NFC", path.name)
    return Program(entry, files, args), left_behind(files[entry], entry, listing, names)


def _weigh(folder: Path, names: Iterable[str]) -> None:
    """Raise LocalError where the files are more than anybody may be sent, before they fill the memory."""
    total = sum((folder / name).stat().st_size for name in names)
    if total > MAX_TOTAL:
        raise LocalError(
            f"The files of the program have {size(total)}; at most {size(MAX_TOTAL)} can be sent.",
            hint="Leave out what only you need, and give it with --input.",
        )


def _beside(folder: Path) -> list[str]:
    """The modules and packages right beside the program."""
    found = [entry.name for entry in folder.iterdir() if entry.is_file()]
    return found + [f"{entry.parent.name}/__init__.py" for entry in folder.glob("*/__init__.py")]


def _listing(folder: Path) -> list[str]:
    found: list[str] = []
    for root, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".") and name != "__pycache__"]
        whole = [Path(root) / name for name in files]
        found += [path.relative_to(folder).as_posix() for path in whole if path.is_file()]  # no pipes
        if len(found) > MAX_LISTED:
            raise LocalError(
                f"There are over {MAX_LISTED} files beside {folder.name}/.",
                hint="Put the program into a directory of its own.",
            )
    return found


def told(program: Program, private_args: int, input_files: int) -> list[str]:
    """What everybody will see of the program, and what stays here, before anybody can be invited."""
    arguments = shlex.join(clean(word) for word in program.args)
    count = len(program.files)
    files = "" if count == 1 else f" and {count - 1} more {'file' if count == 2 else 'files'}"
    lines = [f"Everybody will see: {clean(program.entry)} {arguments}".rstrip() + files]
    parts = [(private_args, "private argument"), (input_files, "private file")]
    if mine := [f"{many} {what}{'' if many == 1 else 's'}" for many, what in parts if many]:
        lines.append(f"Stays with you: {listing(mine)}")
    return lines
