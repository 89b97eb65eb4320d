"""The fresh directory in which a program runs, and which files of a directory belong to a program.

Everybody, the host too, runs a copy of what the manifest names, never the files as they lie on the host's
disk. The manifest's paths were checked when it was read; they are checked again here, where they become
files. The program's files are the entry and what `--include` names. Modules beside the entry that it imports
do not travel by themselves, since guessing would send what nobody meant to send: `left_behind` names them
for a hint.
"""

import ast
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType

from huddle.ceremony.manifest import check_path
from huddle.errors import LocalError, ProgramError
from huddle.running.scratch import Scratch


class Snapshot:
    """A directory of one's own with these files (relative path with `/`: contents), until it is removed.

    `directory` is its absolute path. `inputs` are private files to link into it by their own names.
    """

    def __init__(self, files: Mapping[str, bytes], inputs: Iterable[Path] = ()) -> None:
        inputs = tuple(inputs)
        _check(files, inputs)
        self._scratch = Scratch("huddle-run-")
        self.directory = self._scratch.path
        try:
            for path, data in files.items():
                target = self.directory / path
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
                with open(fd, "wb") as file:
                    file.write(data)
            for source in inputs:
                (self.directory / source.name).symlink_to(source.absolute())
        except BaseException:
            self.remove()
            raise

    def __enter__(self) -> "Snapshot":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    def remove(self) -> None:
        """Remove it with all that the program left in it; raises LocalError where that can't be done."""
        if not self._scratch.remove():
            raise LocalError(
                f"the program's directory {self.directory} cannot be removed", hint="remove it by hand"
            )


def _check(files: Iterable[str], inputs: tuple[Path, ...]) -> None:
    """Raise HuddleError unless these are plain names, none of which is two things on any system."""
    names: set[str] = set()
    directories: set[str] = set()
    for path in files:
        try:
            check_path(path)
        except ValueError as error:
            raise ProgramError(f"the program has a file with a forbidden path: {error}") from None
        parts = path.casefold().split("/")
        if path.casefold() in names:
            raise ProgramError(f"the program has two files at the path {path!r}")
        names.add(path.casefold())
        directories.update("/".join(parts[:count]) for count in range(1, len(parts)))
    if both := names & directories:
        raise ProgramError(f"in the program {min(both)!r} is a file and a directory")
    for source in inputs:
        if source.name.casefold() in names | directories:
            raise LocalError(
                f"the program has {source.name!r} itself", hint="give the --input file another name"
            )
        names.add(source.name.casefold())


def collect(entry: str, listing: Iterable[str], include: Iterable[str] = ()) -> tuple[str, ...]:
    """The program's files among `listing` (relative paths with `/`): the entry, and what the globs match.

    `*` and `?` stay within a name, `**` goes down. A glob that matches nothing is an error.
    """
    listing = tuple(listing)
    chosen = {entry}
    for glob in include:
        found = [path for path in listing if _pattern(glob).fullmatch(path)]
        if not found:
            raise LocalError(f"--include {glob} matches no file beside {entry}")
        chosen.update(found)
    return (entry, *sorted(chosen - {entry}))


def _pattern(glob: str) -> re.Pattern[str]:
    tokens = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    return re.compile("".join(tokens.get(part, re.escape(part)) for part in parts))


def left_behind(source: bytes, entry: str, listing: Iterable[str], chosen: Iterable[str]) -> tuple[str, ...]:
    """The files beside the entry that it imports as modules and that are not among the chosen ones."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return ()
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    folder = entry.rpartition("/")[0]
    beside = {f"{folder}/{name}" if folder else name for name in names}
    missing = set(listing) - set(chosen)
    return tuple(
        sorted(
            path
            for path in missing
            if path.endswith(".py") and (path[:-3] in beside or path.partition("/")[0] in beside)
        )
    )
